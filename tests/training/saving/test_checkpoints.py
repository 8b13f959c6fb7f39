import copy
import errno
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import warnings
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gankit.training import (
    CheckpointError,
    CheckpointFolderError,
    Checkpoints,
    NonFiniteError,
    load_checkpoint,
    save_checkpoint,
)


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
    message = r"must hold a checkpoint that can be loaded: .*checkpoint-1\.pt was refused: "
    with (
        pytest.warns(RuntimeWarning, match=r"checkpoint-2\.pt was refused"),
        pytest.raises(CheckpointError, match=message),
    ):
        checkpoints.load_latest()


def test_a_name_that_is_not_of_its_step_is_refused(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1, 2)
    checkpoints.path(2).rename(checkpoints.path(7))
    with pytest.warns(
        RuntimeWarning, match=r"checkpoint-7\.pt was refused: it holds step 2, so it must be named checkpoint-2\.pt"
    ):
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
    with pytest.raises(ValueError, match=r"state\['x'\] must be a tensor"):
        checkpoints.save(4, {"x": object()})
    assert checkpoints.steps() == [1, 2, 3]


def test_older_files_go_only_after_the_new_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = _filled(tmp_path, 1, 2, 3)
    unlink = Path.unlink

    def watched(self: Path, missing_ok: bool = False) -> None:
        assert checkpoints.path(4).exists()
        unlink(self, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", watched)
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


WHOLE = {"version": 1, "step": 3, "state": {"value": 1}}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({**WHOLE, "version": 2}, "state of a checkpoint must have version 1, got 2"),
        ({**WHOLE, "version": True}, "state of a checkpoint must have version 1, got True"),
        ({**WHOLE, "version": "1"}, "state of a checkpoint must have version 1, got '1'"),
        ({**WHOLE, "version": torch.ones(2)}, "must have version 1, got a tensor of shape"),
        ({**WHOLE, "more": 1}, r"state of a checkpoint must hold \['step', 'state'\] only, got 'more' too"),
        ({"version": 1, "step": 3}, r"must hold \['step', 'state'\], got none of \['state'\]"),
        ({"version": 1, "state": 3}, r"must hold \['step', 'state'\], got none of \['step'\]"),
        ({**WHOLE, "step": None}, "step must be a whole number, got None"),
        ({**WHOLE, "step": 3.0}, r"step must be a whole number, got 3\.0"),
        ({**WHOLE, "step": -3}, "step must be at least 0, got -3"),
        ({**WHOLE, "step": 4}, r"it holds step 4, so it must be named checkpoint-4\.pt"),
        ({}, "state of a checkpoint must have version 1, got None"),
        (None, "state of a checkpoint must have version 1, got None"),
        ([1], "state of a checkpoint must have version 1, got None"),
        (torch.ones(2), "state of a checkpoint must have version 1, got None"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(tmp_path: Path, content: Any, why: str) -> None:
    checkpoints = _filled(tmp_path, 1)
    save_checkpoint(tmp_path / "checkpoint-3.pt", content)
    with pytest.warns(
        RuntimeWarning, match=rf"checkpoint-3\.pt was refused: .*{why}.*; taking the checkpoint before it"
    ):
        loaded = checkpoints.load_latest()
    assert loaded is not None
    assert loaded[0] == 1


def _make_folder(path: Path) -> None:
    path.mkdir()


def _make_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _make_loop(path: Path) -> None:
    path.symlink_to(path)


def _make_pipe(path: Path) -> None:
    os.mkfifo(path)


def _make_empty(path: Path) -> None:
    path.touch()


def _make_text(path: Path) -> None:
    path.write_text("<html>")


@pytest.mark.parametrize("make", [_make_folder, _make_link, _make_loop, _make_pipe, _make_empty, _make_text])
def test_what_is_named_like_a_checkpoint_and_is_none_is_skipped_and_left(tmp_path: Path, make: Any) -> None:
    checkpoints = _filled(tmp_path, 1, 2)
    make(tmp_path / "checkpoint-9.pt")
    with pytest.warns(RuntimeWarning, match=r"checkpoint-9\.pt.*; taking the checkpoint before it") as warned:
        loaded = checkpoints.load_latest()
    assert len(warned) == 1
    assert loaded is not None
    assert loaded[0] == 2
    assert checkpoints.steps() == ([1, 2, 9] if make in (_make_empty, _make_text) else [1, 2])
    other = Checkpoints(tmp_path, keep=2)
    for step in (10, 11, 12, 13):
        other.save(step, {})
    assert {10, 11}.isdisjoint(other.steps())
    assert os.path.lexists(tmp_path / "checkpoint-9.pt") == (make not in (_make_empty, _make_text))


@pytest.mark.parametrize(
    "name", ["checkpoint-007.pt", "checkpoint-\u0667.pt", "checkpoint-\uff17.pt", "Checkpoint-7.PT"]
)
def test_a_number_that_is_written_in_another_way_is_named_in_a_warning(tmp_path: Path, name: str) -> None:
    checkpoints = _filled(tmp_path, 1, 7)
    shutil.copy(checkpoints.path(7), tmp_path / name)
    assert checkpoints.steps() == [1, 7]
    loaded = checkpoints.load_latest() if name == "checkpoint-007.pt" else None
    assert loaded is None or loaded[0] == 7
    checkpoints.path(7).unlink()
    with pytest.warns(
        RuntimeWarning, match=rf"{name} was refused: it holds step 7, so it must be named checkpoint-7\.pt"
    ):
        loaded = checkpoints.load_latest()
    assert loaded is not None
    assert loaded[0] == 1
    checkpoints.path(1).unlink()
    with pytest.raises(CheckpointError, match=f"must hold a checkpoint that can be loaded: .*{name} was refused: "):
        checkpoints.load_latest()


def test_a_link_to_nothing_is_called_so(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1, 2)
    _make_link(checkpoints.path(9))
    with pytest.warns(RuntimeWarning, match=r"checkpoint-9\.pt is a link to a file that does not exist; taking the"):
        checkpoints.load_latest()
    checkpoints.path(9).unlink()
    checkpoints.path(9).mkdir()
    with pytest.warns(
        RuntimeWarning, match=rf"checkpoint-9\.pt cannot be read: {os.strerror(errno.EISDIR)}; taking the"
    ):
        checkpoints.load_latest()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_skipped(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1, 2)
    checkpoints.path(2).chmod(0)
    with pytest.warns(RuntimeWarning, match=r"Permission denied.*checkpoint-2\.pt"):
        assert checkpoints.load_latest() is not None


def test_a_file_that_cannot_be_read_is_skipped_with_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = _filled(tmp_path, 1, 2)
    load = torch.load
    calls: list[object] = []

    def broken_at_first(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError(5, "Input/output error")
        return load(*arguments, **options)

    monkeypatch.setattr(torch, "load", broken_at_first)
    with pytest.warns(RuntimeWarning, match=r"checkpoint-2\.pt cannot be read: Input/output error"):
        loaded = checkpoints.load_latest()
    assert loaded is not None
    assert loaded[0] == 1


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*"))


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    reader = Checkpoints(tmp_path / "missing")
    assert (reader.steps(), reader.load_latest()) == ([], None)
    assert list(tmp_path.iterdir()) == []
    _filled(tmp_path, 1, 2).release()
    for name in ("checkpoint-3.pt.0.part-1-01234567", "checkpoint-3.pt.tmp-99999999-01234567"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    before, folder = _listing(tmp_path), tmp_path.stat().st_mtime_ns
    reader = Checkpoints(tmp_path)
    assert reader.steps() == [1, 2]
    assert reader.load_latest() is not None
    assert (_listing(tmp_path), tmp_path.stat().st_mtime_ns) == (before, folder)
    reader.save(3, {})
    assert [path.name for path in tmp_path.iterdir() if ".part-" in path.name or ".tmp-" in path.name] == []


WRITER = """
import sys, torch
from gankit.training import Checkpoints
checkpoints = Checkpoints(sys.argv[1])
print("ready", flush=True)
for step in range(10 ** 9):
    checkpoints.save(step, {"values": torch.full((5003,), float(step))})
"""


@pytest.mark.parametrize("loads", [200])
def test_the_newest_loads_while_another_process_saves(tmp_path: Path, loads: int) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        reader = Checkpoints(tmp_path)
        while reader.load_latest() is None:
            time.sleep(0.01)
        steps, end = [], time.monotonic() + 60
        while len(steps) < loads or (steps[-1] <= steps[0] + 10 and time.monotonic() < end):
            loaded = reader.load_latest()
            assert loaded is not None
            assert bool((loaded[1]["values"] == loaded[0]).all())
            steps.append(loaded[0])
        assert steps == sorted(steps)
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
        if writer.stdout is not None:
            writer.stdout.close()
    assert steps[-1] > steps[0] + 10, "the other process did not save meanwhile"


def test_a_file_that_is_removed_while_the_folder_is_read_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = _filled(tmp_path, 1, 2, 3), Checkpoints(tmp_path)
    listed, saved = Path.iterdir, [4]

    def then_saved(self: Path) -> Any:
        paths = list(listed(self))
        if saved:
            step = saved.pop()
            writer.save(step, {"value": step})
            for old in (1, 2, 3):
                writer.path(old).unlink(missing_ok=True)
        return iter(paths)

    monkeypatch.setattr(Path, "iterdir", then_saved)
    assert reader.load_latest() == (4, {"value": 4})


def test_a_folder_whose_files_are_always_removed_ends_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([self / "checkpoint-1.pt"]))
    with pytest.raises(
        CheckpointError, match="must hold its checkpoints until they are read, but each was removed before"
    ):
        Checkpoints(tmp_path).load_latest()


def test_a_folder_that_is_a_file_is_an_error_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    checkpoints = Checkpoints(tmp_path / "file")
    for call in (checkpoints.steps, checkpoints.load_latest, lambda: checkpoints.save(1, {})):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.filename == str(tmp_path / "file")


def test_a_second_writer_is_refused_and_nothing_of_the_first_is_lost(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        second = Checkpoints(tmp_path)
        while second.load_latest() is None:
            time.sleep(0.01)
        for _ in range(20):
            with pytest.raises(
                CheckpointFolderError, match=f"another process writes into the folder: process {writer.pid}"
            ):
                second.save(10**6, {})
        with pytest.raises(CheckpointFolderError), second:
            raise AssertionError("the folder was taken")
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
        if writer.stdout is not None:
            writer.stdout.close()
    second.save(10**6, {})
    assert second.steps()[-1] == 10**6


def test_a_folder_that_another_run_made_anew_is_not_written(tmp_path: Path) -> None:
    first = _filled(tmp_path / "run", 1, 2)
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(CheckpointFolderError, match="the folder was removed or replaced"):
        first.save(3, {})
    assert not (tmp_path / "run").exists()
    second = _filled(tmp_path / "run", 1)
    with pytest.raises(CheckpointFolderError, match="the folder was removed or replaced"):
        first.save(3, {})
    assert second.steps() == [1]
    first.release()  # to take it again is the caller's decision
    first.save(3, {})
    assert second.steps() == [1, 3]


def test_a_folder_is_taken_before_the_first_step(tmp_path: Path) -> None:
    with Checkpoints(tmp_path / "run") as checkpoints:
        assert (tmp_path / "run").is_dir()
        checkpoints.save(1, {})
        checkpoints.save(2, {})
    assert checkpoints.steps() == [1, 2]


def test_copies_have_no_lock_of_their_own(tmp_path: Path) -> None:
    checkpoints = _filled(tmp_path, 1)
    for copied in (copy.deepcopy(checkpoints), pickle.loads(pickle.dumps(checkpoints))):
        assert (copied.folder, copied.keep) == (tmp_path, 3)
        assert copied.load_latest() is not None


BAD = {
    "nan": torch.tensor([1.0, float("nan")]),
    "inf": torch.tensor([[float("inf")], [2.0]]),
    "half": torch.tensor([1.0, float("-inf")], dtype=torch.float16),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_state_that_is_not_finite_is_not_saved_unless_asked(tmp_path: Path, kind: str) -> None:
    checkpoints = _filled(tmp_path / "run", 1)
    state = {"updates": {"moments": [torch.ones(2), BAD[kind]]}, "best": float("inf")}
    with pytest.raises(
        NonFiniteError, match=r"state must be finite, got state\['updates'\]\['moments'\]\[1\] of shape"
    ):
        checkpoints.save(2, state)
    assert checkpoints.steps() == [1]
    checkpoints.save(2, state, finite=False)
    assert checkpoints.steps() == [1, 2]
    assert load_checkpoint(checkpoints.path(2))["state"]["best"] == float("inf")


def test_an_old_file_that_is_being_read_is_no_reason_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows removes no open file."""
    checkpoints = _filled(tmp_path, 1, 2, 3)
    unlink = Path.unlink

    def refused(self: Path, missing_ok: bool = False) -> None:
        if self.name == "checkpoint-1.pt":
            raise PermissionError(13, "in use", str(self))
        unlink(self, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refused)
        checkpoints.save(4, {})
    assert checkpoints.steps() == [1, 2, 3, 4]
    checkpoints.save(5, {})
    assert checkpoints.steps() == [3, 4, 5]


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
        orphans += len(list(tmp_path.glob("*.part-*")))
        checkpoints = Checkpoints(tmp_path)
        loaded = checkpoints.load_latest()
        assert loaded is not None
        # The newest may be whole though its acknowledgement was cut off.
        assert loaded[0] in (acknowledged, acknowledged + 1)
        assert bool((loaded[1]["values"] == loaded[0]).all())
        step = loaded[0] + 1
        checkpoints.save(step, {"values": torch.full((elements,), float(step))})
        checkpoints.release()
        assert list(tmp_path.glob("*.part-*")) == []
        step += 1
    assert orphans > 0, "no kill fell into a save: the loop proved nothing"


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."), MemoryError),
        (MemoryError(), MemoryError),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), MemoryError),
        (OSError(errno.EMFILE, "Too many open files"), OSError),
        (OSError(errno.ENFILE, "Too many open files in system"), OSError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[:20],
)
def test_what_this_process_lacks_is_no_reason_to_take_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    checkpoints = _filled(tmp_path, 1, 2)

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", fail)
        with pytest.raises(raised) as caught:
            checkpoints.load_latest()
    assert "checkpoint-2.pt" in str(caught.value)
    loaded = checkpoints.load_latest()
    assert loaded is not None
    assert loaded[0] == 2


@pytest.mark.parametrize("folder", [None, 3, b"x", ""])
def test_a_folder_that_is_no_path_is_refused_by_name(folder: Any) -> None:
    with pytest.raises(ValueError, match=r"^folder must be a path, got "):
        Checkpoints(folder)


class _Step(IntEnum):
    FIRST = 7


class _Number(int):
    def __str__(self) -> str:
        return "seven"


@pytest.mark.parametrize("step", [_Step.FIRST, _Number(7)])
def test_a_step_of_a_class_of_numbers_is_its_number(tmp_path: Path, step: int) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(step, {"a": 1})
    assert checkpoints.path(step).name == "checkpoint-7.pt"
    assert checkpoints.load_latest() == (7, {"a": 1})
