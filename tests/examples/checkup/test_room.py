"""Room on the disk and in memory."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from examples.anime_faces.checkup import Trial, findings_of_room, room_lines
from examples.anime_faces.checkup._room import disk_needed

TRIAL = Trial(device="cpu", seconds=0.5, parts={}, rounds=3, checkpoint=100 * 2**20, saving=1.0, memory=300 * 2**20)


@pytest.mark.parametrize(("share", "levels"), [(0.5, [True]), (1.1, [False]), (2.0, [])])
def test_the_disk_is_compared_with_what_the_run_needs(
    share: float, levels: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = int(share * disk_needed(TRIAL.checkpoint, kept=2))
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=free))
    found = list(findings_of_room(TRIAL, tmp_path / "runs" / "new", 2))
    assert [one.is_problem for one in found] == levels
    assert all("560 MiB" in one.what for one in found)


def test_what_is_needed_and_free_is_shown(tmp_path: Path) -> None:
    disk, memory = room_lines(TRIAL, tmp_path / "runs" / "new", 0)
    assert disk.startswith("disk: up to 360 MiB, checkpoints of 100 MiB, ")
    assert disk.endswith(f" free in {tmp_path}")
    assert memory.startswith("memory: the tried steps held 300 MiB at most on cpu")
