"""What a network asks of an embedder."""

from typing import Protocol

from gankit._core import Condition, Labels


class Embedder(Protocol):
    """Anything that turns labels into one vector a sample, and says how long that vector is.

    Networks take any such object: the embedders of this folder, or for conditions that are vectors already (a text
    encoder's, say) a plain ``nn.Linear``, which has `out_features` too.

    Example:
        >>> import torch
        >>> from gankit.networks import DCGANGenerator
        >>> generator = DCGANGenerator(resolution=8, width=2, embedder=torch.nn.Linear(2400, 128))
        >>> generator(torch.randn(3, 100), torch.randn(3, 2400)).shape
        torch.Size([3, 3, 8, 8])
    """

    out_features: int
    """The length of the vector."""

    def __call__(self, labels: Labels, /) -> Condition:
        """Return the vectors ``(n, out_features)`` of the labels."""
        ...
