"""What is measured before the first step of a run: the fastest way to compute, and how many steps fit into the minutes.

The rounds that are played for it are real ones, of a training that is not kept.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from examples.anime_faces.printing import say
from examples.anime_faces.systems import Clock, Comparison, Hardware, UnusableError, fastest_hardware, typical_seconds

SHORT_RUN = 200
"""Runs of fewer steps, where no minutes are given, use the first choice: measuring would take longer than it gains."""
ANOTHER_SPEED = 1.4
"""So many times as fast or as slow is more than chance."""
SECONDS_TO_CHOOSE = 15.0
LEAST_TO_CHOOSE = 6.0
SHARE_TO_CHOOSE = 0.03  # of the minutes
SECONDS_TO_PLAN = 15.0
LEAST_TO_PLAN = 4.0
SHARE_TO_PLAN = 0.02
ROUNDS_OF_A_MOMENT = 8  # some rounds differ: lazy penalties come at every eighth
MOST_MOMENTS = 6
SHARE_FOR_PICTURES = 0.06  # of the time, for grids, curves and checkpoints

Play = Callable[[int], object]


def choose_by_rounds(
    build: Callable[[Hardware], Play],
    choices: Sequence[Hardware],
    *,
    steps: int,
    minutes: float | None,
    clock: Clock = time.perf_counter,
) -> tuple[Hardware, Comparison | None]:
    """Choose the hardware on which the rounds of this run are the fastest.

    Args:
        build: Builds a training for a choice, and returns what plays round `t` of it; called once for choices that differ
            only in the number of threads.
        choices: What there is to choose from; the first is used where it is not worth measuring.
        steps: The planned steps. Rounds from the middle of the plan are played: those at its start may differ from the rest.
        minutes: The minutes that were requested, if any.
        clock: Reads seconds.

    Returns:
        The choice, and the figures behind it; None where nothing was measured.
    """
    if minutes is None and steps < SHORT_RUN:
        return choices[0], None
    share = math.inf if minutes is None else max(LEAST_TO_CHOOSE, SHARE_TO_CHOOSE * 60 * minutes)
    seconds = min(SECONDS_TO_CHOOSE, share)
    if len(choices) > 1:
        say(f"hardware  timing one step in {len(choices)} ways, for about {seconds:.0f} seconds", flush=True)
    built: dict[Hardware, Play] = {}

    def step_on(hardware: Hardware) -> Callable[[], object]:
        one_of_a_kind = replace(hardware, threads=1)
        if one_of_a_kind not in built:
            built[one_of_a_kind] = build(hardware)
        play, numbers = built[one_of_a_kind], count(steps // 2 + 1)

        def step() -> None:
            try:
                play(next(numbers))
            except ValueError as error:
                if hardware.gradients == choices[0].gradients:
                    raise
                raise UnusableError(str(error)) from error

        return step

    return fastest_hardware(step_on, choices, seconds=seconds, clock=clock)


def choice_in_words(figures: Comparison | None, choices: Sequence[Hardware]) -> str:
    """Return how the hardware was chosen, to be printed behind it."""
    if figures is not None:
        return f"\n          seconds of a step: {figures}"
    if len(choices) < 2:
        return ""
    words = f"a run of less than {SHORT_RUN} steps takes the first of {len(choices)} ways; --precision names another"
    return f" (not timed: {words})"


def speed_in_words(each: float, figures: Comparison | None) -> str:
    """Return a remark if steps now take another time than when the hardware was chosen; empty where they do not.

    Args:
        each: Seconds of a step now.
        figures: Those of the choice.
    """
    before = None if figures is None else figures.seconds.get(figures.best)
    if before is None or 1 / ANOTHER_SPEED < each / before < ANOTHER_SPEED:
        return ""
    how = "slower: something else runs on it" if each > before else "faster: something else has ended"
    return f"\n          (a step took {before:.3g} s when the hardware was chosen; the machine has become {how})"


def seconds_per_step(play: Play, *, steps: int, minutes: float, clock: Clock = time.perf_counter) -> float:
    """Return the seconds of a step when the machine is not disturbed, from a few moments of several rounds each.

    Where the machine gets busier or quieter later, the plan is changed then, but it is made longer only in its first half.

    Args:
        play: Plays round `t` of a training that is not kept, and returns when it is done.
        steps: The planned steps; rounds from the middle of the plan are played.
        minutes: The minutes that were requested.
        clock: Reads seconds.
    """
    limit = min(SECONDS_TO_PLAN, max(LEAST_TO_PLAN, SHARE_TO_PLAN * 60 * minutes))
    numbers = count(steps // 2 + 1)
    start = clock()
    play(next(numbers))  # it allocates memory
    moments: list[float] = []
    while len(moments) < MOST_MOMENTS and (not moments or clock() - start < limit):
        before, rounds = clock(), 0
        while rounds < ROUNDS_OF_A_MOMENT and (not rounds or clock() - start < 2 * limit):
            play(next(numbers))
            rounds += 1
        moments.append((clock() - before) / rounds)
    return typical_seconds([moments[0], *moments])


def steps_within(seconds: float, seconds_of_a_step: float) -> int:
    """Return how many steps fit into the time, with the pictures and checkpoints that are made beside them.

    Example:
        >>> steps_within(600.0, 0.5)
        1128
    """
    return max(1, int(seconds * (1 - SHARE_FOR_PICTURES) / max(seconds_of_a_step, 1e-9)))
