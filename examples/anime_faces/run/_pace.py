"""Minutes as a budget: where the machine gets slower or faster, the plan of steps is changed, and that is recorded."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from examples.anime_faces.run._settings import PlanChange

LOOKS = 16
"""How often the clock is compared with the plan."""
TOLERANCE = 0.03
"""The plan stays if it would take longer than the time by at most this share."""
LEAST_SHARE = 0.25
"""Of the first plan: training never ends earlier, however slow the machine has become."""
ROOM = 0.08
"""The plan is made longer if it would leave more than this share of the time."""
LONGER_UNTIL = 0.5
"""Of the plan: later it is not made longer, since learning rates have begun to fall."""
MOST_SHARE = 4
"""Of the first plan: it is never made longer than that."""
TRUST = 0.125
"""The pace that was measured at the start counts like the pace of this share of the time."""
LONGEST_PAUSE = 60.0
PAUSE_IN_STEPS = 20

Pacer: TypeAlias = Callable[[int, int, float], int]
"""Called after each step with the step, the planned steps and the seconds of training so far; returns the steps to plan now."""


class Stopwatch:
    """Counts seconds of work by ticks; a gap far longer than any before it was a pause of the machine, and is not counted.

    Some systems let their clocks run on while the computer sleeps, and all do while a process is stopped (Ctrl-Z).

    Args:
        clock: Reads seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._last = clock, clock()
        self._seconds, self._ticks = 0.0, 0

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._seconds + self._counted(self._clock() - self._last)

    def tick(self) -> None:
        """Count the time since the last tick: of one step, with the pictures and checkpoints after it."""
        now = self._clock()
        self._seconds += self._counted(now - self._last)
        self._last, self._ticks = now, self._ticks + 1

    def _counted(self, gap: float) -> float:
        usual = self._seconds / max(1, self._ticks)
        return usual if self._ticks and gap > max(LONGEST_PAUSE, PAUSE_IN_STEPS * usual) else gap


def keep_the_plan(step: int, steps: int, elapsed: float) -> int:
    """Never change the plan: for runs whose steps were requested."""
    del step, elapsed
    return steps


@dataclass(frozen=True, slots=True)
class AsRecorded:
    """Change the plan where another run changed it, so that the same numbers are computed.

    Args:
        changes: Its changes.
    """

    changes: Sequence[PlanChange]

    def __call__(self, step: int, steps: int, elapsed: float) -> int:
        """Return the steps that the other run planned after this step."""
        del elapsed
        return next((change.after for change in self.changes if change.step == step), steps)


@dataclass(slots=True, kw_only=True)
class ByTheClock:
    """Shorten the plan where the time is too short for it, and make it longer where much would be left.

    The clock is looked at sixteen times over the run, and at the last step at which the plan can be made longer.
    The pace of the remaining steps is taken to be the mean of all steps so far, and of the pace that was planned with. So one
    busy moment changes little, and a machine that stays slow is followed in several small changes, after each of which learning
    rates fall towards the new end. In its first half, a plan that was made in a busy moment becomes longer.

    Args:
        seconds: The time that the first plan was made for.
        first: The steps of the first plan.
        elapsed: Seconds of training so far.
    """

    seconds: float
    first: int
    elapsed: float = 0.0

    def __call__(self, step: int, steps: int, elapsed: float) -> int:
        """Return the steps to plan now, never fewer than are done."""
        last_chance = step == int(LONGER_UNTIL * steps)
        if elapsed - self.elapsed < self.seconds / LOOKS and not last_chance:
            return steps
        self.elapsed = elapsed
        return fitting_steps(step, steps, elapsed, seconds=self.seconds, first=self.first)


def fitting_steps(step: int, steps: int, elapsed: float, *, seconds: float, first: int) -> int:
    """Return how many steps to plan after `step` steps in `elapsed` seconds, if the first plan was `first` steps in `seconds`.

    Example:
        >>> fitting_steps(250, 1000, 250.0, seconds=1000.0, first=1000)
        1000
        >>> fitting_steps(250, 1000, 500.0, seconds=1000.0, first=1000)
        550
        >>> fitting_steps(100, 300, 990.0, seconds=1000.0, first=1000)
        250
        >>> fitting_steps(250, 1000, 150.0, seconds=1000.0, first=1000)
        1409
    """
    each = (elapsed + TRUST * seconds) / (step + TRUST * first)
    ends, fitting = elapsed + (steps - step) * each, step + int(max(0.0, seconds - elapsed) / each)
    if ends > (1 + TOLERANCE) * seconds:
        return min(steps, max(fitting, math.ceil(LEAST_SHARE * first)))
    if ends < (1 - ROOM) * seconds and step <= LONGER_UNTIL * steps:
        return max(steps, min(fitting, MOST_SHARE * first))
    return steps
