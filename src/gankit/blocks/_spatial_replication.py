"""A vector repeated at every position of a map."""

import torch
from torch import nn

from gankit._core import check_at_least, check_batch, check_floating


class SpatialReplication(nn.Module):
    """Repeat a vector at every position: a feature becomes a constant map.

    This is how a text or an attribute vector meets pictures; `DepthConcatenation` replicates and joins in one. With 1 x 1
    positions it turns latents into maps for a generator's first transposed convolution. Nothing is copied: the maps are
    views that share the vector's memory.

    Args:
        height: Positions from top to bottom.
        width: Positions from left to right.

    Shape:
        - vectors: ``(n, features)``.
        - result: ``(n, features, height, width)``.

    Raises:
        ValueError: A size is below 1, or `vectors` has another shape.

    Example:
        >>> import torch
        >>> from gankit.blocks import SpatialReplication
        >>> SpatialReplication(1, 3)(torch.tensor([[5.0, 7.0]]))
        tensor([[[[5., 5., 5.]],
        <BLANKLINE>
                 [[7., 7., 7.]]]])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (ICML), section 4.1, at 4 x 4 positions;
        Choi et al. 2018 (StarGAN), at all of the picture's.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        check_at_least("height", height, 1)
        check_at_least("width", width, 1)
        self.height = height
        self.width = width

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return each vector as constant maps."""
        check_floating("vectors", vectors)
        if vectors.ndim != 2:
            raise ValueError(f"vectors must have shape (n, features), got {tuple(vectors.shape)}")
        check_batch("vectors", vectors)
        return replicate(vectors, self.height, self.width)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.height}, {self.width}"


def replicate(vectors: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return ``(n, features)`` vectors as constant maps, views of them."""
    return vectors[:, :, None, None].expand(-1, -1, height, width)


def join_replicated(x: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Return `x` with a constant map for each entry of `vectors` behind its channels, laid out as `x` is."""
    maps = replicate(vectors.to(x.dtype), x.shape[2], x.shape[3])
    if x.is_contiguous(memory_format=torch.channels_last):
        # Joining maps of two layouts would give the contiguous one.
        maps = maps.contiguous(memory_format=torch.channels_last)
    return torch.cat([x, maps], dim=1)
