"""Texts as vectors: what a text encoder is, one that only counts, and one that wraps a pretrained model."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from gankit._core import brief, check_at_least


def check_texts(texts: Sequence[str]) -> None:
    """Refuse anything but a sequence of texts with at least one; a single ``str`` is refused too."""
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise ValueError(f"texts must be a list or tuple of texts, got {type(texts).__name__}")
    if not texts:
        raise ValueError("texts must hold at least one text, got none")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"texts must be of type str, got {type(text).__name__} at index {index}")


class TextEncoder(Protocol):
    """Anything that turns texts into one vector per text and has the length of that vector as `out_features`.

    A text encoder is not trained with the GAN, so run it once over all texts and keep the vectors (in a `VectorTable`)
    instead of running it in every step. The trained part comes after it: a `TextProjection` or a
    `ConditioningAugmentation`, which networks take as their embedder.

    Example:
        >>> import torch
        >>> from gankit.embedders import HashedNGrams, TextProjection
        >>> from gankit.networks import DCGANGenerator
        >>> encoder = HashedNGrams(out_features=300)
        >>> generator = DCGANGenerator(resolution=8, width=2, embedder=TextProjection(encoder.out_features, 16))
        >>> generator(torch.randn(2, 100), encoder(["blue hair red eyes", "green hair"])).shape
        torch.Size([2, 3, 8, 8])
    """

    @property
    def out_features(self) -> int:
        """Length of the vector."""
        ...

    def __call__(self, texts: Sequence[str], /) -> torch.Tensor:
        """Return the vectors ``(n, out_features)`` of the texts."""
        ...


# An underscore counts as punctuation: image boards write tags as blue_hair.
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedNGrams:
    """Count n-grams of words and letters; a hash assigns each n-gram one of `out_features` entries and a sign.

    Nothing is learned or loaded: the vector is a fixed function of the text on every machine, so it works offline and in
    tests, where a sentence encoder would need its weights. The default length is that of a skip-thought vector. Texts
    that share words have similar vectors, but synonyms do not. Pairs of words distinguish ``blue hair red eyes`` from
    ``red hair blue eyes``; letters make ``blonde`` similar to ``blond``. Case and punctuation are ignored.

    Args:
        out_features: Length of the vector.
        word_lengths: Numbers of words in an n-gram of words; empty for no words.
        letter_lengths: Numbers of letters in an n-gram of letters within a word, where the start and the end of the word
            count as one letter each; empty for no letters.

    Shape:
        - texts: n texts, each with at least one letter or digit.
        - result: ``(n, out_features)`` of norm 1, in torch's default dtype and on its default device. If all counts of a
          text cancel, which happens only with very few entries, its vector is zero.

    Raises:
        ValueError: A size is not a whole number above 0, or there are no lengths at all; texts are not a sequence of
            texts, or empty, or one of them has neither a letter nor a digit.

    Example:
        >>> from gankit.embedders import HashedNGrams
        >>> encoder = HashedNGrams(out_features=2400)
        >>> vectors = encoder(["blue hair red eyes", "Red eyes, blue hair.", "green hair"])
        >>> vectors.shape
        torch.Size([3, 2400])
        >>> near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
        >>> bool(near > far)
        True

    Reference:
        Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning" (arXiv:0902.2206), equation 1 (the
        sign makes collisions cancel on average). Bojanowski et al. 2017, "Enriching Word Vectors with Subword
        Information", arXiv:1607.04606 (n-grams of letters with the ends of the word). The hash is BLAKE2b, since
        Python's own differs from run to run.
    """

    out_features: int = 2400
    word_lengths: tuple[int, ...] = (1, 2)
    letter_lengths: tuple[int, ...] = (3,)

    def __post_init__(self) -> None:
        check_at_least("out_features", self.out_features, 1)
        for name in ("word_lengths", "letter_lengths"):
            lengths = getattr(self, name)
            if not isinstance(lengths, tuple):
                raise ValueError(f"{name} must be a tuple of whole numbers, got {brief(lengths)}")
            for length in lengths:
                check_at_least(name, length, 1)
        if not self.word_lengths and not self.letter_lengths:
            raise ValueError("word_lengths and letter_lengths must not both be empty")

    def __call__(self, texts: Sequence[str], /) -> torch.Tensor:
        """Return the vectors of the texts."""
        check_texts(texts)
        rows = [self._counts(text, index) for index, text in enumerate(texts)]
        # Counts are whole numbers, so the order in which n-grams are added cannot change the vector.
        counts = torch.tensor(rows, dtype=torch.get_default_dtype())
        norms = torch.linalg.vector_norm(counts, dim=1, keepdim=True)
        return counts / norms.clamp_min(1)

    def _counts(self, text: str, index: int) -> list[int]:
        words = _WORD.findall(unicodedata.normalize("NFC", text).casefold())
        if not words:
            raise ValueError(f"texts must each have a letter or digit, got {brief(text)} at index {index}")
        counts = [0] * self.out_features
        for gram in self._grams(words):
            place = int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "little")
            counts[(place >> 1) % self.out_features] += 1 - 2 * (place & 1)
        return counts

    def _grams(self, words: list[str]) -> Iterator[str]:
        """Yield every n-gram; its first letter separates n-grams of words from n-grams of the same letters in a word."""
        for length in self.word_lengths:
            for start in range(len(words) - length + 1):
                yield "w" + " ".join(words[start : start + length])
        for length in self.letter_lengths:
            for word in words:
                marked = f"<{word}>"
                for start in range(max(1, len(marked) - length + 1)):
                    yield "l" + marked[start : start + length]


class SentenceModel(Protocol):
    """What a pretrained model must have; ``SentenceTransformer`` of sentence-transformers has it.

    Example:
        >>> import numpy as np
        >>> from gankit.embedders import SentenceEncoder
        >>> class Lengths:
        ...     def encode(self, sentences):
        ...         return np.array([[len(sentence), 1.0] for sentence in sentences])
        >>> SentenceEncoder(Lengths())(["red", "blue"])
        tensor([[3., 1.],
                [4., 1.]])
    """

    def encode(self, sentences: list[str], /) -> Any:
        """Return a NumPy array or tensor ``(n, features)`` for n sentences."""
        ...


class SentenceEncoder:
    """Encode texts by your own pretrained model, such as a ``SentenceTransformer``.

    gankit neither downloads nor imports it: ``pip install gankit[text]`` installs sentence-transformers, and ``model =
    sentence_transformers.SentenceTransformer(name_or_folder)`` makes the model. The vectors are detached, so the model is
    not trained. Run it once over all texts and keep the vectors in a `VectorTable`.

    Args:
        model: Has ``encode(sentences)``, which returns a NumPy array or tensor of one row per sentence.

    Attributes:
        out_features: Length of a vector, found by encoding one short text.

    Shape:
        - texts: n texts.
        - result: ``(n, out_features)`` in torch's default dtype, on the device of the model's answer.

    Raises:
        ValueError: `model` has no ``encode``, or its answer is not a table of numbers with one row per text and always
            the same number of columns; texts are not a sequence of texts, or empty.

    Example:
        >>> import numpy as np
        >>> from gankit.embedders import SentenceEncoder
        >>> class Lengths:
        ...     def encode(self, sentences):
        ...         return np.array([[len(sentence), 1.0] for sentence in sentences])
        >>> encoder = SentenceEncoder(Lengths())
        >>> encoder.out_features
        2
        >>> encoder(["blue hair red eyes"])
        tensor([[18.,  1.]])

    Reference:
        Reimers and Gurevych 2019, "Sentence-BERT", arXiv:1908.10084 (the models that sentence-transformers loads).
    """

    def __init__(self, model: SentenceModel) -> None:
        # Passing the name of a model is a natural mistake, and str has a method `encode` too; so has a model's class.
        if isinstance(model, str | type) or not callable(getattr(model, "encode", None)):
            raise ValueError(f"model must have a method encode(sentences), got {type(model).__name__}")
        self.model = model
        self.out_features = self._encode(["a"]).shape[1]

    def __call__(self, texts: Sequence[str], /) -> torch.Tensor:
        """Return the vectors of the texts."""
        check_texts(texts)
        vectors = self._encode(list(texts))
        if vectors.shape[1] != self.out_features:
            raise ValueError(
                f"model must answer with {self.out_features} numbers per text, as at first, got {vectors.shape[1]}"
            )
        return vectors

    def _encode(self, texts: list[str]) -> torch.Tensor:
        answer = self.model.encode(texts)
        if not isinstance(answer, np.ndarray | torch.Tensor):
            raise ValueError(f"model must answer with a NumPy array or a tensor, got {type(answer).__name__}")
        if answer.ndim != 2 or answer.shape[0] != len(texts) or answer.shape[1] == 0:
            raise ValueError(f"model must answer with shape ({len(texts)}, features), got {tuple(answer.shape)}")
        return _as_own_tensor(answer)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.model).__name__}, out_features={self.out_features})"


def _as_own_tensor(answer: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return a copy: the answer may be the model's own memory, read-only, reversed, or made in inference mode."""
    real = not answer.is_complex() if isinstance(answer, torch.Tensor) else answer.dtype.kind in "fiub"
    if not real:
        raise ValueError(f"model must answer with real numbers, got dtype {answer.dtype}")
    if isinstance(answer, torch.Tensor):
        return answer.detach().to(torch.get_default_dtype(), copy=True)
    wide = np.float64 if torch.get_default_dtype() == torch.float64 else np.float32
    return torch.from_numpy(answer.astype(wide)).to(torch.get_default_dtype())
