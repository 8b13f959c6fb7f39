"""Files that are written completely or not at all, and archives with a checksum inside.

The checksum is needed since readers of such archives check nothing: torch turns the checks of its zip reader off, and loads
about nine of ten files with a flipped bit without an error. A sealed file is still an ordinary archive for ``torch.load``:
the sha256 of its bytes is kept in its zip comment.
"""

import errno
import hashlib
import os
import re
import secrets
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

# Distinguishes this process from an earlier one with the same number, which happens in containers.
PROCESS = secrets.token_hex(4)
ORPHAN = re.compile(r"\.tmp-(?P<process>\d+)-(?P<token>[0-9a-f]{8})$")
_numbers = count()
UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
POSIX = os.name == "posix"


@contextmanager
def replaced_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` when the context ends without an exception, and is removed otherwise.

    The file is flushed to the disk before it is renamed, and its folder afterwards, so that neither a killed process nor a
    power failure leaves a partial file. It is in the same folder, since only there a rename is atomic.
    """
    # Numbered, since threads of one process may save at the same time.
    temporary = path.with_name(f"{path.name}.{next(_numbers)}.tmp-{os.getpid()}-{PROCESS}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def sweep_orphans(folder: Path) -> None:
    """Remove temporary files in the folder whose process was killed while it wrote.

    Windows cannot be asked whether a process runs (signal 0 would end it there), so on it files of other processes stay.
    """
    for path in folder.iterdir():
        match = ORPHAN.search(path.name)
        if match and not _is_writing(int(match["process"]), match["token"]):
            path.unlink(missing_ok=True)


def _is_writing(process: int, token: str) -> bool:
    if process == os.getpid():
        return token == PROCESS
    if not POSIX:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


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
            f"the file system of {folder} does not write folders through: the newest checkpoint may be lost in a power cut",
            RuntimeWarning,
            stacklevel=2,
        )
    finally:
        os.close(descriptor)


MARK = b"gankit sha256 "
DIGEST_LENGTH = 64
COMMENT_LENGTH = len(MARK) + DIGEST_LENGTH
BLOCK = 1 << 20


class SealingWriter:
    """Write an archive to a file, compute its hash on the way, and add the hash at the end.

    The last two bytes of an archive are the length of its comment: they are held back until `seal`.

    Args:
        file: Receives the bytes.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.failure: BaseException | None = None
        self._file = file
        self._hash = hashlib.sha256()
        self._kept = b""

    def write(self, data: Any) -> int:
        """Write the next bytes of the archive; an exception is also kept in `failure`."""
        try:
            return self._take(memoryview(data).cast("B"))
        except BaseException as error:
            self.failure = error  # torch's writer turns it into an error of its own, also the user's Ctrl-C
            raise

    def seal(self) -> None:
        """Write the comment with the hash of everything before it."""
        assert self._kept == b"\0\0", "torch.save writes archives without a comment"
        self._pass_on(COMMENT_LENGTH.to_bytes(2, "little"))
        self._pass_on(MARK)
        self._file.write(self._hash.hexdigest().encode())

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()

    def _take(self, view: memoryview) -> int:
        if len(view) >= 2:
            self._pass_on(self._kept)
            self._pass_on(view[:-2])
            self._kept = bytes(view[-2:])
        else:
            together = self._kept + bytes(view)
            self._pass_on(together[:-2])
            self._kept = together[-2:]
        return len(view)

    def _pass_on(self, data: Any) -> None:
        self._file.write(data)
        self._hash.update(data)


def check_seal(file: IO[bytes]) -> str | None:
    """Return what is wrong with a sealed file, or None. The file's position is at its start afterwards."""
    length = file.seek(0, 2)
    if length <= COMMENT_LENGTH:
        return f"it has only {length} bytes"
    file.seek(length - COMMENT_LENGTH)
    comment = file.read(COMMENT_LENGTH)
    if not comment.startswith(MARK):
        return "its last bytes are not a seal: it was cut short, or not written by save_checkpoint"
    file.seek(0)
    digest = hashlib.sha256()
    left = length - DIGEST_LENGTH
    while left:
        block = file.read(min(BLOCK, left))
        if not block:
            return "it became shorter while it was read"
        digest.update(block)
        left -= len(block)
    file.seek(0)
    if digest.hexdigest().encode() != comment[len(MARK) :]:
        return "its bytes do not have the sha256 that it was sealed with"
    return _check_sizes(file, length)


def _check_sizes(file: IO[bytes], length: int) -> str | None:
    # The checksum shows that nothing changed by accident, not who wrote the file. An archive that declares more bytes than
    # it holds is refused before torch allocates them.
    try:
        members = zipfile.ZipFile(file).infolist()
    except zipfile.BadZipFile as error:
        return f"it is not an archive ({error})"
    finally:
        file.seek(0)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        return "a member is compressed, which save_checkpoint never does"
    declared = sum(member.file_size for member in members)
    if declared > length:
        return f"its members declare {declared} bytes, more than its own {length}"
    return None
