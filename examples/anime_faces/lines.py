"""Text files, read line by line: a line without an end is refused before it fills the memory."""

from collections.abc import Iterator
from pathlib import Path

from examples.anime_faces.files import TooLongError, check_ordinary

LONGEST_LINE = 1 << 20
"""Bytes of the longest line of a text file that is read."""
_BLOCK = 1 << 16


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, each with its end, which the last one may lack.

    Raises:
        OSError: It cannot be read.
        TooLongError: A line has more than 1 MiB; no more of it is read.
        ValueError: It is not an ordinary file.
    """
    for block in blocks_of(path):
        *lines, last = block.split(b"\n")
        for line in lines:
            yield line + b"\n"
        if last:
            yield last


def blocks_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, many at once: each block ends with a whole line.

    Raises:
        OSError: It cannot be read.
        TooLongError: A line has more than 1 MiB; no more of it is read.
        ValueError: It is not an ordinary file.
    """
    check_ordinary(path)
    with path.open("rb") as file:
        number = 0
        while block := file.read(_BLOCK):
            if not block.endswith(b"\n"):
                block += file.readline(LONGEST_LINE + 1)
                start = block.rfind(b"\n", 0, -1) + 1
                if len(block) - start > LONGEST_LINE:
                    number += block.count(b"\n", 0, start) + 1
                    if start:
                        yield block[:start]
                    raise TooLongError(f"line {number}: it has more than {LONGEST_LINE:,} bytes")
            number += block.count(b"\n")
            yield block
