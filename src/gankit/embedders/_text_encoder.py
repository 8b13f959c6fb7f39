"""What is asked of whatever turns sentences into vectors."""

from collections.abc import Sequence
from typing import Protocol

import torch


class TextEncoder(Protocol):
    """Anything that turns texts into one vector a text, and says how long that vector is.

    A text encoder learns nothing while a GAN trains, so run it once over all texts and keep the vectors (a
    `VectorTable` does), rather than in every step. What learns begins behind it: a `TextProjection` or a
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
        """The length of the vector."""
        ...

    def __call__(self, texts: Sequence[str], /) -> torch.Tensor:
        """Return the vectors ``(n, out_features)`` of the texts."""
        ...
