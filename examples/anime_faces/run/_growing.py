"""A text file that grows while a run trains: it has whole lines only, and where it cannot be written the training continues."""

import errno
import os
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import cast

from examples.anime_faces.files import NOT_SUPPORTED, write_text
from examples.anime_faces.printing import say

MOST_WAITING = 1 << 24
"""Bytes that are kept for a disk that has room again later."""


class GrowingFile:
    """Appends lines to a file; those that the disk has no room for are written later, when it has.

    A killed process leaves at most one unfinished line at the end. The first failure is said, and nothing is raised: a log is
    not worth the loss of a training.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._size, self._waiting, self._has_complained = 0, b"", False

    @property
    def is_open(self) -> bool:
        """Whether lines are appended."""
        return self._file is not None

    def open(self, text: str) -> None:
        """Write the file again, whole or not at all, and open it to append."""
        self.close()
        self._waiting = b""
        if self.path.is_fifo():  # whoever reads it has gone once it is written the first time
            self._complain(OSError(errno.EINVAL, "it is a pipe"))
            return
        try:
            write_text(self.path, text)
            self._file = cast("FileIO", self.path.open("ab", buffering=0))
            self._size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            self._complain(error)

    def append(self, text: str) -> None:
        """Append lines. Nothing is written before the file is opened."""
        if self._file is None:
            return
        data = self._waiting + text.encode("utf-8", "backslashreplace")
        left = memoryview(data)
        try:
            while left:  # a full disk takes a part
                left = left[self._file.write(left) :]
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._size)
            self._waiting = data if len(data) <= MOST_WAITING else b""
            self._complain(error)
        else:
            self._size, self._waiting = self._size + len(data), b""

    def sync(self) -> None:
        """Wait until the lines are on the disk."""
        if self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if error.errno not in NOT_SUPPORTED:
                self._complain(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):  # some file systems say only now that they have no room
                self._file.close()
            self._file = None

    def _complain(self, error: OSError) -> None:
        if not self._has_complained:
            say(f"note: {self.path} cannot be written now ({error.strerror or error}); the training continues")
        self._has_complained = True
