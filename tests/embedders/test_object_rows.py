"""The reader of pickled row arrays: equal to NumPy on plain ones; it runs nothing, and refuses hostile files."""

import gc
import os
import pickle
import re
import struct
import tracemalloc
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from embedders.published import write_array_of_objects, write_pickled_by_python_2
from hypothesis import given, strategies as st
from support.strategies import PRIMES, seeds

from gankit.embedders._array_files import map_table, read_header, read_table
from gankit.embedders._object_rows import read_object_rows

PYTHON_2 = "written by Python 2"

KINDS = (PYTHON_2, "<f4", "<f8", ">f8")


def read(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        read_header(path, file)
        return read_object_rows(path, file)


@given(seed=seeds, shape=st.tuples(st.integers(1, 11), st.sampled_from((*PRIMES, 300))), kind=st.sampled_from(KINDS))
def test_equals_numpys_unpickled_rows(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shape: tuple[int, int], kind: str
) -> None:
    path = tmp_path_factory.mktemp("rows") / "utable.npy"
    table = np.random.default_rng(seed).normal(size=shape).astype("<f4" if kind == PYTHON_2 else kind)
    if kind == PYTHON_2:
        write_pickled_by_python_2(path, table)
    else:
        objects = np.empty(len(table), dtype=object)
        objects[:] = list(table)
        np.save(path, objects, allow_pickle=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy warns of its own old pickles
        unpickled = np.load(path, allow_pickle=True, encoding="latin1")
    result = read(path)
    assert result.dtype == table.dtype.newbyteorder("=")
    assert np.array_equal(result, np.stack([row.reshape(-1) for row in unpickled]))
    if kind == PYTHON_2:
        assert [row.ndim for row in unpickled[:3]] == [2, 1, 2][: len(table)]
    assert np.array_equal(result, table)


class Payload:
    """Pickles into a call of something."""

    def __init__(self, called: object, *arguments: object) -> None:
        self.call: tuple[object, ...] = (called, arguments)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["call", "array", "build", "row"])
def test_refuses_whatever_would_run(tmp_path: Path, protocol: int, kind: str) -> None:
    sentinel, path = tmp_path / "sentinel", tmp_path / "utable.npy"
    attack = Payload(os.mkdir, str(sentinel))
    objects = np.empty(2, dtype=object)
    objects[:] = [np.ones(3), attack]
    content: object = {"call": attack, "array": objects, "build": [np.ones(3), attack], "row": (np.ones(3), attack)}[
        kind
    ]
    write_array_of_objects(path, (2,), pickle.dumps(content, protocol=protocol))
    with pytest.raises(ValueError, match=r"utable\.npy is truncated, or contains more than rows of numbers"):
        read(path)
    assert not sentinel.exists()
    with pytest.raises(ValueError, match="holds pickled Python objects, which are never loaded"):
        read_table(path)
    assert not sentinel.exists()
    pickle.loads(pickle.dumps(attack))  # it would have
    assert sentinel.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02.",
        b"\x80\x02K\x01.",
        b"\x80\x02]q\x01.",
        b"\x80\x02cos\nmkdir\n.",
        b"\x80\x02cnumpy\nload\n.",
        b"\x80\x02cnumpy\ndtype\nU\x02O8\x85R.",
        b"\x80\x02cnumpy\nndarray\nK\x01\x85R.",  # ndarray itself is allowed as a name, but not a call of it
        b"\x80\x02U\x0dnumpy ndarrayK\x01\x85R.",  # text that looks like a name
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85U\x01b\x87R.",
        b"\x80\x02h\x07.",
        b"\x80\x02e.",
        b"\x80\x02\x87.",
        b"\x80\x02(K\x01\x87.",
        b"\x80\x02K\x01K\x01b.",
        b"\x80\x02P123\n.",
        b"\x80\x02\x82\x01.",
        b"no pickle at all",
    ],
)
def test_refuses_anything_but_an_array_of_rows(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "utable.npy"
    write_array_of_objects(path, (2,), content)
    with pytest.raises(ValueError, match=r"utable\.npy"):
        read(path)


_REBUILD = b"cnumpy.core.multiarray\n_reconstruct\n"

_ARRAY, _DTYPE = b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"

_CALLED = b"X\x22\x00\x00\x00numpy.core.multiarray _reconstruct"  # a text in place of the name

_CALLED_DTYPE = b"X\x0b\x00\x00\x00numpy dtype"


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (_REBUILD, _CALLED, "a call of 'numpy.core.multiarray _reconstruct' is not supported"),
        (_REBUILD, _ARRAY, "a call of 'numpy ndarray' is not supported"),
        (_ARRAY, _DTYPE, "a call of 'numpy.core.multiarray _reconstruct' is not supported"),
        (_DTYPE, _CALLED_DTYPE, "a call of 'numpy dtype' is not supported"),
        (_DTYPE, _ARRAY, "a call of 'numpy ndarray' is not supported"),
        (_REBUILD, b"cos\nmkdir\n" + _REBUILD, "the name 'os mkdir' is not part of a plain array"),  # never called
        (_REBUILD, b"}" + _REBUILD, "the operation EMPTY_DICT is not supported"),  # nor used
        (b"K\x00\x85U\x01b\x87R", b"K\x00(\x85U\x01b\x87R", "an operation finds too few values on the stack"),
        (b"U\x01<NNN", b"U\x01=NNN", "an array of dtype '=f4' is not supported"),
        (b"U\x02f4", b"U\x02f2", "an array of dtype '<f2' is not supported"),
    ],
)
def test_one_other_operation_is_an_error_though_the_rows_are_complete(
    tmp_path: Path, right: bytes, wrong: bytes, message: str
) -> None:
    path = tmp_path / "utable.npy"
    write_pickled_by_python_2(path, np.ones((2, 3), "float32"))
    path.write_bytes(path.read_bytes().replace(right, wrong, 1))
    with pytest.raises(
        ValueError, match=re.escape(f"{path} is truncated, or contains more than rows of numbers: {message}")
    ):
        read(path)


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_rows_must_be_in_a_list_as_numpy_pickles_it(tmp_path: Path, count: int, protocol: int) -> None:
    path, table = tmp_path / "utable.npy", np.random.default_rng(count).normal(size=(count, 3))
    for kind in (list, tuple):
        state = (1, (count,), np.dtype(object), False, kind(table))
        whole = Payload(np.zeros(0).__reduce__()[0], np.ndarray, (0,), b"b")
        whole.call = (*whole.call, state)
        write_array_of_objects(path, (count,), pickle.dumps(whole, protocol=protocol))
        if kind is list:
            assert np.array_equal(read(path), table)
        else:
            with pytest.raises(ValueError, match=r"an array of dtype .* is not supported"):
                read(path)


