"""The residual block of the first residual networks: an activation after the sum."""

import torch

from gankit._core import Condition
from gankit.blocks._conditioned_sequential import call_layer
from gankit.blocks._maps import check_maps
from gankit.blocks._residual import ResidualBlock


class PostActivationBlock(ResidualBlock):
    """Add to the input what two convolutions make of it, then activate the sum.

    The residual is (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down), norm. The shortcut is the input
    itself where channels and size stay, else (up,) 1x1 convolution(, down).

    With ``nn.Identity`` as norm and a leaky activation it is the block of MakeGirlsMoe's critic. Signals reach the next
    block through an activation only: in deep rows `PreActivationBlock` learns better.

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
        >>> from gankit.blocks import PostActivationBlock, MeanDownsample
        >>> block = PostActivationBlock(8, 16, norm=torch.nn.BatchNorm2d, down=MeanDownsample())
        >>> block(torch.randn(2, 8, 32, 32)).shape
        torch.Size([2, 16, 16, 16])

    Reference:
        He et al. 2016, "Deep Residual Learning for Image Recognition" (CVPR); figure 4(a) of He et al. 2016, "Identity
        Mappings in Deep Residual Networks" (ECCV). Differences: the projecting shortcut has no norm of its own, and
        resampling is a part beside the convolutions, not a stride of the first one.
    """

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the shortcut and the residual together."""
        check_maps("x", x, self.in_channels)
        residual = call_layer(self.norm2, self._until_second_convolution(x, condition), condition)
        return self.activation2(self._carried(x) + residual)
