"""Files made to harm: lengths that lie, values that nest, bits that flipped. Each is refused."""

import gc
import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from embedders.published import head, literal, write_array_of_objects, write_model, write_pickled_by_python_2
from hypothesis import given, strategies as st

from gankit.embedders import SkipThoughts, VectorTable
from gankit.embedders._object_rows import read_object_rows

MEGABYTE = 2**20
REBUILD = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNtb"
NESTED = b")" + b"\x85" * 300_000  # a tuple in a tuple in a tuple


def read_rows(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        file.seek(128)
        return read_object_rows(path, file)


def repeated_row(features: int, times: int) -> bytes:
    """The operations of one row, and of that row again, by its number in the memory."""
    row = REBUILD + b"q\x09(K\x01J" + struct.pack("<i", features) + b"\x85" + DTYPE + b"\x89T"
    row += struct.pack("<i", 4 * features) + bytes(4 * features) + b"tb"
    return b"\x80\x02" + REBUILD + b"(K\x01K\x02\x85N\x89](" + row + b"h\x09" * (times - 1) + b"etb."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (NESTED + b")R.", "a call of tuple is not supported"),
        (b"]" * 300_000 + b"a" * 299_999 + b")R.", "a call of list is not supported"),
        # Where a text is wanted, a deep tuple: to hash it would overflow the stack of the process.
        (REBUILD + b"(K\x01K\x03\x85cnumpy\ndtype\n" + NESTED + b"K\x00K\x01\x87R.", "expected a text, got tuple"),
        (REBUILD + b"(K\x01" + NESTED + DTYPE + b"\x89U\x04\0\0\0\0tb.", "cannot be interpreted as an integer"),
        (b"\x8e" + struct.pack("<Q", 2**45) + b"abc", "expected 35184372088832 bytes in a bytes8, but only 3 remain"),
        (b"B\xff\xff\xff\xffabc", "expected 4294967295 bytes in a bytes4, but only 3 remain"),
        (b"X" + struct.pack("<I", 10**6) + b"a" * 10**6 + b")R.", "a call of 'aaa"),
        (b"c" + b"a" * 10**6 + b"\nb\n.", "the name 'aaa"),
    ],
)
def test_rows_that_nest_or_lie(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "utable.npy"
    write_array_of_objects(path, (2,), b"\x80\x02" + content)
    with pytest.raises(ValueError, match=message) as caught:
        read_rows(path)
    assert str(caught.value).startswith(f"{path} is truncated, or contains more than rows of numbers: ")
    assert len(str(caught.value)) < 1000


def test_a_row_that_is_named_again_and_again_makes_no_large_table(tmp_path: Path) -> None:
    path = tmp_path / "utable.npy"
    write_array_of_objects(path, (2,), repeated_row(1000, 1))
    assert read_rows(path).shape == (1, 1000)
    write_array_of_objects(path, (2,), repeated_row(50_000, 1000))  # 200 kB, of which 200 MB would be made
    tracemalloc.start()
    with pytest.raises(ValueError, match="must contain each row once, got 1000 rows of 50000 numbers"):
        read_rows(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MEGABYTE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            head("(1000000, 1000000)"),
            r"is truncated: it ends before its table of shape \(1000000, 1000000\) is complete",
        ),
        (head("(2, 2)", "<f16"), "must hold floating-point numbers of 16, 32 or 64 bits, got dtype|its head is"),
        (head(f"({10**30}, 2)"), "is not a .npy file of a plain array: its header is"),
        (head("(-2, -2)"), "is not a .npy file of a plain array: its header is"),
        (head("(True, 2)"), "is not a .npy file of a plain array: its header is"),
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


def test_nothing_but_the_table_stays_in_memory(tmp_path: Path) -> None:
    path, table = tmp_path / "utable.npy", np.ones((50, 5000), "float32")
    write_pickled_by_python_2(path, table)
    gc.disable()  # which would find what is left in the end; the table of the published file is two gigabytes
    tracemalloc.start()
    try:
        read = read_rows(path)
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert np.array_equal(read, table)
    assert left < 1.2 * table.nbytes


flips = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4)


@given(
    name=st.sampled_from(("dictionary.txt", "utable.npy", "uni_skip.npz")),
    pickled=st.booleans(),
    flipped=flips,
    kept=st.floats(0.5, 1),
)
def test_any_damage_is_a_value_error_or_another_model(
    tmp_path_factory: pytest.TempPathFactory, name: str, pickled: bool, flipped: list[tuple[float, int]], kept: float
) -> None:
    """Bytes changed anywhere, and the end cut off."""
    folder = tmp_path_factory.mktemp("damaged")
    write_model(folder, features=3, size=2, pickled=pickled)
    whole = bytearray((folder / name).read_bytes())
    for place, change in flipped:
        whole[int(place * len(whole))] ^= change
    (folder / name).write_bytes(whole[: round(kept * len(whole))])
    with suppress(ValueError):
        assert SkipThoughts(folder)(["blue hair", "Red"]).shape[0] == 2


def test_a_head_of_the_greatest_length_is_read(tmp_path: Path) -> None:
    path, texts = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"
    path.write_bytes(literal(text.ljust(9_999)) + struct.pack("<2f", 3, 5))
    texts.write_text("blue\nred\n")
    assert VectorTable.load(path, texts)(["red", "blue"]).tolist() == [[5], [3]]


def test_rows_of_one_number_are_the_shortest(tmp_path: Path) -> None:
    path = tmp_path / "utable.npy"
    write_array_of_objects(path, (1,), repeated_row(1, 1))
    assert read_rows(path).tolist() == [[0]]