@given(seed=seeds)
def test_never_fails_otherwise_on_damaged_bytes(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Some bits flipped anywhere give a ValueError, or other numbers; no other error."""
    path = tmp_path_factory.mktemp("damaged") / "utable.npy"
    write_pickled_by_python_2(path, np.ones((3, 2), "float32"))
    whole = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(128, len(whole), size=random.integers(1, 4)):
        whole[place] ^= 1 << random.integers(8)
    path.write_bytes(whole)
    with suppress(ValueError):
        assert read(path).ndim == 2


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [np.ones(3), np.ones(2)],
        [np.ones((3, 1)), np.ones((3, 1))],
        [np.ones((1, 1, 3)), np.ones(3)],
        [np.ones((2, 2)), np.ones(4)],
        [np.ones(0), np.ones(0)],
        [np.ones((1, 0)), np.ones((1, 0))],
        [np.arange(3), np.arange(3)],
        [np.ones(3, "float16")],
        [np.ones(3), None],
        [np.ones(3), np.array([1, None], dtype=object)],  # an array of objects again
        [np.array([1, None], dtype=object), np.ones(3)],
    ],
)
def test_refuses_rows_of_other_kinds(tmp_path: Path, rows: list) -> None:
    path = tmp_path / "utable.npy"
    objects = np.empty(len(rows), dtype=object)
    for index, row in enumerate(rows):
        objects[index] = row
    np.save(path, objects, allow_pickle=True)
    with pytest.raises(ValueError, match=r"utable\.npy"):
        read(path)


def test_a_mapped_table_cannot_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "table.npy"
    np.save(path, np.zeros((3, 2), dtype=np.float32))
    with path.open("rb") as file:
        header, start = read_header(path, file), file.tell()
    assert not map_table(path, header, start).flags.writeable


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
        # A deep tuple in place of a text: hashing it would overflow the stack of the process.
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


def test_a_row_that_is_repeated_by_reference_does_not_make_a_large_table(tmp_path: Path) -> None:
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


def test_nothing_but_the_table_stays_in_memory(tmp_path: Path) -> None:
    path, table = tmp_path / "utable.npy", np.ones((50, 5000), "float32")
    write_pickled_by_python_2(path, table)
    gc.disable()  # it would find what is left at the end; the table of the published file is two gigabytes
    tracemalloc.start()
    try:
        read = read_rows(path)
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert np.array_equal(read, table)
    assert left < 1.2 * table.nbytes


def test_rows_of_one_number_are_the_shortest(tmp_path: Path) -> None:
    path = tmp_path / "utable.npy"
    write_array_of_objects(path, (1,), repeated_row(1, 1))
    assert read_rows(path).tolist() == [[0]]
