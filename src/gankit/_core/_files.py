"""Files that are written completely or not at all, locks of open files, and what a killed process leaves."""

import errno
import os
import re
import secrets
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Distinguishes this process from others with the same number: those of other containers and machines, and earlier ones.
PROCESS = secrets.token_hex(4)
PART = re.compile(r"\.part-[0-9]+-[0-9a-f]{8}$")
OLD_PART = re.compile(r"\.tmp-[0-9]+-[0-9a-f]{8}$")
"""The end of the names of temporary files of early versions, which did not lock them."""
LONG_AGO = 24 * 3600.0
"""Seconds after which a temporary file without a lock belongs to no process that still writes."""
_numbers = count()
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
"""What systems say of files on networks and in containers that cannot be locked."""
HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK, errno.EWOULDBLOCK}
FAR = 1 << 30
"""The byte that is locked on Windows, where others cannot read what is locked; it may be beyond the end."""
UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
POSIX = os.name == "posix"


@contextmanager
def replaced_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` when the context ends without an exception, and is removed otherwise.

    The file is flushed to the disk before it is renamed, and its folder afterwards, so that neither a killed process nor a
    power failure leaves a partial file. It is in the same folder, since only there a rename is atomic. While it is written
    it is locked, so that other processes see that it is no orphan.

    Raises:
        OSError: It cannot be written, or `path` is a folder, or a device or a pipe, which must not be replaced by a file.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not an ordinary file, and would be replaced by one", str(path))
    temporary, file = _open_temporary(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if POSIX:
                temporary.replace(path)
        if not POSIX:  # Windows renames no open file
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file for this descriptor alone, without waiting.

    Returns:
        True if it is locked now, False if another descriptor holds it, None if the file system has no locks.
    """
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            return False
        if error.errno in WITHOUT_LOCKS:
            return None
        raise
    finally:
        if sys.platform == "win32":
            os.lseek(descriptor, 0, os.SEEK_SET)
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one of this path."""
    try:
        there = path.stat()
    except OSError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _open_temporary(path: Path) -> tuple[Path, IO[bytes]]:
    for is_last in (*[False] * 9, True):
        # Numbered, since threads of one process may save at the same time.
        temporary = path.with_name(f"{path.name}.{next(_numbers)}.part-{os.getpid()}-{PROCESS}")
        file = temporary.open("x+b")
        try:
            if try_lock(file.fileno()) is not False and (is_last or is_at(file.fileno(), temporary)):
                return temporary, file
        except BaseException:
            file.close()
            temporary.unlink(missing_ok=True)
            raise
        file.close()  # another process took it for an orphan before it was locked, and removes it
    raise BlockingIOError(errno.EAGAIN, "other processes lock the temporary file each time", str(path))


def sweep_orphans(folder: Path) -> None:
    """Remove temporary files in the folder that no process writes any more: those that are not locked.

    Where it cannot be known, since the file system has no locks or an early version wrote the file, a file stays for a day.
    What cannot be removed stays: an orphan takes only space.
    """
    for path in folder.iterdir():
        with suppress(OSError):
            if PART.search(path.name):
                _remove_unlocked(path)
            elif OLD_PART.search(path.name) and _is_old(path.lstat()):
                path.unlink()


def _remove_unlocked(path: Path) -> None:
    if not stat.S_ISREG(path.lstat().st_mode):
        return
    with path.open("r+b") as file:
        locked = try_lock(file.fileno())
        is_orphan = _is_old(os.fstat(file.fileno())) if locked is None else locked
        if is_orphan and POSIX:
            path.unlink()  # while it is locked: a process that just made it sees that it is gone
    if is_orphan and not POSIX:
        path.unlink()


def _is_old(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > LONG_AGO


def _sync_folder(folder: Path) -> None:
    if not POSIX:
        return  # Windows writes the names in a folder through by itself, and cannot open one
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        warnings.warn(
            f"the file system of {folder} does not write folders through: a file written just now may be lost in a power cut",
            RuntimeWarning,
            stacklevel=2,
        )
    finally:
        os.close(descriptor)
