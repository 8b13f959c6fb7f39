"""Locks of folders: one process writes, its end frees the lock, and a folder that was replaced is not written."""

import errno
import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gankit.training import CheckpointFolderError
from gankit.training._saving import _locks
from gankit.training._saving._locks import NAME, FolderLock


def _in_child(function: Callable[[], object]) -> int:
    """Run in a forked child and return its exit status: 0, 7 if the folder is in use, else 1."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        except CheckpointFolderError:
            status = 7
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def _writer(folder: Path) -> Iterator[int]:
    """Another process that holds the folder."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        FolderLock(folder).take()
        lock = FolderLock(folder)
        lock.take()
        os.write(writer, b"x")
        signal.pause()
    os.close(writer)
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_one_process_holds_it_and_others_are_refused_by_name(tmp_path: Path) -> None:
    with _writer(tmp_path) as child:
        with pytest.raises(
            CheckpointFolderError, match=f"another process writes into the folder: process {child} of "
        ) as caught:
            FolderLock(tmp_path).take()
        assert (caught.value.errno, caught.value.filename) == (errno.EBUSY, str(tmp_path))
    assert FolderLock(tmp_path).take()  # free at once, though nothing was tidied up


def test_it_is_held_until_it_is_released_or_gone(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    assert not lock.is_taken
    assert lock.take()
    assert not lock.take()
    assert lock.is_taken
    assert _in_child(lambda: FolderLock(tmp_path).take()) == 7
    lock.release()
    lock.release()
    assert not lock.is_taken
    assert _in_child(lambda: FolderLock(tmp_path).take()) == 0
    lock.take()
    del lock
    gc.collect()
    assert _in_child(lambda: FolderLock(tmp_path).take()) == 0


def test_objects_of_one_process_share_it(tmp_path: Path) -> None:
    one, other = FolderLock(tmp_path), FolderLock(tmp_path)
    assert one.take()
    assert other.take()
    one.release()
    assert _in_child(lambda: FolderLock(tmp_path).take()) == 7
    other.release()
    assert _in_child(lambda: FolderLock(tmp_path).take()) == 0


def test_a_forked_child_has_it_not_and_does_not_keep_it(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.take()
    assert _in_child(lock.take) == 7  # the parent's object, in the child
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # a worker that outlives what its parent did
        signal.alarm(60)
        os.read(reader, 1)
        os._exit(0)
    lock.release()
    assert _in_child(lambda: FolderLock(tmp_path).take()) == 0
    os.write(writer, b"x")
    os.waitpid(child, 0)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)


def _replace(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    assert _in_child(lambda: FolderLock(folder).take()) == 0  # another run, which has ended


def _move(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))


def _remove_lock(folder: Path) -> None:
    (folder / NAME).unlink()


@pytest.mark.parametrize("change", [_remove, _replace, _move, _remove_lock])
def test_a_folder_that_is_another_one_now_is_refused(tmp_path: Path, change: Callable[[Path], None]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    lock = FolderLock(folder)
    lock.take()
    change(folder)
    for _ in range(2):
        with pytest.raises(CheckpointFolderError, match="the folder was removed or replaced since") as caught:
            lock.take()
        assert (caught.value.errno, caught.value.filename) == (errno.ESTALE, str(folder))


def test_a_folder_without_locks_is_written_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock = FolderLock(tmp_path)
    with pytest.warns(RuntimeWarning, match="has no locks: take care that only one process writes into the folder"):
        assert lock.take()
    assert not lock.take()
    shutil.rmtree(tmp_path)
    with pytest.raises(CheckpointFolderError):
        lock.take()


def test_another_error_of_a_lock_is_raised_and_nothing_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    gc.collect()  # what earlier tests left open
    before = len(list(Path("/proc/self/fd").iterdir()))

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", refuse)
        with pytest.raises(OSError, match="broken"):
            FolderLock(tmp_path).take()
    with monkeypatch.context() as patched:
        patched.setattr(os, "ftruncate", refuse)
        with pytest.raises(OSError, match="broken") as caught:
            FolderLock(tmp_path).take()
        assert caught.value.filename == str(tmp_path / NAME)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert _in_child(lambda: FolderLock(tmp_path).take()) == 0


def test_a_lock_that_is_always_replaced_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_locks, "is_at", lambda descriptor, path: False)
    with pytest.raises(CheckpointFolderError, match="is replaced all the time"):
        FolderLock(tmp_path).take()


def test_a_missing_folder_is_an_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        FolderLock(tmp_path / "missing").take()


def test_the_file_of_the_lock_goes_with_it_unless_it_is_that_of_another_run(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.take()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    lock.release()
    assert list(tmp_path.iterdir()) == []
    lock.take()
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).write_text("another")
    lock.release()
    assert (tmp_path / NAME).read_text() == "another"


def test_many_processes_that_start_at_once_take_it_one_at_a_time(tmp_path: Path) -> None:
    """Each takes the lock, checks that it is alone, and gives it back, while the file of the lock comes and goes."""

    def use() -> None:
        lock, alone = FolderLock(tmp_path), tmp_path / "alone"
        done = 0
        while done < 30:
            try:
                lock.take()
            except CheckpointFolderError:
                continue
            alone.touch(exist_ok=False)
            alone.unlink()
            lock.release()
            done += 1

    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(60)
                use()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4


def _link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def _dangling_link(path: Path, target: Path) -> None:
    path.symlink_to(target.with_name("missing"))


def _second_name(path: Path, target: Path) -> None:
    path.hardlink_to(target)


def _pipe(path: Path, target: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path, target: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_link, _dangling_link, _second_name, _pipe, _folder])
def test_what_is_no_file_of_a_lock_is_refused_and_stays_as_it_is(
    tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    folder, target = tmp_path / "run", tmp_path / "thesis.txt"
    folder.mkdir()
    target.write_text("years of work")
    make(folder / NAME, target)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(
        CheckpointFolderError, match=r"its \.writer\.lock must be an ordinary file .*Remove it"
    ) as caught:
        FolderLock(folder).take()
    assert caught.value.filename == str(folder)
    assert target.read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir() if path != folder] == ["thesis.txt"]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="the system has no such flag")
def test_a_link_that_comes_while_the_lock_is_opened_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").write_text("years of work")
    (tmp_path / NAME).symlink_to(tmp_path / "other")
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)
    with pytest.raises(OSError, match="symbolic links"):
        FolderLock(tmp_path).take()
    assert (tmp_path / "other").read_text() == "years of work"
