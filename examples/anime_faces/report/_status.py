"""What is being done, as the top of the page shows it while a run continues."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from examples.anime_faces.run import Moment

GRACE = 90.0  # seconds without news that are nothing unusual, beside what the work itself takes
GRACE_OF_OTHERS = 900.0  # ... in work that says nothing between its start and its end, such as measuring


class Stage(NamedTuple):
    """A part of the whole work; `state` is "done", "now" or "next"."""

    name: str
    state: str


class Status(NamedTuple):
    """What is being done.

    Args:
        stages: All parts of the work.
        counted: How far the current part is, in words; may be empty.
        share: The same as a share of 1. None: not known.
        seconds_left: Estimated seconds to the end of the current part. None: not known.
        written: When the page was written, in seconds since 1970.
        written_text: The same as a date, for readers without scripts.
        every: Seconds after which the page loads itself again.
        patience: Seconds without news after which the page says that the work may have ended.
        error: Why the work ended too early; empty where it continues.
    """

    stages: list[Stage]
    counted: str
    share: float | None
    seconds_left: int | None
    written: float
    written_text: str
    every: int
    patience: int
    error: str

    @property
    def doing(self) -> str:
        """Name of the current part, as a heading."""
        names = [stage.name for stage in self.stages if stage.state == "now"]
        return names[0][:1].upper() + names[0][1:] if names else "Working"


def status_of(
    stages: Sequence[str], stage: str, moment: Moment | None, *, pause: float, pace: float, error: str = ""
) -> Status:
    """Return what the page shows.

    Args:
        stages: All parts of the work in their order.
        stage: The current one.
        moment: How far it is. None: it does not say.
        pause: Seconds to the next writing, if all goes well.
        pace: Seconds between the last two moments.
        error: Why the work ended too early.
    """
    now = time.time()
    place = stages.index(stage) if stage in stages else len(stages)
    states = ["done" if index < place else "now" if index == place else "next" for index in range(len(stages))]
    left = None if moment is None or moment.seconds_left is None else round(moment.seconds_left)
    return Status(
        stages=[Stage(name, state) for name, state in zip(stages, states, strict=True)],
        counted="" if moment is None else f"{moment.done:,} of {moment.total:,} {moment.unit}",
        share=None if moment is None else min(1.0, moment.done / max(1, moment.total)),
        seconds_left=left,
        written=now,
        written_text=time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now)),
        every=max(2, round(pause)),
        patience=round(GRACE_OF_OTHERS if moment is None else GRACE + 3 * pause + 5 * pace),
        error=error,
    )
