import time
from collections.abc import Callable
from functools import partial

import pytest
import torch

from benchmarks.timing import Ratio, compare, fastest_convolutions


def test_runs_are_warmed_up_and_then_taken_in_turn() -> None:
    log: list[str] = []
    compare(
        [partial(log.append, "a"), partial(log.append, "b")], device=torch.device("cpu"), warmup=2, repeats=2, inner=3
    )
    assert "".join(log) == "aabb" + "aaabbb" * 2


class _Clock:
    """A clock that only what is timed moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 5.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def takes(self, *seconds: float) -> Callable[[], None]:
        left = iter(seconds)

        def run() -> None:
            self.now += next(left)

        return run


def test_ratios_are_medians_of_pairs_with_quartiles(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    runs = [clock.takes(1, 2, 4, 1, 1), clock.takes(3, 2, 4, 5, 2)]  # ratios 3, 1, 1, 5, 2
    ratios = compare(runs, device=torch.device("cpu"), warmup=0, repeats=5, inner=1)
    assert ratios == [Ratio(1.0, 1.0, 1.0), Ratio(2.0, 1.0, 3.0)]


def test_a_single_repeat_has_no_quartiles() -> None:
    ratio = compare([lambda: None, lambda: None], device=torch.device("cpu"), warmup=0, repeats=1, inner=1)[1]
    assert ratio.low == ratio.median == ratio.high


@pytest.mark.parametrize("before", [True, False])
def test_the_flag_of_cudnn_is_restored(before: bool) -> None:
    torch.backends.cudnn.benchmark = before
    try:
        with fastest_convolutions():
            assert torch.backends.cudnn.benchmark
        assert torch.backends.cudnn.benchmark is before
    finally:
        torch.backends.cudnn.benchmark = False
