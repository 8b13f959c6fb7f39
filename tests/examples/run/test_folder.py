import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.anime_faces.errors import RunLockedError
from examples.anime_faces.run import RunFolder, _folder
from examples.anime_faces.run._folder import locked

HOLD = """
import sys
from pathlib import Path
from examples.anime_faces.run._folder import RunFolder, locked
with locked(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


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
        other.kill()
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


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_serves_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_folder.FileLock, "acquire", refuse)
    with locked(RunFolder(tmp_path / "run")):
        assert (tmp_path / "run" / "run.owner").exists()
    assert "has no locks: take care that only one training runs in it" in capsys.readouterr().out


def test_another_error_of_the_lock_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(_folder.FileLock, "acquire", refuse)
    with pytest.raises(OSError, match="Permission denied"), locked(RunFolder(tmp_path / "run")):
        pass


def test_a_new_run_among_the_results_of_an_old_one_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    folder.report.touch()  # a demo shows it before it trains
    folder.prepare()
    assert capsys.readouterr().out == ""
    folder.grid(400).touch()
    folder.grid(20).touch()
    folder.metrics.touch()
    folder.prepare()
    assert "earlier run (2 grids up to step-0000400.png, metrics.json) but no checkpoint" in capsys.readouterr().out
    (folder.checkpoints / "checkpoint-400.pt").touch()
    folder.prepare()
    assert capsys.readouterr().out == ""


def test_probes_leave_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    assert sorted(path.name for path in folder.path.rglob("*")) == ["checkpoints", "grids"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "grids").write_text("")
    with pytest.raises(OSError, match="grids"):
        RunFolder(tmp_path / "run").prepare()


def test_grids_sort_by_step() -> None:
    folder = RunFolder(Path("run"))
    names = [folder.grid(step).name for step in (9, 10, 20_000)]
    assert names == sorted(names)
