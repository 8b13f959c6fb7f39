import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.anime_faces.commands.train import Train
from examples.anime_faces.errors import RunLockedError, RunReplacedError
from examples.anime_faces.recipes import find_options
from examples.anime_faces.run import Moment, RunFolder, TrainRequest, train
from examples.anime_faces.run._hold import Hold, locked

RequestMaker = Callable[..., TrainRequest]

HOLD = """
import sys
from collections.abc import Callable
from pathlib import Path
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._hold import Hold, locked
with locked(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_folder_serves_one_process(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(RunLockedError, match=f"is in use by another training run .process {other.pid}"),
            locked(folder),
        ):
            pass
        os.kill(other.pid, signal.SIGKILL)
    with locked(folder):  # the lock of a dead process is free
        pass


def test_a_new_folder_that_stays_empty_is_removed(tmp_path: Path) -> None:
    folder, old = RunFolder(tmp_path / "new"), RunFolder(tmp_path / "old")
    old.path.mkdir()
    for one in (folder, old):
        with pytest.raises(ValueError, match="wrong"), locked(one):
            raise ValueError("wrong")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    with locked(folder):
        folder.prepare()
    assert folder.checkpoints.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "unknown"),
        (b"\xff\xfe\x00", "\ufffd\ufffd\x00"),
        (b"17\n" * 10_000, "unknown"),
        (b"18 19", "18"),
        (b"1" * 30, "1" * 20),
    ],
)
def test_whatever_stands_in_place_of_the_owner_the_folder_is_in_use(tmp_path: Path, content: bytes, words: str) -> None:
    folder = RunFolder(tmp_path / "run")
    with locked(folder):
        folder.owner.write_bytes(content)
        with pytest.raises(RunLockedError) as caught, locked(folder):
            pass
        assert str(caught.value) == f"{folder.path} is in use by another training run (process {words})"


def test_a_folder_in_a_new_folder_says_who_holds_it_and_is_left_with_what_was_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "new")
    with locked(folder):
        assert folder.owner.read_text(encoding="utf-8") == str(os.getpid())
        folder.log.touch()
    assert sorted(path.name for path in folder.path.iterdir()) == [folder.log.name, folder.lock.name]


def test_an_old_folder_keeps_its_lock(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for _ in range(2):
        with locked(folder):
            pass
        assert [path.name for path in folder.path.iterdir()] == [folder.lock.name]


def test_files_that_cannot_be_removed_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, which removes no file that is locked or read."""

    def refuse(self: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    folder = RunFolder(tmp_path / "run")
    with locked(folder):
        monkeypatch.setattr(Path, "unlink", refuse)
    assert sorted(path.name for path in folder.path.iterdir()) == [folder.lock.name, folder.owner.name]
    monkeypatch.undo()
    empty = RunFolder(tmp_path / "empty")
    with locked(empty):
        monkeypatch.setattr(Path, "rmdir", refuse)
    assert list(empty.path.iterdir()) == []
    locking = RunFolder(tmp_path / "locking")
    with locked(locking):
        unlink = Path.unlink
        monkeypatch.setattr(Path, "unlink", lambda self: refuse(self) if self == locking.lock else unlink(self))
    assert [path.name for path in locking.path.iterdir()] == [locking.lock.name]


def test_a_folder_that_was_gone_at_once_is_not_held(tmp_path: Path) -> None:
    hold = Hold(RunFolder(tmp_path / "run"))
    assert hold.is_same() is False
    with pytest.raises(RunReplacedError, match="run was removed while this process trained in it"):
        hold.check()


def test_a_file_system_without_locks_serves_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("examples.anime_faces.files.FileLock.acquire", refuse)
    with locked(RunFolder(tmp_path / "run")) as hold:
        assert (tmp_path / "run" / "run.owner").exists()
        hold.check()
    expected = (
        f"note: the file system of {tmp_path / 'run'} has no locks: take care that only one training runs in it\n"
    )
    assert capsys.readouterr().out == expected
    monkeypatch.undo()
    with locked(RunFolder(tmp_path / "other")):
        pass
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_is_gone_is_not_held_any_more(tmp_path: Path, *, replaced: bool) -> None:
    folder = RunFolder(tmp_path / "run")
    with locked(folder) as hold:
        hold.check()
        shutil.rmtree(folder.path)
        if replaced:
            folder.path.mkdir()
            folder.owner.write_text("another", encoding="utf-8")
        with pytest.raises(RunReplacedError, match="replaced" if replaced else "removed"):
            hold.check()
    assert not replaced or folder.owner.read_text(encoding="utf-8") == "another"


def test_a_lock_that_was_removed_is_not_held_any_more(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with locked(folder) as hold:
        folder.lock.unlink()
        with locked(folder), pytest.raises(RunReplacedError):
            hold.check()


@pytest.mark.usefixtures("without_curves")
@pytest.mark.parametrize("grid_every", [1, 7])
def test_a_run_whose_folder_is_another_runs_now_writes_nothing_into_it(
    request_for: RequestMaker, tmp_path: Path, grid_every: int
) -> None:
    folder = tmp_path / "run"
    other: dict[str, bytes] = {}

    def replace(moment: Moment) -> None:
        if moment.done == 3:
            shutil.move(folder, tmp_path / "old")
            train(request_for(steps=2, grid_every=1, seed=9, options={"width": 2}))
            other.update(contents(folder))

    with pytest.raises(RunReplacedError, match="replaced while this process trained in it: it stops"):
        train(request_for(steps=7, grid_every=grid_every), replace)
    assert other
    assert contents(folder) == other
    train(request_for(steps=3, grid_every=1, seed=9, options={"width": 2}))  # the other run goes on


def test_the_command_stops_with_an_error_and_leaves_the_other_runs_page_alone(
    faces_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = find_options("acgan")(width=4, batch_size=6)
    command = Train(
        data=faces_folder, out=tmp_path / "run", recipe="acgan", steps=5, grid_every=1, threads=1, options=options
    )
    play, page = Train.run_watched, b"of the other run"

    def run_watched(self: Train, watch, together=None, signals=None) -> None:
        def replace(moment: Moment) -> None:
            watch(moment)
            if moment.done == 2:
                shutil.rmtree(tmp_path / "run")
                (tmp_path / "run").mkdir()
                (tmp_path / "run" / "report.html").write_bytes(page)

        play(self, replace, together, signals)

    monkeypatch.setattr(Train, "run_watched", run_watched)
    with pytest.raises(RunReplacedError) as caught:
        command.run()
    assert caught.value.exit_code == 3
    assert contents(tmp_path / "run") == {"report.html": page}
