"""Files in NumPy's format and lists of words, read without executing anything that a file contains."""

import codecs
import re
import struct
from collections.abc import Sized
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from gankit._core import beyond_memory, brief

_BITS = (16, 32, 64)

_MAGIC = b"\x93NUMPY"
_LENGTHS = {b"\x01\x00": struct.Struct("<H"), b"\x02\x00": struct.Struct("<I")}
_LONGEST = 10_000
_LONGEST_LINE = 1 << 20
# NumPy writes the header as a Python literal and evaluates it when reading. The header of a plain array always has the
# same form, so a regular expression is enough, and nothing can nest too deep. Python 2 wrote an L after some lengths.
_HEAD = re.compile(
    r"\{\s*'descr'\s*:\s*'(?P<dtype>[<>|=]?[biufcmMOSUV]\d{0,3})'\s*,"
    r"\s*'fortran_order'\s*:\s*(?P<order>True|False)\s*,"
    r"\s*'shape'\s*:\s*\(\s*(?P<shape>(?:\d{1,18}L?\s*,\s*)*(?:\d{1,18}L?\s*)?)\)\s*,?\s*\}\s*"
)


class ArrayHeader(NamedTuple):
    """What the header of a ``.npy`` file says about the numbers after it."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype


def read_header(name: object, file: BinaryIO) -> ArrayHeader:
    """Read the header of a ``.npy`` file, and stop at the first number.

    Args:
        name: The name of the file in errors.
        file: The file, at its beginning.

    Raises:
        ValueError: The file has no such header, or one that is truncated, of a newer version, or longer than that of any
            plain array. The error names the file.
    """
    head = _read_head(name, file)
    found = _HEAD.fullmatch(head)
    dtype = None if found is None else _dtype(found["dtype"])
    if found is None or dtype is None:
        raise ValueError(f"{name} is not a .npy file of a plain array: its header is {head[:200].rstrip()!r}")
    lengths = tuple(int(length) for length in re.findall(r"\d+", found["shape"]))
    return ArrayHeader(lengths, found["order"] == "True", dtype)


def _dtype(code: str) -> np.dtype | None:
    try:
        return np.dtype(code)
    except TypeError:
        return None


def _read_head(name: object, file: BinaryIO) -> str:
    start = file.read(8)
    if start[:6] != _MAGIC or len(start) < 8:
        raise ValueError(f"{name} is not a .npy file, or is truncated: it begins with {start!r}")
    if start[6:] not in _LENGTHS:
        raise ValueError(f"{name} has version {tuple(start[6:])} of NumPy's format, which is not supported")
    form = _LENGTHS[start[6:]]
    size = file.read(form.size)
    length = form.unpack(size)[0] if len(size) == form.size else 0
    if not 0 < length <= _LONGEST:
        raise ValueError(
            f"{name} is not a .npy file, or is truncated: its header must have 1..{_LONGEST} bytes, got {length}"
        )
    head = file.read(length)
    if len(head) < length:
        raise ValueError(
            f"{name} is not a .npy file, or is truncated: its header ends after {len(head)} of {length} bytes"
        )
    return head.decode("latin-1")


def read_table(path: Path) -> npt.NDArray[np.floating]:
    """Return the table of floating-point numbers in a ``.npy`` file, mapped into memory, for a copy of it.

    Raises:
        ValueError: The file is missing, not a ``.npy`` file, truncated, larger than the memory, or contains anything but such
            a table, such as Python objects. The error names the file.
    """
    with open_array(path) as file:
        header = read_header(path, file)
        check_table(path, header)
        table = map_table(path, header, file.tell())
    check_memory(path, table.nbytes)
    return table


def map_table(path: Path, header: ArrayHeader, start: int) -> npt.NDArray[np.floating]:
    """Map the numbers after the header into memory, so that only the rows in use are read."""
    left = path.stat().st_size - start - header.dtype.itemsize * header.shape[0] * header.shape[1]
    if left < 0:
        raise ValueError(f"{path} is truncated: it ends before its table of shape {header.shape} is complete")
    if left > 0:
        raise ValueError(f"{path} is damaged: it has {left} bytes after its table of shape {header.shape}")
    order = "F" if header.fortran_order else "C"
    return np.asarray(np.memmap(path, dtype=header.dtype, mode="r", offset=start, shape=header.shape, order=order))


def check_memory(name: object, needed: int) -> None:
    """Refuse what this machine cannot hold, before it is read: a file with holes may declare terabytes."""
    if lack := beyond_memory(needed):
        raise ValueError(f"{name} needs {lack}")


def open_array(path: Path) -> BinaryIO:
    """Open a file, or say that it does not exist."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path.open("rb")


def check_table(path: Path, header: ArrayHeader) -> None:
    """Refuse anything but a table of floating-point numbers with at least one row and one column."""
    check_numbers(path, header)
    if len(header.shape) != 2 or 0 in header.shape:
        raise ValueError(f"{path} must hold a table (rows, features), got shape {brief(header.shape)}")


def check_numbers(name: object, header: ArrayHeader) -> None:
    """Refuse anything but floating-point numbers of a dtype that torch has."""
    if header.dtype.hasobject:
        raise ValueError(f"{name} holds pickled Python objects, which are never loaded; save a plain table of numbers")
    if header.dtype.kind != "f" or 8 * header.dtype.itemsize not in _BITS:
        raise ValueError(f"{name} must hold floating-point numbers of 16, 32 or 64 bits, got dtype {header.dtype}")


def shortened(error: Exception) -> str:
    """Return the start of an error's message, which a hostile file may make megabytes long."""
    return str(error)[:300]


def read_words(path: Path, most: int) -> list[str]:
    """Return the lines of a UTF-8 text file without the blanks at their ends.

    Only a line feed ends a line: words may contain the other line breaks of Unicode.

    Args:
        path: The file.
        most: How many lines it may have. Of a longer file one more line is returned, and the rest is not read.

    Raises:
        ValueError: The file is missing or not UTF-8 text, or a line has more than 1 MiB, of which no more is read. The error
            names the file.
    """
    words: list[str] = []
    with open_array(path) as file:
        while len(words) <= most and (line := file.readline(_LONGEST_LINE + 1)):
            words.append(_word(path, len(words) + 1, line))
    return words or [""]


def count_of(words: Sized, most: int) -> str:
    """Return how many words :func:`read_words` found, for a message."""
    return f"more than {most}" if len(words) > most else str(len(words))


def _word(path: Path, number: int, line: bytes) -> str:
    if len(line) > _LONGEST_LINE:
        raise ValueError(f"{path} must have lines of at most {_LONGEST_LINE:,} bytes, got a longer line {number}")
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        return line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 text, got byte {line[error.start]:#04x} in line {number}") from error
