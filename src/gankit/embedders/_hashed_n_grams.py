"""Sentence vectors without a model: counted words and letters, folded by a hash."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from gankit._core import check_at_least
from gankit.embedders._texts import check_texts

# An underscore is punctuation: boards of tagged pictures write blue_hair.
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedNGrams:
    """Count runs of words and letters, and add each count to one of `out_features` places, with a sign, by a hash.

    Nothing is learned or loaded: the vector is a fixed function of the text, on every machine, so it serves offline and
    in tests where a sentence encoder would need its weights, and its default length is a skip-thought vector's. Texts
    that share words have near vectors; that two words mean the same it cannot know. Runs of two words tell ``blue hair
    red eyes`` from ``red hair blue eyes``; runs of letters keep ``blonde`` near ``blond``. Case and punctuation do
    not count.

    Args:
        out_features: the length of the vector.
        word_lengths: how many words a run of words has; empty for no words.
        letter_lengths: how many letters a run of letters within a word has, where the word's two ends count as a
            letter each; empty for no letters.

    Shape:
        - texts: n texts, each with a letter or digit at least.
        - result: ``(n, out_features)`` of norm 1, in torch's default dtype and on its default device. Should all
          counts of a text cancel, which takes very few places, its vector is zero.

    Raises:
        ValueError: if a size is no whole number above 0, or there are no lengths at all; if texts are none, or no
            sequence of texts, or one of them has neither letter nor digit.

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
        Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning", equation 1 (the sign makes
        collisions cancel on average). Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information" (runs
        of letters, with the word's ends). The hash is BLAKE2b: Python's own differs from run to run.
    """

    out_features: int = 2400
    word_lengths: tuple[int, ...] = (1, 2)
    letter_lengths: tuple[int, ...] = (3,)

    def __post_init__(self) -> None:
        check_at_least("out_features", self.out_features, 1)
        for name in ("word_lengths", "letter_lengths"):
            lengths = getattr(self, name)
            if not isinstance(lengths, tuple):
                raise ValueError(f"{name} must be a tuple of whole numbers, got {lengths!r}")
            for length in lengths:
                check_at_least(name, length, 1)
        if not self.word_lengths and not self.letter_lengths:
            raise ValueError("word_lengths and letter_lengths must not both be empty")

    def __call__(self, texts: Sequence[str], /) -> torch.Tensor:
        """Return the vectors of the texts."""
        check_texts(texts)
        rows = [self._counts(text, index) for index, text in enumerate(texts)]
        # Whole numbers up to here, so the order in which a text's runs are added cannot change the vector.
        counts = torch.tensor(rows, dtype=torch.get_default_dtype())
        norms = torch.linalg.vector_norm(counts, dim=1, keepdim=True)
        return counts / norms.clamp_min(1)

    def _counts(self, text: str, index: int) -> list[int]:
        words = _WORD.findall(unicodedata.normalize("NFC", text).casefold())
        if not words:
            raise ValueError(f"texts must have a letter or digit each, got {text!r} at index {index}")
        counts = [0] * self.out_features
        for gram in self._grams(words):
            place = int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "little")
            counts[(place >> 1) % self.out_features] += 1 - 2 * (place & 1)
        return counts

    def _grams(self, words: list[str]) -> Iterator[str]:
        """Yield every run. The first sign keeps a run of words from meeting the same letters within a word."""
        for length in self.word_lengths:
            for start in range(len(words) - length + 1):
                yield "w" + " ".join(words[start : start + length])
        for length in self.letter_lengths:
            for word in words:
                marked = f"<{word}>"
                for start in range(max(1, len(marked) - length + 1)):
                    yield "l" + marked[start : start + length]
