"""A model of the user's behind the protocol: a stand-in for a pretrained one."""

from typing import Any

import numpy as np
import pytest
import torch

from gankit.embedders import SentenceEncoder


class StandIn:
    """Answers as sentence-transformers' models do: a float32 array, one row a sentence."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def encode(self, sentences: list[str]) -> Any:
        self.seen.append(sentences)
        return np.array([[len(text), text.count("b"), 1] for text in sentences], dtype="float32")


class Answer:
    """Answers one text well, then whatever it is told to."""

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


def test_mistakes_are_named() -> None:
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


def test_a_vector_for_each_word_is_no_vector_for_each_text() -> None:
    class Words:
        def encode(self, sentences: list[str]) -> np.ndarray:
            return np.zeros((len(sentences), 3, 2), dtype=np.float32)

    with pytest.raises(ValueError, match="3, 2"):
        SentenceEncoder(Words())(["a b c", "d e f"])
