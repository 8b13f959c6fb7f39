"""Vectors looked up by their text, and the files that hold them."""

import copy
import math
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds

from gankit.embedders import VectorTable

texts = st.lists(
    st.text(min_size=1).map(lambda text: "x" + text.replace("\n", "") + "x"), min_size=1, max_size=7, unique=True
)


@given(keys=texts, features=st.sampled_from(PRIMES), seed=seeds)
def test_gives_each_text_its_row(keys: list[str], features: int, seed: int) -> None:
    vectors = normal(seed, len(keys), features)
    before, version = vectors.clone(), vectors._version
    table = VectorTable(keys, vectors)
    order = torch.randint(len(keys), (11,), generator=torch.Generator().manual_seed(seed))
    asked = [keys[row] for row in order]
    assert table.out_features == features
    assert torch.equal(table(asked), vectors[order])
    assert torch.equal(table(tuple(asked)), vectors[order])
    table(asked).zero_()
    assert torch.equal(table(keys), vectors)
    assert torch.equal(vectors, before)
    assert vectors._version == version


@given(keys=texts, features=st.sampled_from(PRIMES), seed=seeds)
def test_files_give_the_table_back(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], features: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("table")
    table = VectorTable(keys, normal(seed, len(keys), features))
    table.save(folder / "vectors.npy", folder / "texts.txt")
    again = VectorTable.load(folder / "vectors.npy", str(folder / "texts.txt"))
    assert again.vectors.dtype == torch.float64
    assert torch.equal(again(keys), table(keys))


def test_reads_what_other_programs_write(tmp_path: Path) -> None:
    vectors = np.arange(6.0).reshape(3, 2)
    (tmp_path / "texts.txt").write_bytes(b"\xef\xbb\xbfblue hair\r\nred hair \r\n na\xc3\xafve")
    for layout in (vectors.astype(">f4"), np.asfortranarray(vectors), vectors.astype("<f2")):
        np.save(tmp_path / "vectors.npy", layout)
        table = VectorTable.load(tmp_path / "vectors.npy", tmp_path / "texts.txt")
        assert np.array_equal(table(["naïve", "blue hair", "red hair"]).numpy(), vectors[[2, 0, 1]])
    with (tmp_path / "vectors.npy").open("wb") as file:
        np.lib.format.write_array(file, vectors, version=(2, 0))  # as NumPy does for long headers
    table = VectorTable.load(tmp_path / "vectors.npy", tmp_path / "texts.txt")
    assert np.array_equal(table(["naïve"]).numpy(), vectors[[2]])


