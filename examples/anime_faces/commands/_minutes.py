"""How the minutes of the demo are divided: what follows training is reserved beforehand, and training has the rest."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

MEASURING = 0.13
"""Of the whole: reserved for measuring. A small sample takes about half of it on a quiet machine."""
MOST_MEASURING = 0.2
"""Of the whole: measuring takes at most this share, where training leaves it so much."""
REPORTING = 0.03
"""Of the whole: reserved for the sheet of samples and for the report."""
LEAST_TRAINING = 0.25
"""Of the whole: training has at least this share, however long the pictures took; the whole takes longer then."""
LEAST_MEASURING = 20.0
"""Seconds. A smaller sample takes as long, since networks and pictures must be loaded."""

PICTURES, TRAINING, JUDGING = 1, 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """The time of the whole demo.

    Args:
        whole: Minutes from its start to its end.
        goes_on: Whether the run has begun already, so that its training continues as it was planned then.
        clock: Reads seconds.
    """

    whole: float
    goes_on: bool = False
    clock: Callable[[], float] = time.monotonic
    start: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", self.clock())

    @property
    def spent(self) -> float:
        """The minutes since the start."""
        return (self.clock() - self.start) / 60

    def of_training(self, pictures: float | None = None) -> float:
        """Return the minutes that are left for training.

        Args:
            pictures: Minutes that making the pictures takes. Default: the time from the start to now.
        """
        left = self.whole * (1 - MEASURING - REPORTING) - (self.spent if pictures is None else pictures)
        return max(left, LEAST_TRAINING * self.whole)

    def seconds_of_measuring(self) -> float:
        """Return the seconds that measuring may take now: a fifth of the whole, or what is left."""
        left = self.whole * (1 - REPORTING / 2) - self.spent
        return max(LEAST_MEASURING, 60 * min(MOST_MEASURING * self.whole, left))

    def of_step(self, number: int, pictures: float | None = None) -> str:
        """Return how long a step takes that begins now, in words.

        Args:
            number: The step, from 1 to 5: pictures, training, samples, measuring, report.
            pictures: For the first two: minutes that making the pictures takes. None: not known, or done already.
        """
        if number == PICTURES:
            return "as long as it takes" if pictures is None else _about(pictures)
        if number == TRAINING and self.goes_on:
            return "what is left of the plan of this run"
        if number == TRAINING:
            return _about(self.of_training(pictures))
        if number == JUDGING:
            return f"at most {self.seconds_of_measuring() / 60:.1f} min"
        return _about(self.whole * REPORTING / 2)

    def plan(self, names: tuple[str, ...], pictures: float | None) -> str:
        """Return the plan of all steps, in words.

        Args:
            names: The names of the five steps.
            pictures: Minutes that making the pictures takes, as estimated; 0 if they are there. None: not known.
        """
        lines = [f"          {name:<18} {self.of_step(number, pictures)}" for number, name in enumerate(names, start=1)]
        if pictures is None and not self.goes_on:
            lines[1] += " or less: what the pictures leave"
        text = "\n".join(
            [f"plan      {self.whole:g} minutes in all, if this machine is not much slower later:", *lines]
        )
        if 60 * MOST_MEASURING * self.whole < LEAST_MEASURING:
            text += (
                f"\nnote: measuring alone takes {LEAST_MEASURING:.0f} s or more, so the whole takes longer than that"
            )
        if pictures is not None and pictures > self.whole * (1 - MEASURING - REPORTING - LEAST_TRAINING):
            text += "\nnote: making so many pictures leaves little time for training: raise --minutes, or lower --count"
        return text


def _about(minutes: float) -> str:
    return "nothing to do" if minutes == 0 else f"about {max(minutes, 0.1):.1f} min"
