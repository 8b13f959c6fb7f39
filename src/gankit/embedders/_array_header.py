"""The head of a file in NumPy's format: what it says of the numbers behind it."""

import re
import struct
from typing import BinaryIO, NamedTuple

import numpy as np

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
