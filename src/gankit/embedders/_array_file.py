"""Tables of numbers in NumPy's file format, read without running anything that a file holds."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from gankit.embedders._array_header import ArrayHeader, read_header

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
