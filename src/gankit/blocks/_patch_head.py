"""A map of scores, one for each patch that a critic's last features see."""

import torch
from torch import nn

from gankit._core import Scores, check_at_least
from gankit.blocks._maps import check_maps


class PatchHead(nn.Module):
    """Score each patch of the picture: a convolution to one channel, in place of a single score a sample.

    The critic then judges textures, each place by itself, and takes pictures of any size. Losses take the mean over a
    map. A gradient penalty takes the slope of the **sum** of a sample's scores, as everywhere: a map of k patches has up
    to k times the slope of one score.

    Args:
        in_channels: Channels of the critic's last map.
        kernel_size: Height and width of the convolution.
        padding: Zeros around the map.

    Shape:
        - x: ``(n, in_channels, height, width)``.
        - result: ``(n, 1, height + 2 * padding - kernel_size + 1, width + 2 * padding - kernel_size + 1)``, scores.

    Raises:
        ValueError: A size is below 1 or `padding` below 0; `x` has another shape, or is smaller than the kernel.

    Example:
        >>> import torch
        >>> from gankit.blocks import PatchHead
        >>> PatchHead(512)(torch.randn(2, 512, 8, 8)).shape
        torch.Size([2, 1, 7, 7])

    Reference:
        Isola, Zhu, Zhou and Efros 2017, "Image-to-Image Translation with Conditional Adversarial Networks", section 3.2.2:
        the last layer of their 70 x 70 PatchGAN. StarGAN's has a kernel of 3 and no bias.
    """

    def __init__(self, in_channels: int, *, kernel_size: int = 4, padding: int = 1) -> None:
        super().__init__()
        check_at_least("in_channels", in_channels, 1)
        check_at_least("kernel_size", kernel_size, 1)
        check_at_least("padding", padding, 0)
        self.in_channels = in_channels
        self.least = kernel_size - 2 * padding
        self.score = nn.Conv2d(in_channels, 1, kernel_size, padding=padding)

    def forward(self, x: torch.Tensor) -> Scores:
        """Return the map of scores."""
        check_maps("x", x, self.in_channels)
        if min(x.shape[2:]) < self.least:
            raise ValueError(
                f"x must have a height and width of at least {self.least}, got {x.shape[2]} x {x.shape[3]}"
            )
        return self.score(x)