def test_module_habits() -> None:
    table = VectorTable(["blue", "red"], normal(0, 2, 3, dtype=torch.float32).requires_grad_())
    assert not table.state_dict()
    assert not list(table.parameters())
    assert not table(["red"]).requires_grad
    assert table.double()(["red"]).dtype == torch.float64
    for other in (copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert torch.equal(other(["red", "blue"]), table(["red", "blue"]))
    assert repr(table) == "VectorTable(texts=2, out_features=3)"


def test_mistakes_are_named() -> None:
    table = VectorTable(["blue hair", "red hair"], torch.eye(2))
    cases: dict[str, Callable[[], object]] = {
        "texts must hold at least one text": lambda: VectorTable([], torch.eye(2)),
        "texts must differ, got 'blue' twice": lambda: VectorTable(["blue", "red", "blue"], torch.eye(3)),
        r"vectors must have shape \(2, features\), got \(3, 3\)": lambda: VectorTable(["blue", "red"], torch.eye(3)),
        r"vectors must have shape \(2, features\), got \(2,\)": lambda: VectorTable(["blue", "red"], torch.ones(2)),
        "vectors must not be empty": lambda: VectorTable(["blue", "red"], torch.ones(2, 0)),
        "vectors must be a floating-point tensor": lambda: VectorTable(["blue", "red"], torch.ones(2, 2).long()),
        "vectors must be a tensor, got ndarray": lambda: VectorTable(["blue"], np.ones((1, 2))),  # type: ignore[arg-type]
        "texts must be in the table of 2 texts, got 'blu hair'; similar texts are 'blue hair'": lambda: table(
            ["blu hair"]
        ),
        "texts must be in the table of 2 texts, got '§'$": lambda: table(["red hair", "§"]),
        "texts must be a list or tuple of texts, got str": lambda: table("red hair"),
        "texts must hold at least one": lambda: table([]),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


@pytest.mark.parametrize("text", ["", "two\nlines", " blank", "blank ", "\ufeffmarked", "half a sign \ud800"])
def test_refuses_to_write_what_could_not_be_read(tmp_path: Path, text: str) -> None:
    table = VectorTable(["fine", text], torch.eye(2))
    with pytest.raises(ValueError, match="to be saved, got"):
        table.save(tmp_path / "vectors.npy", tmp_path / "texts.txt")
    assert not list(tmp_path.iterdir())


class Payload:
    """Pickles into a call."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.folder,)


def _write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _save(array: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: np.save(folder / "vectors.npy", array)


def _cut(folder: Path) -> None:
    whole = (folder / "vectors.npy").read_bytes()
    (folder / "vectors.npy").write_bytes(whole[:-1])


def _archive(folder: Path) -> None:
    with (folder / "vectors.npy").open("wb") as file:
        np.savez(file, vectors=np.eye(2))


def _attack(folder: Path) -> None:
    np.save(folder / "vectors.npy", np.array([Payload(str(folder / "sentinel"))], dtype=object), allow_pickle=True)


def _newer_version(folder: Path) -> None:
    whole = bytearray((folder / "vectors.npy").read_bytes())
    whole[6] = 3
    (folder / "vectors.npy").write_bytes(whole)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "vectors.npy").unlink(), r"there is no file .*vectors\.npy"),
        (lambda folder: (folder / "texts.txt").unlink(), r"there is no file .*texts\.txt"),
        (_cut, r"vectors\.npy is truncated: it ends before its table of shape \(2, 2\) is complete"),
        (_write("vectors.npy", b""), r"vectors\.npy is not a \.npy file, or is truncated"),
        (_write("vectors.npy", b"plain text, not numbers"), r"vectors\.npy is not a \.npy file, or is truncated"),
        (_archive, r"vectors\.npy is not a \.npy file, or is truncated"),
        (_newer_version, r"vectors\.npy has version \(3, 0\) of NumPy's format, which is not supported"),
        (_attack, r"vectors\.npy holds pickled Python objects, which are never loaded"),
        (_save(np.eye(2, dtype="int64")), r"vectors\.npy must hold floating-point numbers of .*, got dtype int64"),
        (_save(np.ones(2)), r"vectors\.npy must hold a table \(rows, features\), got shape \(2,\)"),
        (_save(np.ones((0, 2))), r"vectors\.npy must hold a table \(rows, features\), got shape \(0, 2\)"),
        (_save(np.eye(3)), r"texts\.txt must have one text per row of .*vectors\.npy: got 2 texts, 3 rows"),
        (_write("texts.txt", b""), r"texts\.txt must have one text per row of .*: got 1 texts, 2 rows"),
        (_write("texts.txt", b"blue\n\n"), r"texts\.txt, line 2: the text is empty"),
        (_write("texts.txt", b"blue\nblue\n"), r"texts\.txt: texts must differ, got 'blue' twice"),
        (_write("texts.txt", b"blue\nna\xefve\n"), r"texts\.txt must be UTF-8 text, got byte 0xef in line 2"),
        (_write("texts.txt", b"\nblue\nna\xefve\n"), r"texts\.txt must be UTF-8 text, got byte 0xef in line 3"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    VectorTable(["blue", "red"], torch.eye(2)).save(tmp_path / "vectors.npy", tmp_path / "texts.txt")
    damage(tmp_path)
    with pytest.raises(ValueError, match=message):
        VectorTable.load(tmp_path / "vectors.npy", tmp_path / "texts.txt")
    assert not (tmp_path / "sentinel").exists()


def test_a_dtype_that_numpy_lacks_is_written_wider(tmp_path: Path) -> None:
    vectors = normal(0, 2, 3, dtype=torch.float32)
    for dtype, kept in (
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float16),
        (torch.float64, torch.float64),
    ):
        table = VectorTable(["blue", "red"], vectors.to(dtype))
        table.save(tmp_path / "vectors.npy", tmp_path / "texts.txt")
        again = VectorTable.load(tmp_path / "vectors.npy", tmp_path / "texts.txt")
        assert again.vectors.dtype == kept
        assert torch.equal(again(["red"]), table(["red"]).to(kept))


def test_the_table_is_a_copy() -> None:
    vectors = torch.ones(2, 3)
    table = VectorTable(["a", "b"], vectors)
    vectors.zero_()
    assert torch.equal(table(["b"]), torch.ones(1, 3))


def test_vectors_that_someone_trains_are_saved_too(tmp_path: Path) -> None:
    table = VectorTable(["a", "b"], normal(0, 2, 3))
    table.vectors.requires_grad_()
    table.save(tmp_path / "vectors.npy", tmp_path / "texts.txt")
    again = VectorTable.load(tmp_path / "vectors.npy", tmp_path / "texts.txt")
    assert torch.equal(again.vectors, normal(0, 2, 3))


def test_three_near_texts_are_offered() -> None:
    table = VectorTable([f"blue hair {number}" for number in range(7)], torch.zeros(7, 2))
    with pytest.raises(ValueError, match=r"similar texts are '[^']+', '[^']+', '[^']+'$"):
        table(["blue hair"])


def test_a_table_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    rows, lines = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    VectorTable(["blue", "red"], torch.eye(2)).save(rows, lines)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        VectorTable(["green", "gray"], torch.ones(2, 2)).save(rows, tmp_path / "taken")
    with pytest.raises(OSError, match="nowhere"):
        VectorTable(["green", "gray"], torch.ones(2, 2)).save(rows, tmp_path / "nowhere" / "texts.txt")
    table = VectorTable.load(rows, lines)
    assert torch.equal(table(["blue", "red"]), torch.eye(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken", "texts.txt", "vectors.npy"]


def test_one_file_for_both_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "both"
    with pytest.raises(ValueError, match="vectors and texts must be two files"):
        VectorTable(["blue"], torch.ones(1, 1)).save(path, str(path))
    assert not path.exists()


def test_long_texts_are_shortened_in_messages(tmp_path: Path) -> None:
    long, other = "x" * 10_000, "x" * 10_000 + "y"
    table = VectorTable([long], torch.ones(1, 1))
    mistakes: list[Callable[[], object]] = [
        lambda: VectorTable([long, long], torch.eye(2)),
        lambda: VectorTable([f"{long} "], torch.eye(1)).save(tmp_path / "a", tmp_path / "b"),
        lambda: table([other]),
    ]
    for mistake in mistakes:
        with pytest.raises(ValueError, match=r"x+ \.\.\. x+") as caught:
            mistake()
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [None, 3, "", b"a", "a\0b"])
def test_what_is_no_path_is_named(tmp_path: Path, value: Any) -> None:
    table, other = VectorTable(["blue"], torch.ones(1, 1)), tmp_path / "other"
    for mistake in (lambda: table.save(value, other), lambda: VectorTable.load(value, other)):
        with pytest.raises(ValueError, match=r"^vectors must be a path, got "):
            mistake()
    with pytest.raises(ValueError, match=r"^texts must be a path, got "):
        table.save(other, value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    rows, lines, folder = tmp_path / "vectors.npy", tmp_path / "texts.txt", tmp_path / "folder"
    VectorTable(["blue", "red"], torch.eye(2)).save(rows, lines)
    folder.mkdir()
    for one, other in ((folder, lines), (rows, folder)):
        with pytest.raises(IsADirectoryError, match="folder"):
            VectorTable(["green", "gray"], torch.ones(2, 2)).save(one, other)
    assert torch.equal(VectorTable.load(rows, lines)(["blue", "red"]), torch.eye(2))
    assert sorted(tmp_path.iterdir()) == [folder, lines, rows]


def test_a_file_with_more_than_its_table_is_refused(tmp_path: Path) -> None:
    rows, lines = tmp_path / "vectors.npy", tmp_path / "texts.txt"
    VectorTable(["blue", "red"], torch.ones(2, 3)).save(rows, lines)
    whole = rows.read_bytes()
    for data, left in ((whole + b"xx", 2), (whole.replace(b"(2, 3)", b"(2, 2)"), 8)):
        rows.write_bytes(data)
        with pytest.raises(
            ValueError, match=rf"vectors\.npy is damaged: it has {left} bytes after its table of shape \(2, "
        ):
            VectorTable.load(rows, lines)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e5m2])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_vectors_are_finite(dtype: torch.dtype, value: float) -> None:
    vectors = torch.ones(3, 4)
    vectors[1, 2] = value
    with pytest.raises(ValueError, match="vectors must be finite, got NaN or infinity in that of 'red'"):
        VectorTable(["blue", "red", "green"], vectors.to(dtype))
    assert VectorTable(["blue"], torch.ones(1, 4).to(dtype)).vectors.dtype == dtype
    assert VectorTable(["blue"], torch.ones(1, 4, device="meta")).vectors.is_meta
