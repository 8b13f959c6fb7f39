"""Tables of numbers in NumPy's file format, read without running anything that a file holds."""

from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt


class ArrayHeader(NamedTuple):
    """What the head of a ``.npy`` file says of the numbers behind it."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype


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


def read_header(path: Path, file: BinaryIO) -> ArrayHeader:
    """Read the head of a ``.npy`` file, and stop at the first number."""
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        return ArrayHeader(*read(file))
    except KeyError as error:
        raise ValueError(f"{path} is of a version of NumPy's format that is not read, {error}") from error
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is no .npy file, or truncated: {error}") from error


def check_table(path: Path, header: ArrayHeader) -> None:
    """Refuse what is no table of floating-point numbers with a row and a column at least."""
    if header.dtype.hasobject:
        raise ValueError(f"{path} holds pickled Python objects, which are never loaded; save a plain table of numbers")
    if header.dtype.kind != "f":
        raise ValueError(f"{path} must hold floating-point numbers, got dtype {header.dtype}")
    if len(header.shape) != 2 or 0 in header.shape:
        raise ValueError(f"{path} must hold a table (rows, features), got shape {header.shape}")


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
