"""How the minutes of the demo are divided: what follows training is reserved beforehand, and training has the rest."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

MEASURING = 0.2
"""Of the whole: measuring takes at most this share."""
REPORTING = 0.03
"""Of the whole: reserved for the sheet of samples and for the report."""
LEAST_TRAINING = 0.25
"""Of the whole: training has at least this share, however long the pictures took; the whole takes longer then."""
LEAST_MEASURING = 20.0
"""Seconds. A smaller sample takes as long, since networks and pictures must be loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """The time of the whole demo.

    Args:
        whole: Minutes from its start to its end.
        clock: Reads seconds.
    """

    whole: float
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
        return max(LEAST_MEASURING, 60 * min(MEASURING * self.whole, left))

    def plan(self, names: tuple[str, ...], pictures: float | None) -> str:
        """Return the plan of all steps, in words.

        Args:
            names: The names of the five steps.
            pictures: Minutes that making the pictures takes, as estimated; 0 if they are there. None: not known.
        """
        lines = [
            _line(names[0], "as long as it takes" if pictures is None else _about(pictures)),
            _line(
                names[1], ("the rest, up to " if pictures is None else "") + _about(self.of_training(pictures or 0.0))
            ),
            _line(names[2], _about(self.whole * REPORTING / 2)),
            _line(names[3], f"at most {max(MEASURING * self.whole, LEAST_MEASURING / 60):.1f} min"),
            _line(names[4], _about(self.whole * REPORTING / 2)),
        ]
        text = "\n".join(
            [f"plan      {self.whole:g} minutes in all, if this machine is not much slower later:", *lines]
        )
        if pictures is not None and pictures > self.whole * (1 - MEASURING - REPORTING - LEAST_TRAINING):
            text += "\nnote: making so many pictures leaves little time for training: raise --minutes, or lower --count"
        return text


def _line(name: str, time_in_words: str) -> str:
    return f"          {name:<18} {time_in_words}"


def _about(minutes: float) -> str:
    return "nothing to do" if minutes == 0 else f"about {max(minutes, 0.1):.1f} min"
