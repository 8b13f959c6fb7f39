"""The lock of a folder that one process writes; the system frees it when the process ends, however it ends.

A process number says little: another container or machine, which shares the folder, has other processes of that number.
"""

import errno
import os
import socket
import stat
import sys
import threading
import warnings
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gankit._core import is_at, try_lock

NAME = ".writer.lock"
MOST_TRIES = 100


class CheckpointFolderError(OSError):
    """A folder of checkpoints cannot be written: another process writes into it, or it is not the one it was before.

    Example:
        >>> import shutil
        >>> import tempfile
        >>> from gankit.training import CheckpointFolderError, Checkpoints
        >>> folder = tempfile.mkdtemp()
        >>> checkpoints = Checkpoints(folder)
        >>> checkpoints.save(10, {"loss": 0.5})
        >>> shutil.rmtree(folder)
        >>> try:
        ...     checkpoints.save(20, {"loss": 0.4})
        ... except CheckpointFolderError:
        ...     print("the folder is not the one of the first save")
        the folder is not the one of the first save
    """


@dataclass(eq=False)
class _Hold:
    """A lock that this process holds."""

    key: tuple[int, int]
    path: Path
    descriptor: int
    process: int
    is_locked: bool
    users: int = 1


_holds: dict[tuple[int, int], _Hold] = {}
_guard = threading.RLock()


class FolderLock:
    """The right to write into a folder. All objects of a process share it; it ends with the last of them, or the process.

    Args:
        folder: The folder; it must exist when the lock is taken.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._hold: _Hold | None = None
        self._end: weakref.finalize | None = None

    @property
    def is_taken(self) -> bool:
        """Whether this process has the lock; a forked child has not."""
        return self._hold is not None and self._hold.process == os.getpid()

    def take(self) -> bool:
        """Take the lock, or check that it is still that of the folder. Return whether it was taken now.

        Raises:
            CheckpointFolderError: Another process holds it; or the folder was removed, or replaced by another one, since it
                was taken.
            OSError: The file of the lock cannot be made.
        """
        hold = self._hold if self.is_taken else None
        if hold is None:
            self._hold = _take(self._path)
            self._end = weakref.finalize(self, _drop, self._hold)
            return True
        if not is_at(hold.descriptor, self._path):
            raise CheckpointFolderError(
                errno.ESTALE,
                f"the folder was removed or replaced since this process wrote into it: its {NAME} is gone or another one",
                str(self._path.parent),
            )
        return False

    def release(self) -> None:
        """Give the lock back."""
        if self._end is not None:
            self._end()
        self._hold = self._end = None


def _take(path: Path) -> _Hold:
    for _ in range(MOST_TRIES):
        with _guard:
            hold = _shared_or_locked(_open(path), path)
        if hold is not None:
            return hold
    raise CheckpointFolderError(errno.ESTALE, f"{NAME} is replaced all the time", str(path.parent))


def _open(path: Path) -> int:
    """Open the file of a lock, which is made where there is none; refuse what another than this class put there.

    A link leads to a file of somebody, and so does a second name of one: who holds the lock writes into it.
    """
    if path.is_symlink():
        raise _not_ours(path, "a link")
    flags = os.O_RDWR | os.O_CREAT
    for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):  # Windows has none of them
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if path.is_file() or not path.exists():
            raise
        raise _not_ours(path, "a folder or a device") from error
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    is_file = stat.S_ISREG(status.st_mode)
    raise _not_ours(path, f"one with {status.st_nlink} names (hard links)" if is_file else "a pipe or a device")


def _not_ours(path: Path, what: str) -> CheckpointFolderError:
    return CheckpointFolderError(
        errno.EINVAL,
        f"its {NAME} must be an ordinary file that this process may write into, but is {what}: nothing was written. "
        "Remove it if no process writes into the folder",
        str(path.parent),
    )


def _shared_or_locked(descriptor: int, path: Path) -> _Hold | None:
    """Return a lock of the open file; None if the file was replaced in between."""
    keep = False
    try:
        status = os.fstat(descriptor)
        key = (status.st_dev, status.st_ino)
        if key in _holds:
            _holds[key].users += 1
            return _holds[key]
        locked = try_lock(descriptor)
        if locked is False:
            owner = os.read(descriptor, 200).decode(errors="replace").strip() or "unknown"
            raise CheckpointFolderError(
                errno.EBUSY, f"another process writes into the folder: {owner}", str(path.parent)
            )
        if not is_at(descriptor, path):
            return None
        if locked is None:
            warnings.warn(
                f"the file system of {path.parent} has no locks: take care that only one process writes into the folder",
                RuntimeWarning,
                stacklevel=2,
            )
        _sign(descriptor, path)
        keep = True
        _holds[key] = _Hold(key, path, descriptor, os.getpid(), locked is True)
        return _holds[key]
    finally:
        if not keep:
            os.close(descriptor)


def _sign(descriptor: int, path: Path) -> None:
    """Write who holds the lock into its file, for the messages of others."""
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} of {socket.gethostname()}\n".encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _drop(hold: _Hold) -> None:
    with _guard:
        if hold.process != os.getpid() or hold.users == 0:
            return
        hold.users -= 1
        if hold.users == 0:
            _holds.pop(hold.key, None)
            # While it is locked: who opened the file before, and locks it now, sees that it is gone. Windows keeps open files.
            if hold.is_locked and sys.platform != "win32" and is_at(hold.descriptor, hold.path):
                with suppress(OSError):
                    hold.path.unlink()
            os.close(hold.descriptor)


def _forget_in_child() -> None:
    """Close what a forked child inherits: a worker that outlives the training would keep the folder locked."""
    for hold in _holds.values():
        os.close(hold.descriptor)
    _holds.clear()
    _guard.release()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_forget_in_child)
