"""Skip-thought vectors, computed by the published weights."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gankit._core import as_path, brief
from gankit.embedders._skip_thoughts_files import RecurrentWeights, read_recurrent_weights, read_word_vectors
from gankit.embedders._text_encoders import check_texts

_TOKEN = re.compile(r"\w+(?:[-'\u2019]\w+)*|[^\w\s]")
_BATCH = 128


def split_words(text: str) -> list[str]:
    """Return the words of a text, with each punctuation mark as a separate word and case unchanged.

    For plain sentences the result is that of NLTK's ``word_tokenize``. NLTK splits contractions (``don't``); here they
    stay whole.

    Args:
        text: One text.

    Raises:
        ValueError: `text` is not a str.

    Example:
        >>> from gankit.embedders import split_words
        >>> split_words("Blue hair, red eyes.")
        ['Blue', 'hair', ',', 'red', 'eyes', '.']
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be of type str, got {type(text).__name__}")
    return _TOKEN.findall(text)


class SkipThoughts(nn.Module):
    r"""Encode texts by the uni-directional skip-thought model, from the files that its authors published.

    A recurrent network reads the words one by one; its last state, divided by its norm, is the vector. The model is
    fixed: it is not trained, and its result has no gradient. Its authors trained it on novels to predict neighboring
    sentences. Encode all texts once and keep the vectors in a `VectorTable`, since the word vectors alone take two
    gigabytes.

    Nothing in the files is unpickled or evaluated. ``uni_skip.npz.pkl``, the options of the training, is not needed,
    since all sizes follow from the arrays. The published ``utable.npy`` is an array of pickled arrays; a reader that
    accepts only plain arrays reads it in up to a minute. If you replace it by a plain table of floating-point numbers of
    the same name, the table is mapped into memory at once. Memory grows with the size of the files, never with sizes that
    they only declare, so arrays in ``uni_skip.npz`` must not be compressed; the published ones are not.

    Args:
        folder: Has ``dictionary.txt`` (one word per line; one of them is ``UNK``, for unknown words), ``utable.npy`` (the
            vectors of the words) and ``uni_skip.npz`` (the recurrent network).
        tokenize: Splits a text into words. The authors used NLTK's ``word_tokenize``.

    Attributes:
        out_features: Length of a vector; 2400 with the published files.

    Shape:
        - texts: n texts, each with at least one word.
        - result: ``(n, out_features)`` of norm 1, in the module's dtype and on its device.

    Raises:
        ValueError: A file is missing, truncated, or contains anything but what is described here (the error names the
            file); texts are not a sequence of texts, or empty, or one of them has no word.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from gankit.embedders import SkipThoughts
        >>> random, features, size = np.random.default_rng(0), 5, 7
        >>> with tempfile.TemporaryDirectory() as name:  # a small model in place of the published one
        ...     folder = Path(name)
        ...     _ = (folder / "dictionary.txt").write_text("<eos>\nUNK\nblue\nhair\n")
        ...     np.save(folder / "utable.npy", random.normal(size=(4, features)))
        ...     weights = {"W": (features, 2 * size), "U": (size, 2 * size), "b": (2 * size,)}
        ...     weights |= {"Wx": (features, size), "Ux": (size, size), "bx": (size,)}
        ...     arrays = {f"encoder_{key}": random.normal(size=shape) for key, shape in weights.items()}
        ...     np.savez(folder / "uni_skip.npz", **arrays)
        ...     encoder = SkipThoughts(folder)
        ...     encoder(["blue hair", "green hair"]).shape
        torch.Size([2, 7])

    Reference:
        Kiros et al. 2015, "Skip-Thought Vectors" (arXiv:1506.06726), equations 1 to 4 (gates as in ``nn.GRU``, without
        its second bias). Words, unknown words, batches of equal length and the norm are those of the published
        ``encode`` with its defaults. The published vectors have 4800 numbers: the first 2400 are those computed here,
        the rest are those of the bi-directional model; each half has norm 1.
    """

    def __init__(self, folder: Path | str, *, tokenize: Callable[[str], Sequence[str]] = split_words) -> None:
        super().__init__()
        folder = as_path("folder", folder)
        if not callable(tokenize):
            raise ValueError(f"tokenize must be a callable that splits a text into words, got {brief(tokenize)}")
        self.rows, self.table = read_word_vectors(folder / "dictionary.txt", folder / "utable.npy")
        weights = read_recurrent_weights(folder / "uni_skip.npz", self.table.shape[1])
        self.out_features = weights.from_state.shape[1]
        self.tokenize = tokenize
        # No weights are drawn: that would change the global random state, and they would be replaced anyway.
        empty = nn.GRU(self.table.shape[1], self.out_features, batch_first=True, device="meta")
        self.recurrence = empty.to_empty(device=torch.get_default_device())
        self._fill(weights)

    @torch.no_grad()
    def forward(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the vectors of the texts."""
        check_texts(texts)
        sentences = [self._sentence(text, index) for index, text in enumerate(texts)]
        weight = next(self.recurrence.parameters())
        vectors = weight.new_empty(len(texts), self.out_features)
        for chosen in _batches_of_one_length(sentences):
            words = self.table[np.array([sentences[index] for index in chosen])]
            _, last = self.recurrence(torch.from_numpy(words.astype(words.dtype.newbyteorder("="))).to(weight))
            vectors[chosen] = last[0]
        return nn.functional.normalize(vectors, dim=1)

    def _sentence(self, text: str, index: int) -> list[int]:
        words = self.tokenize(text)
        if not words:
            raise ValueError(f"texts must each have a word, got {brief(text)} at index {index}")
        unknown = self.rows["UNK"]
        return [self.rows.get(word, unknown) for word in words]

    @torch.no_grad()
    def _fill(self, weights: RecurrentWeights) -> None:
        values = {"weight_ih_l0": weights.from_input, "weight_hh_l0": weights.from_state, "bias_ih_l0": weights.bias}
        for name, parameter in self.recurrence.named_parameters():
            if name in values:
                parameter.copy_(torch.tensor(values[name]))
            else:
                parameter.zero_()
            parameter.requires_grad_(False)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"words={len(self.rows)}, out_features={self.out_features}"


def _batches_of_one_length(sentences: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the indices of the sentences in groups of equal length, so that none needs padding."""
    groups: dict[int, list[int]] = {}
    for index, sentence in enumerate(sentences):
        groups.setdefault(len(sentence), []).append(index)
    return [group[start : start + _BATCH] for group in groups.values() for start in range(0, len(group), _BATCH)]
