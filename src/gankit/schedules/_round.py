"""One round: how many updates each network gets, and which goes first."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TypeAlias

from gankit._core import check_at_least


@dataclass(frozen=True, slots=True)
class Round:
    """Counts and order of the updates of one round.

    Args:
        critic: Critic updates, 0 or more.
        generator: Generator updates, 0 or more; not both are 0.
        generator_first: Whether the generator's updates come before the critic's.

    Raises:
        ValueError: A count is negative or no whole number, or both are 0.

    Example:
        >>> from gankit.schedules import Round
        >>> Round(5)
        Round(critic=5, generator=1, generator_first=False)
    """

    critic: int = 1
    _: KW_ONLY
    generator: int = 1
    generator_first: bool = False

    def __post_init__(self) -> None:
        """Check the counts and the order."""
        check_at_least("critic", self.critic, 0)
        check_at_least("generator", self.generator, 0)
        if not isinstance(self.generator_first, bool):
            raise ValueError(f"generator_first must be True or False, got {self.generator_first!r}")
        if self.critic == self.generator == 0:
            raise ValueError("critic and generator must not both be 0: the round would do nothing")


Schedule: TypeAlias = Callable[[int], Round]
"""Anything that maps the number of the round, counted from 0, to a `Round`. It keeps no state."""


def check_round(name: str, value: object) -> None:
    """Refuse what is no round."""
    if not isinstance(value, Round):
        raise ValueError(f"{name} must be a gankit.schedules.Round, got {value!r}")


def check_time(t: int) -> None:
    """Refuse what is no number of a round."""
    check_at_least("t", t, 0)
