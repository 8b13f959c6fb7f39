"""A vector repeated at every position of a map, alone or joined to other maps."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned, check_at_least, check_batch, check_floating
from gankit.blocks._maps import check_condition, check_maps


class SpatialReplication(nn.Module):
    """Repeat a vector at every position: each feature becomes a constant map.

    Use it to combine a vector of a text or of attributes with pictures; `DepthConcatenation` repeats and joins in one
    step. With 1 x 1 positions it turns latents into maps for a generator's first transposed convolution. Nothing is
    copied: the maps are views that share the vector's memory.

    Args:
        height: Height of the maps.
        width: Width of the maps.

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
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (ICML, arXiv:1605.05396), section 4.1, at 4 x
        4 positions; Choi et al. 2018 (StarGAN, arXiv:1711.09020), at every pixel of the picture.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        check_at_least("height", height, 1)
        check_at_least("width", width, 1)
        self.height = height
        self.width = width

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return one constant map for each number of each vector."""
        check_floating("vectors", vectors)
        if vectors.ndim != 2:
            raise ValueError(f"vectors must have shape (n, features), got {tuple(vectors.shape)}")
        check_batch("vectors", vectors)
        return _replicate(vectors, self.height, self.width)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.height}, {self.width}"


def _replicate(vectors: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return ``(n, features)`` vectors as constant maps, which are views of the vectors."""
    return vectors[:, :, None, None].expand(-1, -1, height, width)


def join_replicated(x: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Return `x` with one more constant channel per entry of `vectors`, in the memory format of `x`."""
    maps = _replicate(vectors.to(x.dtype), x.shape[2], x.shape[3])
    if x.is_contiguous(memory_format=torch.channels_last):
        # Joining maps of two memory formats would give the contiguous one.
        maps = maps.contiguous(memory_format=torch.channels_last)
    return torch.cat([x, maps], dim=1)


class DepthConcatenation(nn.Module, Conditioned):
    """Join the condition to a map: each of its entries becomes a constant channel after the map's own channels.

    The critic of GAN-CLS gets its text this way, and the generator of StarGAN its attributes. Let a 1 x 1 convolution
    follow, which combines picture and condition at every position. An instance norm after a convolution without zero
    padding would remove the condition again, as it removes everything that is constant over a map.

    Args:
        condition_features: Length of the condition's vector: the `out_features` of the embedder.

    Shape:
        - x: ``(n, channels, height, width)``.
        - condition: ``(n, condition_features)``, converted to the dtype of `x`.
        - result: ``(n, channels + condition_features, height, width)``, the map's channels first.

    Raises:
        ValueError: `condition_features` is below 1; `x` or `condition` has another shape, or `condition` is missing.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionedSequential, DepthConcatenation
        >>> end = ConditionedSequential(DepthConcatenation(128), torch.nn.Conv2d(512 + 128, 512, 1), torch.nn.LeakyReLU(0.2))
        >>> end(torch.randn(2, 512, 4, 4), torch.randn(2, 128)).shape
        torch.Size([2, 512, 4, 4])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (ICML, arXiv:1605.05396), section 4.1:
        spatial replication and depth concatenation, where the map is 4 x 4. Conditional DCGAN programs join after every
        layer of the critic.
    """

    def __init__(self, condition_features: int) -> None:
        super().__init__()
        check_at_least("condition_features", condition_features, 1)
        self.condition_features = condition_features

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` with the condition as further channels."""
        check_maps("x", x, None)
        condition = check_condition(condition, x.shape[0], self.condition_features, whole_numbers=True)
        return join_replicated(x, condition)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.condition_features}"
