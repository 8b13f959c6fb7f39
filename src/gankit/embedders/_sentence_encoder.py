"""A pretrained sentence encoder of another package behind our protocol."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from gankit.embedders._texts import check_texts


class SentenceModel(Protocol):
    """What is asked of the pretrained model: ``SentenceTransformer`` of sentence-transformers has it.

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
    """Encode texts by a pretrained model that you bring, such as a ``SentenceTransformer``.

    gankit downloads and imports nothing for it: ``pip install gankit[text]`` brings sentence-transformers, and ``model =
    sentence_transformers.SentenceTransformer(name_or_folder)`` makes the model. The vectors are detached: the model is
    not trained along. Run it once over all texts and keep a `VectorTable`.

    Args:
        model: Has ``encode(sentences)``, which returns a NumPy array or tensor of one row a sentence.

    Attributes:
        out_features: The length of a vector, found by encoding one short text.

    Shape:
        - texts: n texts.
        - result: ``(n, out_features)`` in torch's default dtype, on the device that the model answers on.

    Raises:
        ValueError: `model` has no ``encode``, or its answer is no table of numbers with one row a text and always as
            many columns; texts are none, or no sequence of texts.

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
        Reimers and Gurevych 2019, "Sentence-BERT" (the models that sentence-transformers loads).
    """

    def __init__(self, model: SentenceModel) -> None:
        # The name of a model is a natural mistake, and a str has a method of that name too; so has a model's class.
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
                f"model must answer with {self.out_features} numbers a text, as at first, got {vectors.shape[1]}"
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
    """Return a copy: the answer may be the model's own memory, locked, reversed, or made in inference mode."""
    real = not answer.is_complex() if isinstance(answer, torch.Tensor) else answer.dtype.kind in "fiub"
    if not real:
        raise ValueError(f"model must answer with real numbers, got dtype {answer.dtype}")
    if isinstance(answer, torch.Tensor):
        return answer.detach().to(torch.get_default_dtype(), copy=True)
    wide = np.float64 if torch.get_default_dtype() == torch.float64 else np.float32
    return torch.from_numpy(answer.astype(wide)).to(torch.get_default_dtype())
