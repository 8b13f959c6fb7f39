"""Files: written whole or not at all, locked by who writes them, and read only where they are ordinary files."""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from examples.anime_faces.errors import FolderInUseError
from examples.anime_faces.links import refuse_dead_link

ON_WINDOWS = os.name == "nt"
WAITS = (0.02, 0.1, 0.5, 1.0)
"""Seconds between two attempts."""
TEMPORARY = re.compile(r"(.+)\.tmp-[0-9a-f]{12}")
"""The name of a file that is not finished, with the name that it will have."""
NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What some file systems say where they cannot write a file through to the disk."""
WITHOUT_LOCKS = {errno.ENOLCK, *NOT_SUPPORTED}
"""What systems say of files on networks and in containers that cannot be locked."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and move what was written there to `path` once the block ends without an error.

    A program that is stopped in between leaves `path` as it was, and a reader never sees half a file; neither does a power cut
    leave one, since the file is on the disk before it is moved. A device or a pipe, such as ``/dev/null``, is written directly,
    since it must not be replaced.

    Raises:
        OSError: It cannot be written; the error names `path`, also where the system does not, as on a full disk.
    """
    if is_device(path):
        with _named(path, path), _read_by_somebody(path):
            yield path
        return
    # Not a number of a process, which may be that of another one on another machine or in another container.
    temporary = path.with_name(f"{path.name}.tmp-{secrets.token_hex(6)}")
    try:
        with _named(path, temporary):
            yield temporary
            synchronize(temporary)
            _replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, only_changed: bool = False) -> None:
    """Write a text file, whole or not at all; bytes of names that are not text are written as escapes.

    Args:
        path: The file.
        text: Its content.
        only_changed: Whether a file with this content is not touched.
    """
    data = text.encode("utf-8", "backslashreplace")
    if only_changed and path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    with written_whole(path) as temporary:
        temporary.write_bytes(data)


def is_device(path: Path) -> bool:
    """Whether something is there that is neither a file nor a folder, such as ``/dev/null`` or a pipe."""
    return path.exists() and not path.is_file() and not path.is_dir()


def sweep(folder: Path, *names: str) -> None:
    """Remove what killed programs left of files that they had not finished; only for who holds the lock of these files.

    Args:
        folder: Where they are.
        names: The files that they would have become. Default: all.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        found = TEMPORARY.fullmatch(path.name)
        if found is not None and (not names or found[1] in names):
            with suppress(OSError):
                path.unlink()


def check_writable(path: Path) -> None:
    """Refuse, before any work, a file that cannot be written in the end.

    Raises:
        OSError: Its folder, or the nearest one above that is there, cannot be written or is a file.
        ValueError: There is a folder in its place, or its folder is a link to nothing.
    """
    if path.is_dir():
        raise ValueError(f"{path} must be a file, but it is a folder")
    if is_device(path):
        return
    refuse_dead_link(path.parent)
    there = next(one for one in path.absolute().parents if os.path.lexists(one))
    probe = there / f".{path.name[:100]}.tmp-{secrets.token_hex(6)}"
    try:
        with _named(there, probe):
            probe.touch()
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def check_ordinary(path: Path) -> None:
    """Refuse what is not an ordinary file: opening a pipe would wait forever, and a device may never end.

    Raises:
        OSError: There is nothing.
        ValueError: It is a folder, a pipe or a device.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path} must be a file, but it is {'a folder' if stat.S_ISDIR(mode) else 'no ordinary file'}")


def read_bytes(path: Path, most: int) -> bytes:
    """Return all of a file that has at most `most` bytes.

    Raises:
        OSError: It cannot be read.
        TooLongError: It is longer.
        ValueError: It is not an ordinary file.
    """
    check_ordinary(path)
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise TooLongError(f"it has more than {most:,} bytes")
    return data


class TooLongError(ValueError):
    """A file, or a line, is longer than any that this program writes or reads; the message does not name the file."""


@contextmanager
def held(path: Path, *, refusal: str) -> Iterator[bool]:
    """Hold a lock file for this process; the lock of a process that died is free.

    Args:
        path: The lock file.
        refusal: The message if another process holds it.

    Yields:
        Whether it is locked: False where the file system has no locks.

    Raises:
        FolderInUseError: Another process holds it.
    """
    lock, is_locked = FileLock(path, timeout=0), True
    try:
        lock.acquire()
    except Timeout as error:
        raise FolderInUseError(refusal) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in WITHOUT_LOCKS:
            raise
        is_locked = False
    try:
        yield is_locked
    finally:
        lock.release()


def synchronize(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk, where the system can do that.

    Windows cannot for a folder, and some file systems (of networks, of containers) for nothing: it happens a little later.
    """
    if path.is_dir():
        if not ON_WINDOWS:
            with suppress(OSError):
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        return
    try:
        with path.open("r+b") as file:  # Windows synchronizes only what may be written
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise


@contextmanager
def _read_by_somebody(path: Path) -> Iterator[None]:
    """Refuse a pipe that nobody reads: to open it would wait forever."""
    handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK) if path.is_fifo() else None
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def _named(path: Path, written: Path) -> Iterator[None]:
    """Let errors of the system name a file, where they name none or a temporary one."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(written)):
            raise
        raise OSError(error.errno, error.strerror or os.strerror(error.errno), str(path)) from error


def _replace(temporary: Path, path: Path) -> None:
    """Move a file over another; Windows refuses that while somebody reads the other, so it is tried again for a while."""
    for seconds in WAITS if ON_WINDOWS else ():
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(seconds)
        else:
            return
    temporary.replace(path)
