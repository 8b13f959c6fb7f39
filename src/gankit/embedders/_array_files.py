"""Files in NumPy's format and lists of words, read without running anything that a file holds."""

import re
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

_MAGIC = b"\x93NUMPY"
_LENGTHS = {b"\x01\x00": struct.Struct("<H"), b"\x02\x00": struct.Struct("<I")}
_LONGEST = 10_000
# NumPy writes a Python literal and evaluates it when it reads. A plain array's has this one form, for which an
# expression is enough: nothing is evaluated, so nothing can nest too deep. Python 2 wrote an L behind some lengths.
_HEAD = re.compile(
    r"\{\s*'descr'\s*:\s*'(?P<dtype>[<>|=]?[biufcmMOSUV]\d{0,3})'\s*,"
    r"\s*'fortran_order'\s*:\s*(?P<order>True|False)\s*,"
    r"\s*'shape'\s*:\s*\(\s*(?P<shape>(?:\d{1,18}L?\s*,\s*)*(?:\d{1,18}L?\s*)?)\)\s*,?\s*\}\s*"
)


class ArrayHeader(NamedTuple):
    """What the head of a ``.npy`` file says of the numbers behind it."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype


def read_header(name: object, file: BinaryIO) -> ArrayHeader:
    """Read the head of a ``.npy`` file, and stop at the first number.

    Args:
        name: what errors call the file.
        file: the file, at its beginning.

    Raises:
        ValueError: naming the file, if it has no such head, or one that is cut off, of a newer version, or longer than
            that of any plain array.
    """
    head = _read_head(name, file)
    found = _HEAD.fullmatch(head)
    dtype = None if found is None else _dtype(found["dtype"])
    if found is None or dtype is None:
        raise ValueError(f"{name} is no .npy file of a plain array: its head is {head[:200].rstrip()!r}")
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
        raise ValueError(f"{name} is no .npy file, or truncated: it begins with {start!r}")
    if start[6:] not in _LENGTHS:
        raise ValueError(f"{name} is of a version of NumPy's format that is not read, {tuple(start[6:])}")
    form = _LENGTHS[start[6:]]
    size = file.read(form.size)
    length = form.unpack(size)[0] if len(size) == form.size else 0
    if not 0 < length <= _LONGEST:
        raise ValueError(f"{name} is no .npy file, or truncated: its head must have 1..{_LONGEST} bytes, got {length}")
    head = file.read(length)
    if len(head) < length:
        raise ValueError(f"{name} is no .npy file, or truncated: its head ends after {len(head)} of {length} bytes")
    return head.decode("latin-1")


_BITS = (16, 32, 64)


def read_table(path: Path) -> npt.NDArray[np.floating]:
    """Return the table of floating-point numbers that a ``.npy`` file holds, mapped into memory.

    Raises:
        ValueError: naming the file, if it is missing, no ``.npy`` file, truncated, or holds anything but such a table,
            Python objects above all.
    """
    with open_array(path) as file:
        header = read_header(path, file)
        check_table(path, header)
        return map_table(path, header, file.tell())


def map_table(path: Path, header: ArrayHeader, start: int) -> npt.NDArray[np.floating]:
    """Map the numbers behind the head into memory: only rows that are used are read."""
    if path.stat().st_size < start + header.dtype.itemsize * header.shape[0] * header.shape[1]:
        raise ValueError(f"{path} is truncated: it ends before its table of shape {header.shape} is complete")
    order = "F" if header.fortran_order else "C"
    return np.asarray(np.memmap(path, dtype=header.dtype, mode="r", offset=start, shape=header.shape, order=order))


def open_array(path: Path) -> BinaryIO:
    """Open a file that must exist."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path.open("rb")


def check_table(path: Path, header: ArrayHeader) -> None:
    """Refuse what is no table of floating-point numbers with a row and a column at least."""
    check_numbers(path, header)
    if len(header.shape) != 2 or 0 in header.shape:
        raise ValueError(f"{path} must hold a table (rows, features), got shape {header.shape}")


def check_numbers(name: object, header: ArrayHeader) -> None:
    """Refuse what are no floating-point numbers that a tensor can hold."""
    if header.dtype.hasobject:
        raise ValueError(f"{name} holds pickled Python objects, which are never loaded; save a plain table of numbers")
    if header.dtype.kind != "f" or 8 * header.dtype.itemsize not in _BITS:
        raise ValueError(f"{name} must hold floating-point numbers of 16, 32 or 64 bits, got dtype {header.dtype}")


def shortened(error: Exception) -> str:
    """Return what an error says, without the megabytes that a hostile file may put into it."""
    return str(error)[:300]


def read_words(path: Path) -> list[str]:
    """Return the lines of a UTF-8 text file, blanks at their ends left out.

    Only a line feed ends a line: words may hold any of the other signs that Unicode knows for it.

    Raises:
        ValueError: naming the file, if it is missing or no UTF-8 text.
    """
    with open_array(path) as file:
        raw = file.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path} must be UTF-8 text, got byte {raw[error.start]:#04x} in line {line}") from error
    return [line.strip() for line in text.removesuffix("\n").split("\n")]
