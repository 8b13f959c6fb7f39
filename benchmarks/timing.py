"""Timing of several things in turn, so that a machine's moods fall on all of them alike."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of one thing over that of the first: the median of repeats taken side by side, and their quartiles."""

    median: float
    low: float
    high: float


def compare(
    runs: Sequence[Callable[[], None]], *, device: torch.device, warmup: int, repeats: int, inner: int
) -> list[Ratio]:
    """Time each run `repeats` times in turn and return each one's time as a ratio to the first's.

    Args:
        runs: What to time; the first is the measure of all.
        device: A CUDA device is timed by its own events; the host waits after a sample, never within it.
        warmup: Calls of each run before any is timed.
        repeats: Samples of each run.
        inner: Calls in one sample.
    """
    for run in runs:
        for _ in range(warmup):
            run()
    sample = _cuda_seconds if device.type == "cuda" else _host_seconds
    samples = [[sample(run, inner) for run in runs] for _ in range(repeats)]
    return [_ratio([row[position] / row[0] for row in samples]) for position in range(len(runs))]


@contextmanager
def fastest_convolutions() -> Iterator[None]:
    """Let cuDNN try its algorithms inside the context; the flag is as before after it."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _host_seconds(run: Callable[[], None], inner: int) -> float:
    start = time.perf_counter()
    for _ in range(inner):
        run()
    return time.perf_counter() - start


def _cuda_seconds(run: Callable[[], None], inner: int) -> float:
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    for _ in range(inner):
        run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def _ratio(ratios: list[float]) -> Ratio:
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(statistics.median(ratios), low, high)
