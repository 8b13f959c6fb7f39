"""Prompts as vectors: each color in its place, nothing learned."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from examples.anime_faces.data import Attribute, find_classes


@dataclass(frozen=True, slots=True)
class PromptEncoder:
    """Read hair and eyes out of each text, and give a vector of zeros and ones for each of the two, joined.

    A text encoder in the sense of ``gankit.embedders.TextEncoder``, so it takes the place of a sentence encoder where
    only the colors of a text are ever asked for: then it cannot confuse two of them. A half that a text leaves open is
    all zeros; one with several colors, as pictures of several faces have, has a one for each.

    Args:
        attributes: the attributes of the data set, a slot for each.

    Raises:
        ValueError: if there are no attributes; if there are no texts, or one of them cannot be understood, which is
            named.

    Example:
        >>> from examples.anime_faces.data import Attribute
        >>> encoder = PromptEncoder((Attribute("hair", ("red", "blue")), Attribute("smile", ("no smile", "smile"))))
        >>> encoder(["blue smile", "red"])
        tensor([[0., 1., 0., 1.],
                [1., 0., 0., 0.]])
    """

    attributes: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        if not self.attributes:
            raise ValueError("attributes must not be empty: there would be nothing to read out of a text")

    @property
    def out_features(self) -> int:
        """The length of the vector: the classes of all attributes together."""
        return sum(len(attribute.classes) for attribute in self.attributes)

    def __call__(self, texts: Sequence[str], /) -> torch.Tensor:
        """Return the vectors ``(n, out_features)`` of the texts."""
        if isinstance(texts, str) or not texts:
            raise ValueError(f"texts must be a list of texts, one at least, got {texts!r}")
        vectors = torch.zeros(len(texts), self.out_features)
        starts = [0, *itertools.accumulate(len(attribute.classes) for attribute in self.attributes)]
        for row, text in enumerate(texts):
            try:
                found = find_classes(text, self.attributes)
            except ValueError as error:
                raise ValueError(f"the text {text!r} cannot be read: {error}") from error
            for attribute, class_id in found:
                vectors[row, starts[attribute] + class_id] = 1
        return vectors
