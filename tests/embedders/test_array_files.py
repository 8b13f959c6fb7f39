"""Headers of NumPy's files: those of other programs are read, hostile ones are refused."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from embedders.published import head, literal, write_model

from gankit.embedders import SkipThoughts, VectorTable
from gankit.embedders._array_files import count_of, read_words


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            head("(1000000, 1000000)"),
            r"is truncated: it ends before its table of shape \(1000000, 1000000\) is complete",
        ),
        (head("(2, 2)", "<f16"), "must hold floating-point numbers of 16, 32 or 64 bits, got dtype|its header is"),
        (head(f"({10**30}, 2)"), "is not a .npy file of a plain array: its header is"),
        (head("(-2, -2)"), "is not a .npy file of a plain array: its header is"),
        (head("(True, 2)"), "is not a .npy file of a plain array: its header is"),
        (head("(1," + "1," * 4000 + ")"), r"must hold a table \(rows, features\), got shape \(1, 1, 1"),
        (head("(2, 2)", "<q9"), "is not a .npy file of a plain array: its header is"),
        (head("(2, 2)", "V999"), r"must hold floating-point numbers .*, got dtype \|V999"),
        (head("(2, 2)", "<f9"), "is not a .npy file of a plain array: its header is"),
        (literal("-" * 5000 + "1"), "is not a .npy file of a plain array: its header is"),
        (literal("(" * 5000), "is not a .npy file of a plain array: its header is"),
        (literal("{[]: 1}"), "is not a .npy file of a plain array: its header is"),
        (literal("a" + ".b" * 4000), "is not a .npy file of a plain array: its header is"),
        (literal(""), "is not a .npy file of a plain array: its header is ''"),
        (literal(" " * 10_000), r"its header must have 1\.\.10000 bytes, got 10001"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xffabc", r"its header must have 1\.\.10000 bytes, got 4294967295"),
        (b"\x93NUMPY\x01\x00\x00\x00", r"its header must have 1\.\.10000 bytes, got 0"),
        (literal("{")[:8] + b"\x40\x00", "its header ends after 0 of 64 bytes"),
        (literal("{")[:8] + b"\x40\x00" + b" " * 63, "its header ends after 63 of 64 bytes"),
        (literal("{")[:8] + b"\x40", r"its header must have 1\.\.10000 bytes, got 0"),
        (b"\x93NUMPY\x01", "is not a .npy file, or is truncated: it begins with b'.*'"),
        (b"\x93NUMPX\x01\x00", "is not a .npy file, or is truncated: it begins with b'.*'"),
    ],
)
def test_heads_that_lie_are_never_evaluated(tmp_path: Path, content: bytes, message: str) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    path.write_bytes(content)
    texts.write_text("blue\nred\n")
    with pytest.raises(ValueError, match=message) as caught:
        VectorTable.load(path, texts)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("shape", ["(2, 3)", "(2,3)", "(2L, 3L)", "( 2 , 3 , )"])
def test_heads_as_other_programs_write_them(tmp_path: Path, shape: str) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    texts.write_text("blue\nred\n")
    path.write_bytes(head(shape) + np.arange(6, dtype="<f4").tobytes())
    assert VectorTable.load(path, texts)(["red"]).tolist() == [[3.0, 4.0, 5.0]]
    path.write_bytes(head(shape).replace(b"False", b"True ") + np.arange(6, dtype="<f4").tobytes())
    assert VectorTable.load(path, texts)(["red"]).tolist() == [[1.0, 3.0, 5.0]]


def test_the_longest_head_and_the_second_version_are_read(tmp_path: Path) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    texts.write_text("blue\nred\n")
    line = head("(2, 1)")[10:-1]
    numbers = np.array([3.0, 5.0], dtype="<f4").tobytes()
    path.write_bytes(literal(line.decode() + " " * (9999 - len(line))) + numbers)
    assert path.stat().st_size == 10 + 10_000 + 8
    assert VectorTable.load(path, texts)(["red"]).tolist() == [[5.0]]
    path.write_bytes(b"\x93NUMPY\x02\x00" + struct.pack("<I", len(line)) + line + numbers)
    assert VectorTable.load(path, texts)(["red"]).tolist() == [[5.0]]


def test_a_head_of_the_greatest_length_is_read(tmp_path: Path) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"
    path.write_bytes(literal(text.ljust(9_999)) + struct.pack("<2f", 3, 5))
    texts.write_text("blue\nred\n")
    assert VectorTable.load(path, texts)(["red", "blue"]).tolist() == [[5], [3]]


def test_of_a_line_without_an_end_no_more_is_read_than_the_longest_line_has(tmp_path: Path) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    np.save(path, np.ones((1, 2), dtype=np.float32))
    texts.write_bytes(b"\xef\xbb\xbf" + b"a" * 100_000)
    assert VectorTable.load(path, texts)(["a" * 100_000]).tolist() == [[1, 1]]
    with texts.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match=r"texts\.txt must have lines of at most 1,048,576 bytes, got a longer line 1"):
        VectorTable.load(path, texts)


def test_of_many_lines_no_more_are_read_than_there_are_rows(tmp_path: Path) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    np.save(path, np.ones((2, 2), dtype=np.float32))
    texts.write_bytes(b"blue\nred\ngreen\n\xff\n" + b"gray\n" * 100)  # the fourth line is no text
    with pytest.raises(ValueError, match=r"one text per row of .*vectors\.npy: got more than 2 texts, 2 rows"):
        VectorTable.load(path, texts)
    assert read_words(texts, 2) == ["blue", "red", "green"]
    assert [count_of("ab", most) for most in (1, 2, 3)] == ["more than 1", "2", "2"]


def test_a_dictionary_is_read_as_far_as_there_are_rows(tmp_path: Path) -> None:
    write_model(tmp_path)
    with (tmp_path / "dictionary.txt").open("ab") as file:
        file.write(b"more\n\xff\n")
    with pytest.raises(ValueError, match=r"dictionary\.txt must name each row .*: got more than 13 words, 13 rows"):
        SkipThoughts(tmp_path)


def test_arrays_larger_than_the_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    texts.write_text("blue\n")
    path.write_bytes(head("(1, 193)"))
    os.truncate(path, path.stat().st_size + 4 * 193)
    sizes = {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 256}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    with pytest.raises(ValueError, match=r"vectors\.npy needs 772 bytes of memory, and this machine has 768"):
        VectorTable.load(path, texts)
    sizes["SC_PAGE_SIZE"] = 772
    assert VectorTable.load(path, texts).out_features == 193


def test_a_model_larger_than_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PHYS_PAGES": 1, "SC_PAGE_SIZE": 1000}
    write_model(tmp_path, pickled=False)
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    with pytest.raises(ValueError, match=r"uni_skip\.npz .*: it needs \d+ bytes of memory, and this machine has 1000"):
        SkipThoughts(tmp_path)
    sizes["SC_PAGE_SIZE"] = 100
    write_model(tmp_path)
    with pytest.raises(ValueError, match=r"utable\.npy needs \d+ bytes of memory, and this machine has 100"):
        SkipThoughts(tmp_path)
