"""Reading text files line by line, with errors that name the file and the line."""

import codecs
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.anime_faces.files import TooLongError
from examples.anime_faces.lines import blocks_of

_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32 LE begins as UTF-16 LE does


class ParseError(ValueError):
    """A file from the user that cannot be understood.

    Args:
        path: The file.
        line: Number of the line, from 1.
        problem: What is wrong with it.
    """

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path, line, problem)
        self.path = path
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.problem}"


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield the number (from 1) and the text of each line, without the end of the line.

    The file must be UTF-8, with or without a byte order mark. Lines end with ``\n`` or ``\r\n``; the last one may have no
    end. Other encodings are never guessed, because a wrong guess gives wrong labels.

    Raises:
        ParseError: A line is not UTF-8 text.
        ValueError: There is no such file, it cannot be read, or a line has more than 1 MiB.
    """
    if not path.is_file():
        raise ValueError(f"{path} is a folder, not a file" if path.is_dir() else f"there is no file {path}")
    number = 1
    try:
        for block in blocks_of(path):
            lines = _plain_lines(block) if number > 1 else None
            if lines is not None:
                yield from enumerate(lines, start=number)
                number += len(lines)
            else:
                for raw in block.removesuffix(b"\n").split(b"\n"):
                    yield number, _decode(path, number, raw)
                    number += 1
    except TooLongError as error:
        raise ValueError(f"{path}, {error}: is this a text file?") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def without_collection() -> Iterator[None]:
    """Pause the search for objects that refer to each other.

    It takes a third of the time of reading millions of lines, none of which is such an object.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _plain_lines(block: bytes) -> list[str] | None:
    """Return the lines of a block that has nothing to complain about; None if each must be looked at."""
    if b"\0" in block:
        return None
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return None if "\r" in text else text.removesuffix("\n").split("\n")


def _decode(path: Path, number: int, raw: bytes) -> str:
    if number == 1:
        if raw.startswith(_WIDE_MARKS):
            raise ParseError(path, 1, "the file is UTF-16 or UTF-32; save it as UTF-8")
        raw = raw.removeprefix(codecs.BOM_UTF8)
    if b"\0" in raw:
        raise ParseError(
            path, number, "there is a NUL byte: this is not a text file, or it is UTF-16; save it as UTF-8"
        )
    raw = raw.removesuffix(b"\r")
    if b"\r" in raw:
        raise ParseError(path, number, "there is a carriage return within the line; lines must end with a line feed")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(
            path,
            number,
            f"byte {raw[error.start]:#04x} at position {error.start + 1} is not UTF-8; the file may be Latin-1 or "
            "Shift-JIS: save it as UTF-8",
        ) from error
