"""Hashed counts of words and letters."""

import copy
import hashlib
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch.testing import assert_close

from gankit.embedders import HashedNGrams

words = st.text(alphabet="abcdéß日1", min_size=1, max_size=5)
sentences = st.lists(st.lists(words, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=5)
sizes = st.sampled_from((2, 3, 7, 101, 2400))


def by_definition(
    text: str, out_features: int, word_lengths: tuple[int, ...], letter_lengths: tuple[int, ...]
) -> np.ndarray:
    """The grams of a text that is lower case and free of punctuation, one by one."""
    said = text.casefold().split()
    grams = [
        "w" + " ".join(said[i : i + n]) for n in word_lengths for i in range(len(said)) if len(said[i : i + n]) == n
    ]
    for word in said:
        marked = "<" + word + ">"
        for n in letter_lengths:
            runs = [marked[i : i + n] for i in range(len(marked)) if len(marked[i : i + n]) == n]
            grams += ["l" + run for run in runs or [marked]]
    vector = np.zeros(out_features)
    for gram in grams:
        value = int.from_bytes(hashlib.blake2b(gram.encode("utf-8"), digest_size=8).digest(), "little")
        vector[value // 2 % out_features] += (1, -1)[value % 2]
    return vector / max(1, np.linalg.norm(vector))


@given(
    texts=sentences,
    out_features=sizes,
    word_lengths=st.sampled_from(((), (1,), (1, 2), (3,))),
    letter_lengths=st.sampled_from(((1,), (3,), (2, 5))),
)
def test_equals_its_definition(
    texts: list[str], out_features: int, word_lengths: tuple[int, ...], letter_lengths: tuple[int, ...]
) -> None:
    encoder = HashedNGrams(out_features=out_features, word_lengths=word_lengths, letter_lengths=letter_lengths)
    wanted = np.stack([by_definition(text, out_features, word_lengths, letter_lengths) for text in texts])
    result = encoder(texts)
    assert result.shape == (len(texts), out_features)
    assert result.dtype == torch.float32
    assert_close(result.double().numpy(), wanted, rtol=1e-6, atol=1e-6)


@given(texts=sentences)
def test_norms_are_one_and_samples_stay_apart(texts: list[str]) -> None:
    encoder = HashedNGrams()
    result = encoder(texts)
    assert encoder.out_features == result.shape[1] == 2400
    assert_close(torch.linalg.vector_norm(result, dim=1), torch.ones(len(texts)))
    assert torch.equal(encoder(texts[::-1]), result.flip(0))
    assert torch.equal(encoder(texts[:1]), result[:1])


def test_case_punctuation_and_composition_do_not_count() -> None:
    first, *others = HashedNGrams()(
        ["naïve blue hair", "Nai\u0308ve, BLUE  hair!", "naïve_blue_hair", "__naïve blue-hair"]
    )
    for other in others:
        assert torch.equal(first, other)


def test_order_and_spelling_count() -> None:
    encoder = HashedNGrams()
    asked, swapped, near, far = encoder(
        ["blonde hair blue eyes", "blue hair blonde eyes", "blond hair blue eyes", "green twintails"]
    )
    assert not torch.equal(asked, swapped)
    assert asked @ near > 0.7
    assert abs(asked @ far) < 0.2
    only_words = HashedNGrams(word_lengths=(1,), letter_lengths=())
    asked, swapped = only_words(["blonde hair blue eyes", "blue hair blonde eyes"])
    assert torch.equal(asked, swapped)


def test_two_colors_give_distinct_vectors_all_over() -> None:
    hair = ("orange", "white", "aqua", "gray", "green", "red", "purple", "pink", "blue", "black", "brown", "blonde")
    texts = [f"{first} hair {second} eyes" for first in hair for second in hair]
    vectors = HashedNGrams()(texts)
    likeness = vectors @ vectors.T - 2 * torch.eye(len(texts))
    assert likeness.max() < 0.95


def test_is_the_same_in_every_process() -> None:
    program = "from gankit.embedders import HashedNGrams; print(HashedNGrams(out_features=7)(['blue hair']).tolist())"
    shown = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "123"},
    ).stdout
    assert shown.strip() == str(HashedNGrams(out_features=7)(["blue hair"]).tolist())


def test_counts_that_cancel_leave_zero() -> None:
    encoder = HashedNGrams(out_features=1, word_lengths=(1,), letter_lengths=())
    signs = {word: encoder([word]).item() for word in ("blue", "red", "green", "gray", "pink", "aqua")}
    plus = next(word for word, sign in signs.items() if sign == 1)
    minus = next(word for word, sign in signs.items() if sign == -1)
    assert encoder([f"{plus} {minus}"]).item() == 0


def test_the_default_dtype_copies_and_repr() -> None:
    encoder = HashedNGrams(out_features=7)
    torch.set_default_dtype(torch.float64)
    try:
        assert encoder(["blue"]).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    for other in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert other == encoder
    assert repr(encoder) == "HashedNGrams(out_features=7, word_lengths=(1, 2), letter_lengths=(3,))"


def test_mistakes_are_named() -> None:
    encoder = HashedNGrams(out_features=7)
    cases = {
        "out_features must be at least 1, got 0": lambda: HashedNGrams(out_features=0),
        "word_lengths must be a tuple of whole numbers, got 2": lambda: HashedNGrams(word_lengths=2),  # type: ignore[arg-type]
        "word_lengths must be at least 1, got 0": lambda: HashedNGrams(word_lengths=(1, 0)),
        "letter_lengths must be a whole number, got 2.5": lambda: HashedNGrams(letter_lengths=(2.5,)),  # type: ignore[arg-type]
        "must not both be empty": lambda: HashedNGrams(word_lengths=(), letter_lengths=()),
        "texts must be a list or tuple of texts, got str": lambda: encoder("blue hair"),
        "texts must be a list or tuple of texts, got set": lambda: encoder({"blue hair"}),  # type: ignore[arg-type]
        "texts must hold at least one text, got none": lambda: encoder([]),
        "texts must be of type str, got int at index 1": lambda: encoder(["blue", 2]),  # type: ignore[list-item]
        "texts must each have a letter or digit, got ' !' at index 1": lambda: encoder(["blue", " !"]),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
