"""Timing of several things in turn, so that other work on the machine slows all of them down equally."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of one thing divided by that of the first: the median over repeats taken in turn, and the quartiles."""

    median: float
    low: float
    high: float


def compare(
    runs: Sequence[Callable[[], object]], *, device: torch.device, warmup: int, repeats: int, inner: int
) -> list[Ratio]:
    """Time each run `repeats` times in turn and return each one's time as a ratio to the first's.

    The arguments are those of `timed_in_turn`.
    """
    samples = timed_in_turn(runs, device=device, warmup=warmup, repeats=repeats, inner=inner)
    first = [row[0] for row in samples]
    return [ratio_of([row[position] for row in samples], first) for position in range(len(runs))]


def timed_in_turn(
    runs: Sequence[Callable[[], object]], *, device: torch.device, warmup: int, repeats: int, inner: int
) -> list[list[float]]:
    """Time each run `repeats` times in turn and return the seconds of the samples: a row per repeat, a column per run.

    Args:
        runs: What to time.
        device: A CUDA device is timed by its own events; the host waits after a sample, never within it.
        warmup: Calls of each run before any is timed.
        repeats: Samples of each run.
        inner: Calls in one sample.
    """
    for run in runs:
        for _ in range(warmup):
            run()
    sample = _cuda_seconds if device.type == "cuda" else _host_seconds
    return [[sample(run, inner) for run in runs] for _ in range(repeats)]


def ratio_of(times: Sequence[float], first: Sequence[float]) -> Ratio:
    """Return the ratio of samples to those of the first thing, each taken in the same repeat."""
    ratios = [own / other for own, other in zip(times, first, strict=True)]
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(statistics.median(ratios), low, high)


@contextmanager
def fastest_convolutions() -> Iterator[None]:
    """Let cuDNN choose its fastest algorithms inside the context, and restore the flag afterwards."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _host_seconds(run: Callable[[], object], inner: int) -> float:
    start = time.perf_counter()
    for _ in range(inner):
        run()
    return time.perf_counter() - start


def _cuda_seconds(run: Callable[[], object], inner: int) -> float:
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    for _ in range(inner):
        run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000
