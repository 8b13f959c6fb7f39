"""Text encoders: what counts as one, hashed counts, and a pretrained model of the user's."""

import copy
import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from embedders.published import write_model
from hypothesis import given, strategies as st
from torch.testing import assert_close

from gankit.embedders import HashedNGrams, SentenceEncoder, SkipThoughts, TextEncoder, TextProjection, VectorTable
from gankit.networks import DCGANGenerator

TEXTS = ["blue hair red eyes", "green hair"]


class Lengths:
    """A stand-in for a pretrained model."""

    def encode(self, sentences: list[str]) -> torch.Tensor:
        return torch.tensor([[float(len(sentence)), 1.0] for sentence in sentences])


def draw(encoder: TextEncoder) -> torch.Tensor:
    """From texts to pictures, with any encoder."""
    vectors = encoder(TEXTS)
    assert vectors.shape == (2, encoder.out_features)
    assert torch.equal(encoder(TEXTS), vectors)
    embedder = TextProjection(encoder.out_features, 5)
    return DCGANGenerator(resolution=8, width=2, embedder=embedder)(torch.randn(2, 100), vectors)


def test_every_text_encoder_fits(tmp_path: Path) -> None:
    write_model(tmp_path)
    hashed = HashedNGrams(out_features=50)
    for encoder in (
        hashed,
        VectorTable(TEXTS, hashed(TEXTS)),
        SkipThoughts(tmp_path),
        SentenceEncoder(Lengths()),
    ):
        assert draw(encoder).shape == (2, 3, 8, 8)


words = st.text(alphabet="abcdéß日1", min_size=1, max_size=5)

sentences = st.lists(st.lists(words, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=5)

sizes = st.sampled_from((2, 3, 7, 101, 2400))


def by_definition(
    text: str, out_features: int, word_lengths: tuple[int, ...], letter_lengths: tuple[int, ...]
) -> np.ndarray:
    """The n-grams of a text in lower case and without punctuation, one by one."""
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


def test_hashed_mistakes_are_named() -> None:
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


class StandIn:
    """Answers as models of sentence-transformers do: a float32 array, one row per sentence."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def encode(self, sentences: list[str]) -> Any:
        self.seen.append(sentences)
        return np.array([[len(text), text.count("b"), 1] for text in sentences], dtype="float32")


class Answer:
    """Answers the first text correctly, and later ones with the given value."""

    def __init__(self, answer: object) -> None:
        self.answer: object = torch.zeros(1, 3)
        self.later = answer

    def encode(self, sentences: list[str]) -> Any:
        assert isinstance(sentences, list)
        answer, self.answer = self.answer, self.later
        return answer


def test_passes_the_models_vectors_on() -> None:
    model = StandIn()
    encoder = SentenceEncoder(model)
    assert encoder.out_features == 3
    result = encoder(("blue hair", "red eyes"))
    assert torch.equal(result, torch.tensor([[9.0, 1, 1], [8, 0, 1]]))
    assert model.seen[1:] == [["blue hair", "red eyes"]]
    assert repr(encoder) == "SentenceEncoder(StandIn, out_features=3)"


def test_takes_tensors_of_any_dtype_and_trains_nothing() -> None:
    weights = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    result = SentenceEncoder(Answer(2 * weights))(["blue", "red"])
    assert result.dtype == torch.float32
    assert not result.requires_grad
    assert torch.equal(result, torch.full((2, 3), 2.0))


def test_answers_may_be_locked_reversed_swapped_or_made_in_inference_mode() -> None:
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    locked = plain.copy()
    locked.setflags(write=False)
    with torch.inference_mode():
        inferred = torch.from_numpy(plain.copy())
    for answer in (plain, locked, plain[::-1].copy()[::-1], plain.astype(">f4"), plain.astype("uint16"), inferred):
        result = SentenceEncoder(Answer(answer))(["blue", "red"])
        assert result.dtype == torch.float32
        assert torch.equal(result, torch.arange(6.0).reshape(2, 3))
        torch.nn.Linear(3, 1)(result).sum().backward()  # which saves it for the backward pass
        result.zero_()
        assert float(answer[1, 2]) == 5.0


def test_vectors_follow_the_default_dtype() -> None:
    exact = np.array([[0.1, 1 / 3, 0.7]])
    torch.set_default_dtype(torch.bfloat16)
    try:
        assert SentenceEncoder(Answer(exact))(["blue"]).dtype == torch.bfloat16
        torch.set_default_dtype(torch.float64)
        assert SentenceEncoder(Answer(exact))(["blue"]).tolist() == exact.tolist()
        assert SentenceEncoder(Answer(torch.from_numpy(exact)))(["blue"]).tolist() == exact.tolist()
    finally:
        torch.set_default_dtype(torch.float32)


def test_model_mistakes_are_named() -> None:
    cases = {
        r"model must have a method encode\(sentences\), got str": lambda: SentenceEncoder("all-MiniLM"),  # type: ignore[arg-type]
        r"model must have a method encode\(sentences\), got int": lambda: SentenceEncoder(3),  # type: ignore[arg-type]
        r"model must have a method encode\(sentences\), got type": lambda: SentenceEncoder(StandIn),  # type: ignore[arg-type]
        "model must answer with real numbers, got dtype object": (
            lambda: SentenceEncoder(Answer(np.array([[None]])))(["blue"])
        ),
        "model must answer with real numbers, got dtype <U4": (
            lambda: SentenceEncoder(Answer(np.array([["blue"]])))(["blue"])
        ),
        "model must answer with real numbers, got dtype complex128": (
            lambda: SentenceEncoder(Answer(np.array([[1j]])))(["blue"])
        ),
        "model must answer with real numbers, got dtype torch.complex64": (
            lambda: SentenceEncoder(Answer(torch.ones(1, 2) * 1j))(["blue"])
        ),
        "texts must be a list or tuple of texts, got str": lambda: SentenceEncoder(StandIn())("blue"),
        "texts must hold at least one text": lambda: SentenceEncoder(StandIn())([]),
        "model must answer with a NumPy array or a tensor, got list": (
            lambda: SentenceEncoder(Answer([[1.0, 2.0, 3.0]]))(["blue"])
        ),
        r"model must answer with shape \(2, features\), got \(1, 3\)": (
            lambda: SentenceEncoder(Answer(torch.ones(1, 3)))(["blue", "red"])
        ),
        r"model must answer with shape \(1, features\), got \(3,\)": (
            lambda: SentenceEncoder(Answer(torch.ones(3)))(["blue"])
        ),
        r"model must answer with shape \(1, features\), got \(1, 0\)": (
            lambda: SentenceEncoder(Answer(torch.ones(1, 0)))(["blue"])
        ),
        "model must answer with 3 numbers per text, as at first, got 5": (
            lambda: SentenceEncoder(Answer(torch.ones(1, 5)))(["blue"])
        ),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def test_one_vector_per_word_is_refused() -> None:
    class Words:
        def encode(self, sentences: list[str]) -> np.ndarray:
            return np.zeros((len(sentences), 3, 2), dtype=np.float32)

    with pytest.raises(ValueError, match="3, 2"):
        SentenceEncoder(Words())(["a b c", "d e f"])


def test_a_long_text_is_shortened_in_the_message() -> None:
    with pytest.raises(ValueError, match=r"got '!+ \.\.\. !+' at index 0") as caught:
        HashedNGrams(out_features=7)(["!" * 10_000])
    assert len(str(caught.value)) < 300
