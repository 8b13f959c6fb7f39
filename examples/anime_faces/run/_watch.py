"""What a training session reports while it works, for a page or a window that shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How far the work in a run's folder is.

    Args:
        done: How much of the current work is done.
        total: How much there is to do.
        unit: What is counted, such as "steps".
        seconds_left: Estimated seconds to the end of this work. None: not known yet.
        has_new_grid: Whether a sample grid was drawn just now.
    """

    done: int
    total: int
    unit: str = "steps"
    seconds_left: float | None = None
    has_new_grid: bool = False


Watcher: TypeAlias = Callable[[Moment], None]


def watch_nothing(moment: Moment) -> None:
    """Do nothing: the watcher of a session that nobody watches."""
    del moment
