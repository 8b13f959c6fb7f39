from pathlib import Path

import pytest
import torch

from benchmarks import memory
from benchmarks.memory import Work, peak_in_own_process


def work(mebibytes: int) -> Work:
    return lambda: torch.ones(mebibytes * 2**20 // 4).sum(), lambda: None


@pytest.mark.skipif(not memory.CLEAR.exists(), reason="only Linux tells the peak of resident memory")
def test_the_peak_is_that_of_what_is_held_at_a_time() -> None:
    def iterate() -> None:
        for _ in range(3):
            torch.ones(12 * 2**20 // 4).sum()
        torch.ones(48 * 2**20 // 4).sum()

    # What is freed may stay in the heap, but not all four of them.
    assert 46 < memory.peak_here(iterate, lambda: None) < 66


@pytest.mark.slow
@pytest.mark.skipif(not memory.CLEAR.exists(), reason="only Linux tells the peak of resident memory")
def test_the_work_runs_in_a_process_of_its_own() -> None:
    found = peak_in_own_process(work, 48)
    assert found is not None
    assert 46 < found < 66


def test_where_the_system_tells_nothing_there_is_no_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "CLEAR", tmp_path / "none")
    assert peak_in_own_process(work, 1) is None
