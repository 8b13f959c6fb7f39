"""Arrays of numbers in NumPy's format, read from files that may hold anything."""

import math
import os
import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from examples.anime_faces.files import check_ordinary

_LENGTHS = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}
"""How an array begins, and how many bytes of the length of its header follow."""
_LONGEST = 10_000
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biuf][1248])', 'fortran_order': (?:False|True), "
    rb"'shape': \(((?:[0-9]{1,18}, ?){0,31}(?:[0-9]{1,18})?)\), \} *\n?"
)
"""What NumPy writes. It reads a header as a literal of Python, which warns, and quotes objects of Python in its errors."""


class TooLargeError(ValueError):
    """An array needs more memory than this machine has; the message names the file."""


def read_array(path: Path, *, is_mapped: bool = False) -> np.ndarray:
    """Return an array; nothing but numbers is read.

    The header is compared with the size of the file first, so that one which says terabytes allocates none.

    Args:
        path: The file.
        is_mapped: Whether it stays on the disk, read-only.

    Raises:
        ValueError: The file is cut off, holds something else, or needs more memory than this machine has.
        OSError: It cannot be read.
    """
    check_ordinary(path)
    try:
        with path.open("rb") as file:
            _check_header(file)
        if not is_mapped:
            _check_memory(path)
        return np.load(path, mmap_mode="r" if is_mapped else None, allow_pickle=False)
    except (OSError, TooLargeError):
        raise
    except Exception as error:  # numpy raises all kinds of errors on files that it cannot read
        raise ValueError(f"{path.name} is cut off, or is not an array: {error}") from error


def _check_memory(path: Path) -> None:
    """Refuse an array that this machine cannot hold: a file with holes takes no disk, and may be terabytes long."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return
    if (needed := path.stat().st_size) > memory:
        raise TooLargeError(f"{path.name} needs {needed} bytes of memory, and this machine has {memory}")


def _check_header(file: BinaryIO) -> None:
    """Refuse a header that NumPy does not write of numbers, or that does not fit the size of the file.

    Raises:
        ValueError: It is one.
    """
    size = _LENGTHS.get(file.read(8))
    if size is None:
        raise ValueError("it does not begin as one")
    length = int.from_bytes(file.read(size), "little")
    header = _HEADER.fullmatch(file.read(length)) if length <= _LONGEST else None
    if header is None:
        raise ValueError("its header does not say that it holds numbers")
    kind, shape = np.dtype(header[1].decode()), [int(axis) for axis in re.findall(rb"[0-9]+", header[2])]
    expected = 8 + size + length + math.prod(shape) * kind.itemsize
    there = os.fstat(file.fileno()).st_size
    if there != expected:
        raise ValueError(f"it should have {expected} bytes, but it has {there}")
