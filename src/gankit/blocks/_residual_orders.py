"""Residual blocks of two 3x3 convolutions, in four of He's five orders; `PreActivationBlock` is the fifth."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import nn

from gankit._core import Condition, Conditioned, build_layer, check_at_least, check_factory, check_out_of_place
from gankit.blocks._maps import check_maps
from gankit.blocks._resampling import OfEachChannel
from gankit.blocks._sequential import call_layer


class _ResidualBlock(nn.Module, Conditioned):
    """Two 3x3 convolutions, two norms and two activations beside a shortcut; the orders differ in `forward` alone.

    There are `in_channels` hidden channels in a block with `down` and `out_channels` in others. `norm1` gets the hidden
    channels and `norm2` those of the result, in every order; `activation1` comes between the convolutions.
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
        """Return the sum of shortcut and residual, in the order of the block."""

    def _carried(self, x: torch.Tensor) -> torch.Tensor:
        """The shortcut: `x` itself, or its projection at the new size."""
        if self.shortcut is None:
            return x
        return project_resampled(x, self.shortcut, self.up, self.down)

    def _until_second_convolution(self, x: torch.Tensor, condition: Condition | None) -> torch.Tensor:
        """(Up,) convolution, norm, activation, convolution(, down)."""
        x = self.conv1(x if self.up is None else self.up(x))
        x = self.conv2(self.activation1(call_layer(self.norm1, x, condition)))
        return x if self.down is None else self.down(x)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.in_channels}, {self.out_channels}"


def check_block(
    in_channels: int, out_channels: int, norm: Callable[[int], nn.Module], activation: Callable[[], nn.Module]
) -> None:
    """Refuse numbers of channels below 1, and finished layers in place of callables that build them."""
    check_at_least("in_channels", in_channels, 1)
    check_at_least("out_channels", out_channels, 1)
    check_factory("norm", norm)
    check_factory("activation", activation)


def check_resampling(up: nn.Module | None, down: nn.Module | None) -> None:
    """Refuse anything but finished layers and None."""
    for name, layer, such in (("up", up, "NearestUpsample()"), ("down", down, "MeanDownsample()")):
        if layer is not None and not isinstance(layer, nn.Module):
            raise ValueError(f"{name} must be a finished layer, such as {such}, or None, got {layer!r}")


def project_resampled(
    x: torch.Tensor, shortcut: nn.Module, up: nn.Module | None, down: nn.Module | None
) -> torch.Tensor:
    """(Up,) 1x1 convolution(, down), with the convolution at the smaller size if the result is the same."""
    if isinstance(up, OfEachChannel):
        return up(shortcut(x))
    if isinstance(down, OfEachChannel):
        return shortcut(down(x))
    x = shortcut(x if up is None else up(x))
    return x if down is None else down(x)


