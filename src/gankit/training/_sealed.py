"""A seal on an archive: the sha256 of the file, kept in its zip comment, so that a changed bit is noticed.

No reader of such archives checks what it reads: torch turns the checks of its zip reader off, and loads about nine of ten
files with a flipped bit without a word. A sealed file still is an ordinary archive that ``torch.load`` reads.
"""

import hashlib
import zipfile
from typing import IO, Any

MARK = b"gankit sha256 "
DIGEST_LENGTH = 64
COMMENT_LENGTH = len(MARK) + DIGEST_LENGTH
BLOCK = 1 << 20


class SealingWriter:
    """Passes an archive on to a file, hashing it on the way, and seals it at the end.

    The last two bytes of an archive hold the length of its comment: they are kept back until `seal`.

    Args:
        file: Receives the bytes.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.failure: BaseException | None = None
        self._file = file
        self._hash = hashlib.sha256()
        self._kept = b""

    def write(self, data: Any) -> int:
        """Take the next bytes of the archive.

        What was raised stays in `failure`.
        """
        try:
            return self._take(memoryview(data).cast("B"))
        except BaseException as error:
            self.failure = error  # torch's writer turns it into an error of its own, also the user's Ctrl-C
            raise

    def seal(self) -> None:
        """Write the comment with the digest of all that stands before it."""
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
    """Return what is wrong with a sealed file, None where nothing is. The file is left at its start."""
    length = file.seek(0, 2)
    if length <= COMMENT_LENGTH:
        return f"it has {length} bytes only"
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
    # A seal proves that nothing changed by accident, not who wrote the file: an archive that would unpack to more than it
    # holds is refused before torch allocates what it declares.
    try:
        members = zipfile.ZipFile(file).infolist()
    except zipfile.BadZipFile as error:
        return f"it is no archive ({error})"
    finally:
        file.seek(0)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        return "a member is compressed, which save_checkpoint never does"
    declared = sum(member.file_size for member in members)
    if declared > length:
        return f"its members declare {declared} bytes, more than its own {length}"
    return None
