import errno
import os
import stat
from pathlib import Path

import pytest

from gankit.training._atomic import PROCESS, replaced_atomically, sweep_orphans


def _dead_process() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_the_file_appears_when_the_context_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with replaced_atomically(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
        assert len(list(tmp_path.iterdir())) == 2
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_exception_leaves_the_old_file_and_no_other(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail() -> None:
        with replaced_atomically(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replaced_atomically(tmp_path / "a") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_order_is_write_sync_rename_sync_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    sync, replace = os.fsync, Path.replace

    def logged_sync(descriptor: int) -> None:
        log.append(
            "sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"sync {os.fstat(descriptor).st_size}"
        )
        sync(descriptor)

    def logged_replace(self: Path, target: Path) -> Path:
        log.append("rename")
        assert self.parent == target.parent
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", logged_sync)
    monkeypatch.setattr(Path, "replace", logged_replace)
    with replaced_atomically(tmp_path / "a") as file:
        file.write(b"12345")
    assert log == ["sync 5", "rename", "sync folder"]


@pytest.mark.parametrize(("number", "tolerated"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_synced_is_tolerated_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, tolerated: bool
) -> None:
    sync = os.fsync

    def failing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "no")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    expected = (
        pytest.warns(RuntimeWarning, match="does not write folders through") if tolerated else pytest.raises(OSError)
    )
    with expected, replaced_atomically(tmp_path / "a") as file:
        file.write(b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_orphans_of_dead_processes_are_swept_and_nothing_else(tmp_path: Path) -> None:
    dead = _dead_process()
    gone = [f"a.pt.tmp-{dead}-01234567", f"a.pt.tmp-{os.getpid()}-01234567"]
    kept = [
        f"a.pt.tmp-{os.getppid()}-01234567",
        f"a.pt.tmp-{os.getpid()}-{PROCESS}",
        f"a.pt.tmp-{dead}-0123456",
        f"tmp-{dead}-01234567",
        "a.pt",
        "notes.tmp",
        "a.pt.tmp-99999999999999999999999-01234567",
    ]
    for name in gone + kept:
        (tmp_path / name).touch()
    sweep_orphans(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, "no", str(self), mode)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(PermissionError), replaced_atomically(tmp_path / "a"):
        pass


def test_the_folder_is_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    open_folder = os.open

    def watched(path: Path, flags: int) -> int:
        opened.append(open_folder(path, flags))
        return opened[-1]

    with replaced_atomically(tmp_path / "a"):
        monkeypatch.setattr(os, "open", watched)
    assert len(opened) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])
