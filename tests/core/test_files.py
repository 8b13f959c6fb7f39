import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from gankit._core import _files, is_at, replaced_atomically, sweep_orphans, try_lock


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


def _aged(path: Path, seconds: float = 0.0) -> Path:
    path.touch()
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_orphans_are_swept_and_nothing_else(tmp_path: Path) -> None:
    """The number of a process says nothing: that of a writer in another container may be one of ours, or of none."""
    day = 24 * 3600.0
    gone = [
        _aged(tmp_path / "a.pt.0.part-1-01234567"),
        _aged(tmp_path / f"a.pt.0.part-{os.getpid()}-{_files.PROCESS}"),
        _aged(tmp_path / "a.pt.tmp-99999999-01234567", 2 * day),
    ]
    kept = [
        _aged(tmp_path / "a.pt.tmp-99999999-01234567.pt"),
        _aged(tmp_path / "a.pt.tmp-1-01234567"),  # of an early version, which did not lock
        _aged(tmp_path / "a.pt.0.part-1-0123456", 2 * day),
        _aged(tmp_path / "part-1-01234567", 2 * day),
        _aged(tmp_path / "a.pt", 2 * day),
        _aged(tmp_path / "notes.part", 2 * day),
    ]
    (tmp_path / "folder.part-1-01234567").mkdir()
    (tmp_path / "link.part-1-01234567").symlink_to(tmp_path / "a.pt")
    os.mkfifo(tmp_path / "pipe.part-1-01234567")
    sweep_orphans(tmp_path)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
    assert len(list(tmp_path.iterdir())) == len(kept) + 3


def test_a_file_that_is_written_now_stays(tmp_path: Path) -> None:
    with replaced_atomically(tmp_path / "a.pt") as file:
        file.write(b"new")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                sweep_orphans(tmp_path)
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        sweep_orphans(tmp_path)
    assert (tmp_path / "a.pt").read_bytes() == b"new"


def test_a_file_that_is_taken_for_an_orphan_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[int] = []

    def after_a_sweep(descriptor: int) -> bool | None:
        if len(swept) < 2:
            swept.append(descriptor)
            next(tmp_path.glob("*.part-*")).unlink()
        return try_lock(descriptor)

    monkeypatch.setattr(_files, "try_lock", after_a_sweep)
    with replaced_atomically(tmp_path / "a.pt") as file:
        file.write(b"new")
    assert (tmp_path / "a.pt").read_bytes() == b"new"
    assert len(swept) == 2


def _files_that_are_opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    opened: list[Any] = []
    open_file = Path.open

    def watched(self: Path, mode: str = "r") -> Any:
        opened.append(open_file(self, mode))
        return opened[-1]

    monkeypatch.setattr(Path, "open", watched)
    return opened


@pytest.mark.parametrize("locked", [True, False])
def test_of_many_tries_to_make_a_file_none_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """Others take each file for an orphan: the last try is not looked at again, and one that cannot be locked is refused."""
    opened = _files_that_are_opened(monkeypatch)
    monkeypatch.setattr(_files, "try_lock", lambda descriptor: locked)
    monkeypatch.setattr(_files, "is_at", lambda descriptor, path: False)
    path = tmp_path / "a.pt"
    expected = nullcontext() if locked else pytest.raises(BlockingIOError, match=re.escape(str(path)))
    with expected as refused, replaced_atomically(path) as file:
        file.write(b"new")
        assert not file.closed
        assert all(one.closed for one in opened if one is not file)
    assert refused is None or refused.value.errno == errno.EAGAIN
    assert path.exists() == locked
    assert len(opened) == 10
    assert all(one.closed for one in opened)


def test_a_file_that_cannot_be_asked_for_its_lock_is_closed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = _files_that_are_opened(monkeypatch)

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(_files, "try_lock", broken)
    with pytest.raises(OSError, match="no"), replaced_atomically(tmp_path / "a.pt"):
        pass
    assert [file.closed for file in opened] == [True]
    assert list(tmp_path.iterdir()) == []


def test_the_error_of_a_writer_is_raised_where_its_folder_is_gone_too(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(KeyError), replaced_atomically(folder / "a.pt"):  # noqa: PT012
        shutil.rmtree(folder)
        raise KeyError


def test_without_locks_an_orphan_stays_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "try_lock", lambda descriptor: None)
    new, old = _aged(tmp_path / "a.0.part-1-01234567", 3600), _aged(tmp_path / "b.0.part-1-01234567", 25 * 3600)
    sweep_orphans(tmp_path)
    assert new.exists()
    assert not old.exists()
    with replaced_atomically(tmp_path / "a.pt") as file:
        file.write(b"new")
    assert (tmp_path / "a.pt").read_bytes() == b"new"


def test_windows_renames_and_removes_closed_files_only_and_opens_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    open_file, replace, unlink = Path.open, Path.replace, Path.unlink

    def watched(self: Path, mode: str = "r") -> Any:
        opened.append(open_file(self, mode))
        return opened[-1]

    def is_closed(self: Path, *arguments: Any, **options: Any) -> Any:
        assert all(file.closed for file in opened)
        return (replace if arguments else unlink)(self, *arguments, **options)

    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, "no", *arguments)

    orphan = _aged(tmp_path / "a.0.part-1-01234567")
    monkeypatch.setattr(_files, "POSIX", False)
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "open", watched)
    monkeypatch.setattr(Path, "replace", is_closed)
    monkeypatch.setattr(Path, "unlink", is_closed)
    sweep_orphans(tmp_path)
    with replaced_atomically(tmp_path / "a") as file:
        file.write(b"x")
    monkeypatch.undo()
    assert not orphan.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_orphan_that_cannot_be_removed_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = _aged(tmp_path / "a.0.part-1-01234567")

    def refused(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "no", str(self))

    monkeypatch.setattr(Path, "unlink", refused)
    sweep_orphans(tmp_path)
    assert orphan.exists()


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


@pytest.mark.parametrize("link", [False, True])
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path, link: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = tmp_path / "link" if link else pipe
    if link:
        path.symlink_to(pipe)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match="not an ordinary file") as refused, replaced_atomically(path):
        pass
    assert refused.value.filename == str(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(tmp_path.iterdir()) == before


def test_locks_of_open_files(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("x+b") as one, path.open("r+b") as other:
        assert try_lock(one.fileno()) is True
        assert try_lock(other.fileno()) is False
        assert is_at(one.fileno(), path)
        path.rename(tmp_path / "b")
        assert not is_at(one.fileno(), path)
        path.touch()
        assert not is_at(one.fileno(), path)


ON_WINDOWS = """
import sys, types, os
calls = []
def locking(descriptor, mode, count):
    calls.append((os.lseek(descriptor, 0, os.SEEK_CUR), mode, count))
    if len(calls) == 2:
        raise PermissionError(13, "Permission denied")
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
import importlib.util
spec = importlib.util.spec_from_file_location("locks", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["locks"] = module
sys.platform = "win32"
spec.loader.exec_module(module)
descriptor = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)
assert module.try_lock(descriptor) is True
assert module.try_lock(descriptor) is False
assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
assert calls == [(1 << 30, 2, 1)] * 2, calls
"""


def test_on_windows_a_byte_far_behind_the_end_is_locked(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ON_WINDOWS, str(_files.__file__), str(tmp_path / "a")]
    subprocess.run(command, check=True, capture_output=True, text=True)
