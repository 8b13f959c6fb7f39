"""What both networks of R3GAN are made of, and how it starts."""

from collections.abc import Sequence
from math import sqrt

from torch import nn

from gankit._core import check_at_least
from gankit.blocks import BottleneckBlock

_EXPANSION = 2


def bottlenecks(width: int, group_channels: int, blocks: int, stages: int) -> list[nn.Module]:
    """Return the blocks of one stage."""
    groups = _EXPANSION * width // group_channels
    return [BottleneckBlock(width, groups, expansion=_EXPANSION, depth=blocks * stages) for _ in range(blocks)]


def initialize_variance_(layer: nn.Linear | nn.Conv2d) -> None:
    """Draw the weights of a layer without bias from N(0, 1 / fan-in)."""
    nn.init.normal_(layer.weight, 0.0, 1 / sqrt(layer.weight[0].numel()))


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
    if not isinstance(widths, Sequence):
        raise ValueError(f"widths must be a sequence of whole numbers, one a stage, got {widths!r}")
    if not widths:
        raise ValueError("widths must name at least one stage, got none")
    for width in widths:
        check_at_least("widths", width, 1)
        if _EXPANSION * width % group_channels:
            raise ValueError(
                f"widths must have a double divisible by group_channels, {group_channels}, got {width} in {tuple(widths)}"
            )
