"""Which of several ways to do the same work is the fastest here and now: measured by interleaved repeats, under a limit."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]

REPEATS = 5
PROBES = 3
DROPPED_ABOVE = (4.0, 2.0, 1.5)
"""After its first, second, and every later repeat, a candidate that takes this many times as long as the best is dropped."""


class UnusableError(Exception):
    """A candidate cannot do the work; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to do a step of work.

    Args:
        work: Does one real step, and returns when it is done; on a GPU it must wait for the device. It raises `UnusableError`
            if this way cannot do the work, and is then left out.
        probe: Does something far cheaper that shows a hopeless candidate, such as one small convolution in its number format.
            None: the candidate is not probed.
        least_gain: How much faster than a plain candidate it must be to be chosen: 0.85 means at most 0.85 of the time.
    """

    work: Callable[[], object]
    probe: Callable[[], object] | None = None
    least_gain: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison found.

    Args:
        best: Name of the winner.
        seconds: Seconds of one step by name, the fastest first: what a repeat takes when the machine is not disturbed.
        left_out: Why each other candidate has no figure, by name.
        took: Seconds of the whole comparison.
    """

    best: str
    seconds: Mapping[str, float]
    left_out: Mapping[str, str]
    took: float

    def __str__(self) -> str:
        """Return all figures as one readable line."""
        figures = [f"{name}: {_in_words(seconds)}" for name, seconds in self.seconds.items()]
        for reason in dict.fromkeys(self.left_out.values()):
            first, *others = (name for name, why in self.left_out.items() if why == reason)
            figures.append(f"{first}{f' and {len(others)} more' if others else ''}: {reason}")
        return "; ".join(figures)


def compare(
    candidates: Mapping[str, Candidate], *, seconds: float, repeats: int = REPEATS, clock: Clock = time.perf_counter
) -> Comparison:
    """Time candidates by turns and return the fastest.

    Each round does one step of every candidate, so a busy moment of the machine hits all of them, and the figure of a candidate
    is the mean of the faster half of its repeats, its first not counted. One that is far slower is dropped early, if it has a
    probe before its first step. Time is looked at between steps only, so put first what is never slow.

    What the candidates do must not be kept: build something to measure with, and throw it away. Training uses it through
    `fastest_hardware`, and so can any other work that has a step, such as drawing or judging one batch.

    Args:
        candidates: The candidates by the names under which their figures are shown, in the order in which they are tried.
        seconds: Begin no repeat after this time. The first candidate is timed in any case.
        repeats: Most repeats of each.
        clock: Reads seconds.

    Raises:
        ValueError: There is no candidate.

    Example:
        >>> ways = {"sum": Candidate(work=lambda: sum(range(10))), "loop": Candidate(work=lambda: max(range(10**5)))}
        >>> compare(ways, seconds=1.0).best
        'sum'
    """
    if not candidates:
        raise ValueError("candidates must not be empty")
    start = clock()
    slow = _slow_by_probe(candidates, clock)
    left_out = dict(slow)
    racing = [name for name in candidates if name not in slow]
    times: dict[str, list[float]] = {}
    for number in range(repeats):
        for name in racing:
            if times and clock() - start >= seconds:
                break
            try:
                times.setdefault(name, []).append(_seconds_of(candidates[name].work, clock))
            except UnusableError as error:
                left_out[name] = str(error)
                del times[name]
        racing = [name for name in racing if name not in left_out]
        racing = _still_in(racing, times, DROPPED_ABOVE[min(number, len(DROPPED_ABOVE) - 1)])
        if len(racing) < 2 or clock() - start >= seconds:
            break
    left_out |= {name: "no time left to try it" for name in candidates if name not in times and name not in left_out}
    figures = {name: typical_seconds(found) for name, found in times.items()}
    return Comparison(
        best=min(figures, key=lambda name: figures[name] / candidates[name].least_gain),
        seconds=dict(sorted(figures.items(), key=lambda item: item[1])),
        left_out=left_out,
        took=clock() - start,
    )


def typical_seconds(times: Sequence[float]) -> float:
    """Return what a repeat takes when the machine is not disturbed: the mean of the faster half, without the first.

    The first repeat allocates memory and fills caches; it counts only if it is the only one. The fastest alone would be a lucky
    moment where steps are short, and the mean of all an unlucky one where something else ran.

    Example:
        >>> typical_seconds([9.0, 2.0, 1.0, 7.0, 3.0])
        1.5
        >>> typical_seconds([9.0])
        9.0
    """
    counted = sorted(times[1:] or times)
    half = counted[: math.ceil(len(counted) / 2)]
    return sum(half) / len(half)


def _seconds_of(work: Callable[[], object], clock: Clock) -> float:
    before = clock()
    work()
    return clock() - before


def _still_in(racing: Sequence[str], times: Mapping[str, Sequence[float]], factor: float) -> list[str]:
    tried = {name: min(times[name]) for name in racing if name in times}
    limit = factor * min(tried.values())
    return [name for name in racing if tried.get(name, 0.0) <= limit]


def _slow_by_probe(candidates: Mapping[str, Candidate], clock: Clock) -> dict[str, str]:
    """Return the candidates whose probes are far slower than the fastest one; a shared probe runs once for all."""
    probes = {candidate.probe: list[float]() for candidate in candidates.values() if candidate.probe is not None}
    if len(probes) < 2:
        return {}
    for _ in range(PROBES):
        for probe, times in probes.items():
            times.append(_seconds_of(probe, clock))
    best = max(min(min(times) for times in probes.values()), 1e-9)
    factors = {
        name: min(probes[candidate.probe]) / best
        for name, candidate in candidates.items()
        if candidate.probe is not None
    }
    return {
        name: f"not tried, since a small part of the work takes {factor:.0f} times as long"
        for name, factor in factors.items()
        if factor > DROPPED_ABOVE[0]
    }


def _in_words(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.3g} ms"
