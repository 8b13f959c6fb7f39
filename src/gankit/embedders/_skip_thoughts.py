"""Skip-thought vectors from the published weights."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gankit.embedders._skip_thoughts_files import RecurrentWeights, read_recurrent_weights, read_word_vectors
from gankit.embedders._text_encoders import check_texts

_TOKEN = re.compile(r"\w+(?:[-'\u2019]\w+)*|[^\w\s]")
_BATCH = 128


def split_words(text: str) -> list[str]:
    """Return the words of a text, and each punctuation mark as a word of its own. Case stays.

    For plain sentences this is what NLTK's ``word_tokenize`` returns; contractions (``don't``) stay whole here, where
    NLTK splits them.

    Args:
        text: one text.

    Raises:
        ValueError: if `text` is no str.

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
    fixed: nothing is trained, and no gradient is kept. It was trained on novels to guess neighboring sentences.
    Encode all texts once and keep the vectors in a `VectorTable`: the word vectors alone take two gigabytes.

    Nothing in the files is unpickled or evaluated, and ``uni_skip.npz.pkl``, the options of the training, is not needed:
    all sizes follow from the arrays. The published ``utable.npy`` is an array of pickled arrays; it is read by a reader
    of plain arrays that refuses everything else, which takes up to a minute. A plain table of floating-point numbers
    under the same name is mapped into memory at once. What is read grows with the files and not with what they claim,
    so arrays in ``uni_skip.npz`` must not be compressed; the published ones are not.

    Args:
        folder: holds ``dictionary.txt`` (one word a line, among them ``UNK``, which stands for unknown words),
            ``utable.npy`` (the vectors of the words) and ``uni_skip.npz`` (the recurrent network).
        tokenize: Splits a text into words. The authors took NLTK's ``word_tokenize``.

    Attributes:
        out_features: the length of a vector; 2400 with the published files.

    Shape:
        - texts: n texts, each with a word at least.
        - result: ``(n, out_features)`` of norm 1, in the module's dtype and on its device.

    Raises:
        ValueError: naming the file, if one is missing, truncated, or holds anything but what was described; if texts
            are none, or no sequence of texts, or one of them has no word.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from gankit.embedders import SkipThoughts
        >>> random, features, size = np.random.default_rng(0), 5, 7
        >>> with tempfile.TemporaryDirectory() as name:  # a small model in the place of the published one
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
        Kiros et al. 2015, "Skip-Thought Vectors", equations 1 to 4 (gates as in ``nn.GRU``, without its second bias).
        Words, unknown words, batches of one length and the norm are those of the published ``encode`` at its defaults.
        Its other half, the bi-directional model, comes *after* these numbers in the published 4800: of such a vector
        the first 2400 are this one, though each half has norm 1 there as well.
    """

    def __init__(self, folder: Path | str, *, tokenize: Callable[[str], Sequence[str]] = split_words) -> None:
        super().__init__()
        folder = Path(folder)
        if not callable(tokenize):
            raise ValueError(f"tokenize must be a callable that splits a text into words, got {tokenize!r}")
        self.rows, self.table = read_word_vectors(folder / "dictionary.txt", folder / "utable.npy")
        weights = read_recurrent_weights(folder / "uni_skip.npz", self.table.shape[1])
        self.out_features = weights.from_state.shape[1]
        self.tokenize = tokenize
        # No first weights are drawn: they would change the global random state, only to be replaced.
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
            raise ValueError(f"texts must have a word each, got {text!r} at index {index}")
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
    """Return the indices of the sentences in groups of one length, so that none must be padded."""
    groups: dict[int, list[int]] = {}
    for index, sentence in enumerate(sentences):
        groups.setdefault(len(sentence), []).append(index)
    return [group[start : start + _BATCH] for group in groups.values() for start in range(0, len(group), _BATCH)]
