"""The residual block whose residual ends with its activation."""

import torch

from gankit._core import Condition
from gankit.blocks._conditioned_sequential import call_layer
from gankit.blocks._maps import check_maps
from gankit.blocks._residual import ResidualBlock


class ActivationBeforeAdditionBlock(ResidualBlock):
    """Add to the input what two convolutions and their activations make of it.

    The residual is (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down), norm, activation. The shortcut is
    the input itself where channels and size stay, else (up,) 1x1 convolution(, down). Nothing touches the sum.

    With a ReLU the residual is never negative, so that values can only grow from block to block: it is here to be
    compared with.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for none. A norm that derives from
            `Conditioned` gets the condition.
        activation: Builds an activation; it must not work in place.
        up: Doubles the resolution, such as `NearestUpsample`; sees `in_channels` on both branches.
        down: Halves the resolution, such as `MeanDownsample`; sees `out_channels`, right after the convolutions.

    Shape:
        - x: ``(n, in_channels, height, width)``; never changed.
        - condition: ``(n, condition_features)``, needed where `norm` depends on it and unused elsewhere.
        - result: ``(n, out_channels, height, width)``, or twice or half that size.

    Raises:
        ValueError: A number of channels is below 1; `norm` or `activation` is no callable that builds a layer; the
            activation works in place; `up` and `down` come together, or are no layers; `x` has another shape, or a
            height or width that `down` cannot halve; a norm needs a condition and gets none.

    Example:
        >>> import torch
        >>> from gankit.blocks import ActivationBeforeAdditionBlock, MeanDownsample
        >>> block = ActivationBeforeAdditionBlock(8, 16, norm=torch.nn.BatchNorm2d, down=MeanDownsample())
        >>> block(torch.randn(2, 8, 32, 32)).shape
        torch.Size([2, 16, 16, 16])

    Reference:
        He et al. 2016, "Identity Mappings in Deep Residual Networks" (ECCV), figure 4(c).
    """

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the shortcut and the residual together."""
        check_maps("x", x, self.in_channels)
        residual = call_layer(self.norm2, self._until_second_convolution(x, condition), condition)
        return self._carried(x) + self.activation2(residual)
