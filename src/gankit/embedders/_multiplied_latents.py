"""Latents scaled by the condition."""

from typing import Any

from torch import nn

from gankit._core import Labels, Latents, check_at_least
from gankit.embedders._embedder import Embedder
from gankit.embedders._vectors import check_vectors


class MultipliedLatents(nn.Module):
    """Multiply latents by an embedder's vector, number by number; the product goes into an unconditional generator.

    The generator needs no second input, and the condition reaches all of the latents. A vector of ones leaves them as
    they are. Two conditions whose vectors are each other's negatives draw the same pictures, since latents are as
    likely as their negatives, and short vectors silence the latents: joining the vector to the latents, as the presets
    do, keeps colors better apart.

    Args:
        embedder: Turns labels into vectors as long as the latents: a `LabelEmbedder` of one attribute, or a
            `MultipliedLabelEmbedder` of several.

    Attributes:
        out_features: the length of the product, the embedder's.

    Shape:
        - latents: ``(n, out_features)``.
        - labels: whatever the embedder takes, for n samples.
        - result: ``(n, out_features)``.

    Raises:
        ValueError: `embedder` has no whole `out_features` above 0; `latents` are no floating-point tensor of that
            shape, or none; labels are for another number of samples, or refused by the embedder.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultipliedLabelEmbedder, MultipliedLatents
        >>> multiply = MultipliedLatents(MultipliedLabelEmbedder((12, 11), 100))
        >>> multiply(torch.randn(2, 100), torch.tensor([[2, 0], [11, 10]])).shape
        torch.Size([2, 100])

    Reference:
        The Keras rendering of Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier
        GANs": ``latents * embedding(class)``.
    """

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()
        features: Any = getattr(embedder, "out_features", None)
        check_at_least("embedder.out_features", features, 1)
        self.embedder = embedder
        self.out_features: int = features

    def forward(self, latents: Latents, labels: Labels) -> Latents:
        """Return `latents` times the vectors of `labels`."""
        check_vectors("latents", latents, self.out_features)
        vectors = self.embedder(labels)
        if vectors.shape != latents.shape:
            raise ValueError(
                f"labels must give vectors of shape {tuple(latents.shape)}, as latents are, got {tuple(vectors.shape)}"
            )
        return latents * vectors
