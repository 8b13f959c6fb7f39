"""Archives with a checksum inside, and what is checked of one before anything of it is loaded.

The checksum is needed since readers of such archives check nothing: torch turns the checks of its zip reader off, and loads
about nine of ten files with a flipped bit without an error. A sealed file is still an ordinary archive for ``torch.load``:
the sha256 of its bytes is kept in its zip comment.
"""

import hashlib
import os
from typing import IO, Any

from gankit._core import beyond_memory
from gankit.training._saving._archive import LayoutError, read_layout
from gankit.training._saving._opcodes import check_opcodes

MARK = b"gankit sha256 "
ARCHIVE = b"PK\x03\x04"
"""The first bytes of a file of torch.save."""
DIGEST_LENGTH = 64
COMMENT_LENGTH = len(MARK) + DIGEST_LENGTH
BLOCK = 1 << 20
QUICK = 1 << 26
"""Bytes whose checksum is computed in a fraction of a second."""


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


def check_sealed(file: IO[bytes]) -> None:
    """Refuse a file that was changed since it was sealed, or that would build anything but a plain state as large as it is.

    Nothing is built yet, and no more memory is used than for the description of the state. The checksum shows that nothing
    was changed by accident, not who wrote the file. It needs all bytes, so that for a large file it comes last.

    Args:
        file: Seekable. Its position is at its start afterwards.

    Raises:
        ValueError: The file is refused; the message says why.
        MemoryError: Its tensors need more memory than this machine has.
    """
    try:
        end = _find_seal(file)
        if end <= QUICK:
            _check_digest(file)
        check_contents(file, end, COMMENT_LENGTH)
        if end > QUICK:
            _check_digest(file)
    finally:
        file.seek(0)


def check_contents(file: IO[bytes], end: int, comment: int = 0) -> None:
    """Refuse an archive with anything but a plain state in it.

    Args:
        file: Seekable.
        end: Where the archive ends but for its comment.
        comment: Length of the comment.

    Raises:
        ValueError: It is refused; the message says why.
        MemoryError: Its tensors need more memory than this machine has.
    """
    layout = read_layout(file, end, comment)
    if lack := beyond_memory(sum(layout.storages.values())):
        raise MemoryError(f"its tensors need {lack}")
    check_opcodes(layout.pickle, layout.storages)


def _find_seal(file: IO[bytes]) -> int:
    """Return the position of the comment."""
    length = file.seek(0, os.SEEK_END)
    if length <= COMMENT_LENGTH:
        raise LayoutError(f"it has only {length} bytes")
    end = file.seek(length - COMMENT_LENGTH)
    if not file.read(COMMENT_LENGTH).startswith(MARK):
        file.seek(0)
        # An archive may be a checkpoint whose end is lost, too: its bytes do not say which.
        others = "written by torch.save, which adds none (load it with torch.load(path, weights_only=True))"
        writer = others if file.read(len(ARCHIVE)) == ARCHIVE else "not written by save_checkpoint"
        raise LayoutError(f"its last bytes are not a seal: it was cut short, or {writer}")
    return end


def _check_digest(file: IO[bytes]) -> None:
    left = file.seek(0, os.SEEK_END) - DIGEST_LENGTH
    file.seek(0)
    digest = hashlib.sha256()
    while left:
        block = file.read(min(BLOCK, left))
        if not block:
            raise LayoutError("it became shorter while it was read")
        digest.update(block)
        left -= len(block)
    if digest.hexdigest().encode() != file.read(DIGEST_LENGTH):
        raise LayoutError("its bytes do not have the sha256 that it was sealed with")
