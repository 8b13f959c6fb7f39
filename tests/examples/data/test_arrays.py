"""Arrays from files that may hold anything: numbers, or one error without a warning; their headers are never evaluated."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from examples.anime_faces.data._arrays import read_array

VALID = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }"


def write(path: Path, header: str, data: bytes = bytes(6), version: bytes = b"\x01\x00") -> None:
    text = header.encode("latin-1") + b" " * 5 + b"\n"
    path.write_bytes(b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text + data)


@pytest.mark.parametrize("kind", ["u1", "i8", "f2", "f4", ">f8", "b1"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (0, 4), (), (1, 2, 3, 4)])
@pytest.mark.parametrize("mapped", [False, True])
def test_numbers_come_back(tmp_path: Path, kind: str, shape: tuple[int, ...], mapped: bool) -> None:
    array = np.ones(shape, kind)
    np.save(tmp_path / "a.npy", array)
    if mapped and 0 in shape:
        return  # nothing can be mapped
    read = read_array(tmp_path / "a.npy", is_mapped=mapped)
    assert (read.dtype, read.shape) == (array.dtype, shape)
    assert np.array_equal(read, array)
    np.save(tmp_path / "a.npy", array.copy(order="F"))
    assert np.array_equal(read_array(tmp_path / "a.npy"), array)


def test_the_second_version_of_the_format_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.npy", VALID, version=b"\x02\x00")
    assert read_array(tmp_path / "a.npy").shape == (2, 3)


@pytest.mark.parametrize(
    "header",
    [
        VALID.replace("(2, 3)", "(2L, 3L)"),  # of Python 2, of which NumPy warns
        VALID.replace("(2, 3)", "(2, 3x)"),
        VALID.replace("(2, 3)", "(2, -3)"),
        VALID.replace("(2, 3)", "(6 if 1 else 2,)"),  # of which Python warns
        VALID.replace("|u1", "|O"),
        VALID.replace("|u1", "|V1"),
        VALID.replace("'|u1'", "[('a', '|u1')]"),
        VALID.replace("False", "0"),
        f"{VALID}{VALID}",
        "(" * 5000,
        VALID + " " * 11_000,
        "",
    ],
)
def test_other_headers_are_refused_with_one_error_and_no_warning(tmp_path: Path, header: str) -> None:
    write(tmp_path / "a.npy", header)
    with pytest.raises(ValueError, match=r"^a\.npy is cut off, or is not an array: its header does not say") as caught:
        read_array(tmp_path / "a.npy")
    assert "0x" not in str(caught.value)  # no object of Python in it


def test_another_size_and_another_beginning_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.npy", VALID, bytes(7))
    with pytest.raises(ValueError, match=r"it should have \d+ bytes, but it has \d+"):
        read_array(tmp_path / "a.npy")
    write(tmp_path / "a.npy", VALID, version=b"\x03\x00")
    with pytest.raises(ValueError, match="it does not begin as one"):
        read_array(tmp_path / "a.npy")


def test_an_array_larger_than_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.npy", VALID)
    size = (tmp_path / "a.npy").stat().st_size
    sizes = {"SC_PHYS_PAGES": 1, "SC_PAGE_SIZE": size - 1}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    with pytest.raises(ValueError, match=rf"^a\.npy needs {size} bytes of memory, and this machine has {size - 1}$"):
        read_array(tmp_path / "a.npy")
    assert read_array(tmp_path / "a.npy", is_mapped=True).shape == (2, 3)
    monkeypatch.delattr(os, "sysconf")  # as on Windows
    assert read_array(tmp_path / "a.npy").shape == (2, 3)
