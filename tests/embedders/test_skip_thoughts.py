"""Skip-thought vectors from small files in the published formats, and texts cut into words."""

import copy
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from embedders.published import SHAPES, WORDS, vectors_by_definition, write_model, write_pickled_by_python_2
from hypothesis import given, strategies as st
from support.strategies import PRIMES, seeds
from torch.testing import assert_close

from gankit.embedders import SkipThoughts, split_words

lengths = st.sampled_from(PRIMES)

words = st.sampled_from((*WORDS[:-1], "unseen", "UNSEEN"))

sentences = st.lists(st.lists(words, min_size=1, max_size=7), min_size=1, max_size=7)


@contextmanager
def by_numpy_itself() -> Iterator[None]:
    """NumPy warns of its own old pickles; the definition still reads one through NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@given(said=sentences, seed=seeds, sizes=st.tuples(lengths, lengths), pickled=st.booleans())
def test_equals_the_paper_word_by_word(
    tmp_path_factory: pytest.TempPathFactory, said: list[list[str]], seed: int, sizes: tuple[int, int], pickled: bool
) -> None:
    folder, (features, size) = tmp_path_factory.mktemp("model"), sizes
    write_model(folder, features=features, size=size, seed=seed, pickled=pickled)
    encoder = SkipThoughts(folder, tokenize=str.split).double()
    with by_numpy_itself():
        wanted = vectors_by_definition(folder, said)
    result = encoder([" ".join(words) for words in said])
    assert encoder.out_features == size
    assert result.dtype == torch.float64
    assert_close(result.numpy(), wanted, rtol=1e-9, atol=1e-12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(tmp_path)
    return tmp_path


def test_the_same_text_alone_or_in_a_batch_of_many_lengths(folder: Path) -> None:
    encoder = SkipThoughts(folder)
    texts = ["blue hair", "red", "blue hair", "the red, blue hair.", "eyes", "hair blue"] * 50
    together = encoder(texts)
    assert together.shape == (300, 7)
    assert together.dtype == torch.float32
    assert_close(together, torch.cat([encoder([text]) for text in texts]))
    assert_close(torch.linalg.vector_norm(together, dim=1), torch.ones(300))
    assert not torch.allclose(together[0], together[5], atol=1e-3)


def test_a_state_of_one_number_is_the_smallest(tmp_path: Path) -> None:
    write_model(tmp_path, features=2, size=1)
    encoder = SkipThoughts(tmp_path)
    assert encoder.out_features == 1
    assert_close(encoder(["blue hair", "red"]).abs(), torch.ones(2, 1))


def test_unknown_words_share_one_vector_and_case_counts(folder: Path) -> None:
    encoder = SkipThoughts(folder)
    unknown, other, named, small, large = encoder(["touhou hair", "komachi hair", "UNK hair", "blue hair", "Blue hair"])
    assert_close(unknown, other)
    assert_close(unknown, named)
    assert not torch.allclose(small, large, atol=1e-3)
    assert not torch.allclose(small, unknown, atol=1e-3)


def test_a_word_that_comes_twice_has_its_last_vector(folder: Path) -> None:
    names = list(WORDS)
    names[WORDS.index("Blue")] = "hair"  # before the row that "hair" has
    plain = SkipThoughts(folder)(["hair"])
    (folder / "dictionary.txt").write_bytes("".join(f"{word}\n" for word in names).encode())
    assert torch.equal(SkipThoughts(folder)(["hair"]), plain)


def test_plain_and_pickled_tables_agree_and_nothing_is_trained(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("plain")
    write_model(other, pickled=False)
    state = torch.get_rng_state()
    first, second = SkipThoughts(folder), SkipThoughts(other)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first(["blue hair"]), second(["blue hair"]))
    assert not first(["blue hair"]).requires_grad
    assert not any(parameter.requires_grad for parameter in first.parameters())
    big = tmp_path_factory.mktemp("big endian")
    write_model(big, pickled=False)
    np.save(big / "utable.npy", np.asfortranarray(np.load(other / "utable.npy").astype(">f8")))
    assert torch.equal(SkipThoughts(big)(["blue hair"]), first(["blue hair"]))


def test_weights_may_be_stored_column_by_column(folder: Path) -> None:
    wanted = SkipThoughts(folder)(["blue hair", "red"])
    with np.load(folder / "uni_skip.npz") as archive:
        arrays = {name: np.asfortranarray(array) for name, array in archive.items()}
    assert not arrays["encoder_W"].flags.c_contiguous
    np.savez(folder / "uni_skip.npz", allow_pickle=False, **arrays)
    assert torch.equal(SkipThoughts(folder)(["blue hair", "red"]), wanted)


def test_copies_repr_and_the_authors_tokenizer(folder: Path) -> None:
    encoder = SkipThoughts(folder, tokenize=str.split)
    assert_close(encoder(["hair, blue"]), encoder(["UNK blue"]))
    for other in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert torch.equal(other(["blue hair"]), encoder(["blue hair"]))
        assert repr(other) == repr(encoder)
    assert repr(encoder).startswith("SkipThoughts(\n  words=13, out_features=7\n")


def test_mistakes_are_named(folder: Path) -> None:
    encoder = SkipThoughts(folder)
    cases: dict[str, Callable[[], object]] = {
        "texts must be a list or tuple of texts, got str": lambda: encoder("blue hair"),
        "texts must be a list or tuple of texts, got Tensor": lambda: encoder(torch.ones(2)),
        "texts must hold at least one text": lambda: encoder([]),
        "texts must be of type str, got int at index 1": lambda: encoder(["blue", 2]),
        "texts must each have a word, got '  ' at index 1": lambda: encoder(["blue", "  "]),
        "tokenize must be a callable": lambda: SkipThoughts(folder, tokenize=" "),  # type: ignore[arg-type]
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def _without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _cut(name: str, share: float) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(len(whole) * share)])

    return damage


def _longer(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"end")


def _words(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "dictionary.txt").write_bytes(text.encode("latin-1"))


def _weights(**changed: np.ndarray | None) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        with np.load(folder / "uni_skip.npz") as archive:
            arrays = dict(archive) | {f"encoder_{name}": array for name, array in changed.items()}
        kept = {name: array for name, array in arrays.items() if array is not None}
        np.savez(folder / "uni_skip.npz", allow_pickle=True, **kept)

    return damage


def _table(table: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: np.save(folder / "utable.npy", table)


def _pickled_table(table: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: write_pickled_by_python_2(folder / "utable.npy", table)


def _another_head(folder: Path) -> None:
    """Keep the pickled rows, and declare fewer."""
    whole = (folder / "utable.npy").read_bytes()
    (folder / "utable.npy").write_bytes(whole.replace(b"'shape': (13,)", b"'shape': (11,)", 1))


def _empty(features: int) -> dict[str, np.ndarray | None]:
    """Weights that fit together, of a state of length 0."""
    lengths = {"in": features, "out": 0, "both": 0}
    return {name: np.ones([lengths[axis] for axis in axes]) for name, axes in SHAPES.items()}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without("dictionary.txt"), "there is no file .*dictionary.txt"),
        (_without("utable.npy"), "there is no file .*utable.npy"),
        (_without("uni_skip.npz"), "there is no file .*uni_skip.npz"),
        (_cut("dictionary.txt", 0.5), "dictionary.txt must name each row of .*utable.npy: got [0-9]+ words, 13 rows"),
        (_cut("utable.npy", 0.9), "utable.npy is truncated, or contains more than rows of numbers"),
        (_cut("utable.npy", 0.1), "utable.npy is not a .npy file, or is truncated"),
        (_cut("utable.npy", 0), "utable.npy is not a .npy file, or is truncated"),
        (
            _cut("uni_skip.npz", 0.5),
            "uni_skip.npz does not contain the weights of a skip-thought encoder, or is truncated",
        ),
        (
            _cut("uni_skip.npz", 0),
            "uni_skip.npz does not contain the weights of a skip-thought encoder, or is truncated",
        ),
        (_words("the\n" * 13), "dictionary.txt must contain UNK"),
        (_words("the\nna\xefve\n"), "dictionary.txt must be UTF-8 text, got byte 0xef in line 2"),
        (
            _table(np.ones((12, 5))),
            "dictionary.txt must name each row of .*utable.npy: got more than 12 words, 12 rows",
        ),
        (_table(np.ones((13, 6), "float32")), r"encoder_W must have shape \(6, 14\), got \(5, 14\)"),
        (_table(np.ones((13, 5), "int64")), "utable.npy must hold floating-point numbers of .*, got dtype int64"),
        (_table(np.ones(13)), r"utable.npy must hold a table \(rows, features\), got shape \(13,\)"),
        (_table(np.ones((13, 0))), r"utable.npy must hold a table \(rows, features\), got shape \(13, 0\)"),
        (_pickled_table(np.ones((12, 5))), "got more than 12 words, 12 rows"),
        (_another_head, r"utable.npy declares the shape \(11,\), but has 13 rows"),
        (_weights(W=None), "uni_skip.npz .*: encoder_W is missing"),
        (_weights(U=np.ones((7, 7))), r"uni_skip.npz: encoder_U must have shape \(7, 14\), got \(7, 7\)"),
        (_weights(b=np.ones((14, 1))), r"uni_skip.npz: encoder_b must have shape \(14,\), got \(14, 1\)"),
        (_weights(Ux=np.ones((7, 7), "int64")), "encoder_Ux must hold floating-point numbers of .*, got dtype int64"),
        (
            _weights(bx=np.array([[1.0], "x"], dtype=object)),
            "encoder_bx holds pickled Python objects, which are never loaded",
        ),
        (_weights(Wx=np.full((5, 7), np.nan)), "uni_skip.npz: encoder_Wx must be finite, got NaN or infinity"),
        (_weights(b=np.full(14, -np.inf)), "uni_skip.npz: encoder_b must be finite"),
        (_longer("utable.npy"), "utable.npy is damaged: it has 3 bytes after its pickle"),
        (_weights(bx=np.ones(0)), "encoder_bx must have one number per feature of the state, got none"),
        (_weights(**_empty(5)), "encoder_bx must have one number per feature of the state, got none"),
    ],
)
def test_damaged_files_are_named(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)
    with pytest.raises(ValueError, match=message):
        SkipThoughts(folder)


def test_a_table_in_the_place_of_the_weights_is_named(folder: Path) -> None:
    (folder / "uni_skip.npz").write_bytes((folder / "utable.npy").read_bytes())
    with pytest.raises(ValueError, match=r"uni_skip\.npz does not contain the weights of a skip-thought encoder"):
        SkipThoughts(folder)
    write_model(folder, pickled=False)
    (folder / "uni_skip.npz").write_bytes((folder / "utable.npy").read_bytes())
    with pytest.raises(ValueError, match="File is not a zip file"):
        SkipThoughts(folder)


def test_a_plain_table_cut_short_is_named(folder: Path) -> None:
    write_model(folder, pickled=False)
    _cut("utable.npy", 0.9)(folder)
    with pytest.raises(ValueError, match=r"utable.npy is truncated: it ends before its table of shape \(13, 5\)"):
        SkipThoughts(folder)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("blue hair red eyes", ["blue", "hair", "red", "eyes"]),
        ("Blue hair, red eyes.", ["Blue", "hair", ",", "red", "eyes", "."]),
        ("  gray-blue \t hair\n", ["gray-blue", "hair"]),
        ("don't (ever)!", ["don't", "(", "ever", ")", "!"]),
        ("naïve long_hair 1girl", ["naïve", "long_hair", "1girl"]),
        (" ", []),
    ],
)
def test_splits_words(text: str, wanted: list[str]) -> None:
    assert split_words(text) == wanted


@pytest.mark.parametrize("text", [None, 3, ["blue"], b"blue"])
def test_anything_but_a_text_is_named(text: object) -> None:
    with pytest.raises(ValueError, match=f"text must be of type str, got {type(text).__name__}"):
        split_words(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 3, ""])
def test_a_folder_that_is_no_path_is_named(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^folder must be a path, got "):
        SkipThoughts(value)
