import os
import signal
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gankit.training import CheckpointError, Checkpoints


def _damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _filled(folder: Path, *steps: int) -> Checkpoints:
    checkpoints = Checkpoints(folder, keep=3)
    for step in steps:
        checkpoints.save(step, {"value": torch.tensor(step)})
    return checkpoints


def test_the_newest_is_loaded_and_the_oldest_go(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "deep" / "folder", keep=2)
    assert checkpoints.load_latest() is None
    for step in (0, 9, 10, 100):
        checkpoints.save(step, {"value": step})
        assert checkpoints.load_latest() == (step, {"value": step})
    assert checkpoints.steps() == [10, 100]


def test_by_default_two_are_kept_and_one_that_is_gone_already_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2, 3):
        checkpoints.save(step, {})
    assert checkpoints.steps() == [2, 3]
    listed = Checkpoints.steps

    def then_removed(self: Checkpoints) -> list[int]:
        steps = listed(self)
        self.path(2).unlink()
        return steps

    monkeypatch.setattr(Checkpoints, "steps", then_removed)
    checkpoints.save(4, {})
    assert listed(checkpoints) == [3, 4]


def test_a_step_may_be_saved_again(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1, 2)
    checkpoints.save(2, "again")
    assert checkpoints.load_latest() == (2, "again")
    assert checkpoints.steps() == [1, 2]


def test_later_steps_are_left_alone_and_what_was_just_saved_stays(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 10, 20, 30)
    # One warning for a new run in the folder of an old one, whose state load_latest returns.
    with pytest.warns(RuntimeWarning, match="checkpoint of step 30, later than step 5 which is saved now: load_latest"):
        checkpoints.save(5, {})
    assert checkpoints.steps() == [5, 10, 20, 30]
    checkpoints.save(15, {})
    assert checkpoints.steps() == [5, 10, 15, 20, 30]
    checkpoints.save(16, {})
    assert checkpoints.steps() == [10, 15, 16, 20, 30]


def test_a_damaged_newest_falls_back_with_a_warning(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1, 2, 3)
    _damage(checkpoints.path(3))
    with pytest.warns(RuntimeWarning, match=r"checkpoint-3\.pt was refused: .*before it") as warned:
        loaded = checkpoints.load_latest()
    assert [one.filename for one in warned] == [__file__]
    assert loaded is not None
    assert loaded[0] == 2
    assert loaded[1]["value"].item() == 2


def test_all_damaged_is_an_error_not_a_fresh_start(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1, 2)
    for step in (1, 2):
        _damage(checkpoints.path(step))
    with pytest.warns(RuntimeWarning), pytest.raises(CheckpointError, match="got 2 and all were refused"):
        checkpoints.load_latest()


def test_the_step_is_read_from_inside_the_file(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1)
    checkpoints.path(1).rename(checkpoints.path(7))
    loaded = checkpoints.load_latest()
    assert loaded is not None
    assert loaded[0] == 1


def test_other_files_are_not_taken_for_checkpoints(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 4)
    for name in ("checkpoint-9.pt.bak", "checkpoint-.pt", "xcheckpoint-9.pt", "checkpoint-9_pt"):
        (tmp_path / name).touch()
    assert checkpoints.steps() == [4]


def test_a_failed_save_removes_nothing(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1, 2, 3)
    with pytest.raises(ValueError, match=r"state\['state'\]\['x'\] must be a tensor"):
        checkpoints.save(4, {"x": object()})
    assert checkpoints.steps() == [1, 2, 3]


def test_older_files_go_only_after_the_new_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = _filled(tmp_path, 1, 2, 3)
    unlink = Path.unlink

    def watched(self: Path, missing_ok: bool = False) -> None:
        assert checkpoints.path(4).exists()
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    checkpoints.save(4, {})
    assert checkpoints.steps() == [2, 3, 4]


@pytest.mark.parametrize("keep", [1, 0, -1, 2.0])
def test_keep_must_leave_one_to_fall_back_on(tmp_path: Path, keep: Any) -> None:
    with pytest.raises(ValueError, match="keep must be"):
        Checkpoints(tmp_path, keep=keep)


@pytest.mark.parametrize("step", [-1, 1.5, True])
def test_step_must_be_a_whole_number(tmp_path: Path, step: Any) -> None:
    with pytest.raises(ValueError, match="step must be"):
        Checkpoints(tmp_path).save(step, {})


def test_a_checkpoint_of_another_kind_is_refused(tmp_path: Path) -> None:
    from gankit.training import save_checkpoint

    save_checkpoint(tmp_path / "checkpoint-1.pt", {"version": 2})
    with pytest.raises(ValueError, match="state of a checkpoint must have version 1, got 2"):
        Checkpoints(tmp_path).load_latest()


def _save_until_killed(folder: Path, pipe: int, elements: int, first: int) -> None:
    # numpy fills the tensors: torch's threads do not outlive a fork.
    warnings.simplefilter("ignore")
    checkpoints = Checkpoints(folder)
    for step in range(first, 10**9):
        checkpoints.save(step, {"values": torch.from_numpy(np.full(elements, step, dtype=np.float32))})
        os.write(pipe, f"{step}\n".encode())


def _kill_once(folder: Path, elements: int, first: int, seconds: float) -> int:
    """Let a child save until it is killed; return the last step that it acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _save_until_killed(folder, writer, elements, first)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as lines:
        acknowledged = int(lines.readline())  # killing starts after the first save: an empty folder proves nothing
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        for line in lines:
            if line.endswith("\n"):
                acknowledged = int(line)
    return acknowledged


@pytest.mark.parametrize(
    ("kills", "elements"),
    [(15, 1 << 18), pytest.param(60, 1 << 20, marks=pytest.mark.slow)],
    ids=["quick", "60 of 4 MB"],
)
def test_killed_at_any_time_the_newest_acknowledged_loads_and_no_orphan_stays(
    tmp_path: Path, kills: int, elements: int
) -> None:
    rng = np.random.default_rng()
    step, orphans = 0, 0
    for _ in range(kills):
        acknowledged = _kill_once(tmp_path, elements, step, rng.uniform(0, 0.06))
        orphans += len(list(tmp_path.glob("*.tmp-*")))
        loaded = Checkpoints(tmp_path).load_latest()
        assert loaded is not None
        # The newest may be whole though its acknowledgement was cut off.
        assert loaded[0] in (acknowledged, acknowledged + 1)
        assert bool((loaded[1]["values"] == loaded[0]).all())
        assert list(tmp_path.glob("*.tmp-*")) == []
        step = loaded[0] + 1
    assert orphans > 0, "no kill fell into a save: the loop proved nothing"
