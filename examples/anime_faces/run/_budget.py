"""Minutes turned into steps: measured once, then fixed, so that a run planned by the clock resumes exactly."""

import time
from collections.abc import Callable

MOST_SECONDS = 10.0
SHARE_OF_BUDGET = 0.05
WARM_UP_ROUNDS = 3
SHARE_FOR_PICTURES = 0.06  # grids, curves and checkpoints


def steps_within(minutes: float, play: Callable[[int], object]) -> int:
    """Return how many rounds fit.

    Args:
        minutes: Time to train, above 0.
        play: Plays round `t` of a system that is thrown away afterwards.

    Raises:
        ValueError: `minutes` is not above 0.
    """
    if not minutes > 0:
        raise ValueError(f"--minutes must be above 0, but it is {minutes}")
    start = time.monotonic()
    limit = min(MOST_SECONDS, SHARE_OF_BUDGET * 60 * minutes)
    times: list[float] = []
    while len(times) < WARM_UP_ROUNDS + 2 or time.monotonic() - start < limit:
        before = time.perf_counter()
        play(len(times))
        times.append(time.perf_counter() - before)
    measured = times[WARM_UP_ROUNDS:]
    # The mean, not the median: rounds of some schedules differ on purpose.
    seconds_per_round = sum(measured) / len(measured)
    left = 60 * minutes - (time.monotonic() - start)
    return max(1, int(left * (1 - SHARE_FOR_PICTURES) / seconds_per_round))
