"""What the residual blocks share: a shortcut, two convolutions, and resampling on both ways."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import nn

from gankit._core import Condition, Conditioned, build_layer, check_at_least, check_factory, check_out_of_place
from gankit.blocks._conditioned_sequential import call_layer
from gankit.blocks._resampling import OfEachChannel


class ResidualBlock(nn.Module, Conditioned):
    """Two 3x3 convolutions, each with a norm and an activation after it, beside a shortcut; orders differ in `forward`.

    Hidden channels are `in_channels` where a block goes down and `out_channels` otherwise. Wherever the order puts them,
    `norm1` sees the hidden channels and `norm2` the result's: each stands somewhere behind its convolution, and
    `activation1` between the two.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        norm: Callable[[int], nn.Module] = nn.Identity,
        activation: Callable[[], nn.Module] = nn.ReLU,
        up: nn.Module | None = None,
        down: nn.Module | None = None,
    ) -> None:
        super().__init__()
        check_block(in_channels, out_channels, norm, activation)
        check_resampling(up, down)
        if up is not None and down is not None:
            raise ValueError(f"up must be left out with down, got {up!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        hidden = in_channels if down is not None else out_channels
        self.up = up
        self.conv1 = nn.Conv2d(in_channels, hidden, 3, padding=1)
        self.norm1 = build_layer("norm", norm, hidden)
        self.activation1 = build_layer("activation", activation)
        self.conv2 = nn.Conv2d(hidden, out_channels, 3, padding=1)
        self.down = down
        self.norm2 = build_layer("norm", norm, out_channels)
        self.activation2 = build_layer("activation", activation)
        projected = in_channels != out_channels or up is not None or down is not None
        self.shortcut = project(in_channels, out_channels) if projected else None
        check_out_of_place("activation", self.activation2)

    @abstractmethod
    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the shortcut and the residual together, in the order of the block."""

    def _carried(self, x: torch.Tensor) -> torch.Tensor:
        """The shortcut: `x` itself, or its projection at the new size."""
        if self.shortcut is None:
            return x
        return project_resampled(x, self.shortcut, self.up, self.down)

    def _until_second_convolution(self, x: torch.Tensor, condition: Condition | None) -> torch.Tensor:
        """(Up,) convolution, norm, activation, convolution(, down)."""
        x = self.conv1(self._before_up(x))
        x = self.activation1(call_layer(self.norm1, x, condition))
        return self._after_down(self.conv2(x))

    def _before_up(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.up is None else self.up(x)

    def _after_down(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.down is None else self.down(x)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.in_channels}, {self.out_channels}"


def check_block(
    in_channels: int, out_channels: int, norm: Callable[[int], nn.Module], activation: Callable[[], nn.Module]
) -> None:
    """Refuse sizes below 1, and finished layers where callables that build them are wanted."""
    check_at_least("in_channels", in_channels, 1)
    check_at_least("out_channels", out_channels, 1)
    check_factory("norm", norm)
    check_factory("activation", activation)


def check_resampling(up: nn.Module | None, down: nn.Module | None) -> None:
    """Refuse anything but finished layers."""
    for name, layer, such in (("up", up, "NearestUpsample()"), ("down", down, "MeanDownsample()")):
        if layer is not None and not isinstance(layer, nn.Module):
            raise ValueError(f"{name} must be a finished layer, such as {such}, or None, got {layer!r}")


def project_resampled(
    x: torch.Tensor, shortcut: nn.Module, up: nn.Module | None, down: nn.Module | None
) -> torch.Tensor:
    """(Up,) 1x1 convolution(, down), with the convolution on the side of fewer pixels where that changes nothing."""
    if isinstance(up, OfEachChannel):
        return up(shortcut(x))
    if isinstance(down, OfEachChannel):
        return shortcut(down(x))
    x = shortcut(x if up is None else up(x))
    return x if down is None else down(x)


def project(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Build the 1x1 convolution of a shortcut, which keeps the variance at the start."""
    layer = nn.Conv2d(in_channels, out_channels, 1)
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
