"""What both networks of R3GAN are made of, and how it starts."""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import nn

from gankit._core import check_at_least
from gankit.blocks import LeakyReLU

_SLOPE = 0.2
_EXPANSION = 2


class R3GANBlock(nn.Module):
    """A 1x1 convolution to twice the channels, a grouped 3x3 one, and a 1x1 one back, plus the input; no norm.

    The biases of R3GAN's activations are those of the convolutions before them here, which is the same function.
    """

    def __init__(self, channels: int, group_channels: int, network_blocks: int) -> None:
        super().__init__()
        inner = _EXPANSION * channels
        expand = nn.Conv2d(channels, inner, 1)
        spread = nn.Conv2d(inner, inner, 3, padding=1, groups=inner // group_channels)
        reduce = nn.Conv2d(inner, channels, 1, bias=False)
        self.layers = nn.Sequential(expand, LeakyReLU(_SLOPE), spread, LeakyReLU(_SLOPE), reduce)
        # With three layers a block, Fixup shrinks all but the last by the fourth root of the number of blocks.
        gain = sqrt(2 / (1 + _SLOPE**2)) * network_blocks**-0.25
        initialize_variance_(expand, gain)
        initialize_variance_(spread, gain)
        nn.init.zeros_(reduce.weight)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + self.layers(maps)


def initialize_variance_(layer: nn.Linear | nn.Conv2d, gain: float = 1.0) -> None:
    """Draw weights from N(0, gain**2 / fan-in); set the bias to 0."""
    nn.init.normal_(layer.weight, 0.0, gain / sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def change_channels(before: int, after: int) -> list[nn.Module]:
    """Return a 1x1 convolution where the channels differ, else nothing."""
    if before == after:
        return []
    layer = nn.Conv2d(before, after, 1, bias=False)
    initialize_variance_(layer)
    return [layer]


def check_stages(widths: Sequence[int], blocks: int, group_channels: int, base: int) -> None:
    """Refuse widths that groups of `group_channels` do not divide."""
    for name, size in (("blocks", blocks), ("group_channels", group_channels), ("base", base)):
        check_at_least(name, size, 1)
    if not widths:
        raise ValueError("widths must name at least one stage, got none")
    for width in widths:
        check_at_least("widths", width, 1)
        if _EXPANSION * width % group_channels:
            raise ValueError(
                f"widths must have a double divisible by group_channels, {group_channels}, got {width} in {tuple(widths)}"
            )