def project(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Build the 1x1 convolution of a shortcut, initialized so that the variance stays the same."""
    layer = nn.Conv2d(in_channels, out_channels, 1)
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class PostActivationBlock(_ResidualBlock):
    """Add two convolutions of the input to it, then activate the sum: the block of the first residual networks.

    The residual is (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down), norm. The shortcut is the input
    itself if channels and size stay the same, otherwise (up,) 1x1 convolution(, down).

    With ``nn.Identity`` as norm and a leaky activation it is the block of MakeGirlsMoe's critic. Every signal passes an
    activation on its way to the next block: in deep networks `PreActivationBlock` learns better.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for no norm. A norm that derives from
            `Conditioned` gets the condition.
        activation: Builds an activation; it must not work in place.
        up: A layer that doubles the resolution, such as `NearestUpsample`; on both paths it gets `in_channels` maps.
        down: A layer that halves the resolution, such as `MeanDownsample`; it gets `out_channels` maps, right after the
            convolutions.

    Shape:
        - x: ``(n, in_channels, height, width)``; never changed.
        - condition: ``(n, condition_features)``, needed if `norm` uses it and ignored otherwise.
        - result: ``(n, out_channels, height, width)``, or twice or half that size.

    Raises:
        ValueError: A number of channels is below 1; `norm` or `activation` is not a callable that builds a layer; the
            activation works in place; both `up` and `down` are given, or one is not a layer; `x` has another shape, or
            a height or width that `down` cannot halve; a norm needs a condition and gets none.

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample, PostActivationBlock
        >>> block = PostActivationBlock(8, 16, norm=torch.nn.BatchNorm2d, down=MeanDownsample())
        >>> block(torch.randn(2, 8, 32, 32)).shape
        torch.Size([2, 16, 16, 16])

    Reference:
        He et al. 2016, "Deep Residual Learning for Image Recognition" (CVPR, arXiv:1512.03385); figure 4(a) of He
        et al. 2016, "Identity Mappings in Deep Residual Networks" (ECCV, arXiv:1603.05027). Differences: the projecting
        shortcut has no norm of its own, and resampling is a separate layer beside the convolutions, not a stride of the
        first one.
    """

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the sum of shortcut and residual, in the order of this block."""
        check_maps("x", x, self.in_channels)
        residual = call_layer(self.norm2, self._until_second_convolution(x, condition), condition)
        return self.activation2(self._carried(x) + residual)


class NormAfterAdditionBlock(_ResidualBlock):
    """Add two convolutions of the input to it, then normalize and activate the sum.

    The residual is (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down). The shortcut is the input itself if
    channels and size stay the same, otherwise (up,) 1x1 convolution(, down).

    The norm also acts on the shortcut: of the five orders this one trained worst. It is here for comparisons.

    Args, shapes and errors are those of `PostActivationBlock`.

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample, NormAfterAdditionBlock
        >>> block = NormAfterAdditionBlock(8, 16, norm=torch.nn.BatchNorm2d, down=MeanDownsample())
        >>> block(torch.randn(2, 8, 32, 32)).shape
        torch.Size([2, 16, 16, 16])

    Reference:
        He et al. 2016, "Identity Mappings in Deep Residual Networks" (ECCV, arXiv:1603.05027), figure 4(b).
    """

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the sum of shortcut and residual, in the order of this block."""
        check_maps("x", x, self.in_channels)
        total = self._carried(x) + self._until_second_convolution(x, condition)
        return self.activation2(call_layer(self.norm2, total, condition))


class ActivationBeforeAdditionBlock(_ResidualBlock):
    """Add to the input a residual that ends with its activation; the sum is neither normalized nor activated.

    The residual is (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down), norm, activation. The shortcut is
    the input itself if channels and size stay the same, otherwise (up,) 1x1 convolution(, down).

    With a ReLU the residual is never negative, so values can only grow from block to block. It is here for comparisons.

    Args, shapes and errors are those of `PostActivationBlock`.

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample, ActivationBeforeAdditionBlock
        >>> block = ActivationBeforeAdditionBlock(8, 16, norm=torch.nn.BatchNorm2d, down=MeanDownsample())
        >>> block(torch.randn(2, 8, 32, 32)).shape
        torch.Size([2, 16, 16, 16])

    Reference:
        He et al. 2016, "Identity Mappings in Deep Residual Networks" (ECCV, arXiv:1603.05027), figure 4(c).
    """

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the sum of shortcut and residual, in the order of this block."""
        check_maps("x", x, self.in_channels)
        residual = call_layer(self.norm2, self._until_second_convolution(x, condition), condition)
        return self._carried(x) + self.activation2(residual)


class ActivationFirstBlock(_ResidualBlock):
    """Add to the input a residual that begins with an activation and ends with a norm.

    The residual is activation, (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down), norm: the activation
    comes before each convolution, the norm after it. The shortcut is the raw input if channels and size stay the same,
    otherwise (up,) 1x1 convolution(, down) of it. The sum is neither normalized nor activated.

    `PreActivationBlock` has the norm in front too, and learns better in the paper. Without a norm the two are the same
    function.

    Args, shapes and errors are those of `PostActivationBlock`.

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample, ActivationFirstBlock
        >>> block = ActivationFirstBlock(8, 16, norm=torch.nn.BatchNorm2d, down=MeanDownsample())
        >>> block(torch.randn(2, 8, 32, 32)).shape
        torch.Size([2, 16, 16, 16])

    Reference:
        He et al. 2016, "Identity Mappings in Deep Residual Networks" (ECCV, arXiv:1603.05027), figure 4(d), ReLU-only
        pre-activation.
    """

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the sum of shortcut and residual, in the order of this block."""
        check_maps("x", x, self.in_channels)
        residual = self._until_second_convolution(self.activation2(x), condition)
        return self._carried(x) + call_layer(self.norm2, residual, condition)
