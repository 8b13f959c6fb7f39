"""The residual block of generators that keep their size: a norm after each convolution, nothing after the sum."""

from collections.abc import Callable

import torch
from torch import nn

from gankit._core import Condition, Conditioned, build_layer, check_at_least, check_factory, check_out_of_place
from gankit.blocks._conditioned_sequential import call_layer
from gankit.blocks._maps import check_maps


class SRResNetBlock(nn.Module, Conditioned):
    """Add to the input: convolution, norm, activation, convolution, norm of it. Nothing touches the sum.

    A row of these at one resolution is the middle of SRGAN's generator, of MakeGirlsMoe's and, with instance norm, of
    StarGAN's.

    Args:
        channels: Channels of input and result.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for none. A norm that derives from
            `Conditioned` gets the condition.
        activation: Builds an activation; it must not work in place.

    Shape:
        - x: ``(n, channels, height, width)``; never changed.
        - condition: ``(n, condition_features)``, needed where `norm` depends on it and unused elsewhere.
        - result: the shape of `x`.

    Raises:
        ValueError: `channels` is below 1; `norm` or `activation` is no callable that builds a layer; the activation
            works in place; `x` has another shape; a norm needs a condition and gets none.

    Example:
        >>> import torch
        >>> from gankit.blocks import SRResNetBlock
        >>> SRResNetBlock(8)(torch.randn(2, 8, 5, 7)).shape
        torch.Size([2, 8, 5, 7])

    Reference:
        Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network"
        (CVPR), figure 4, after Gross and Wilber 2016; Jin et al. 2017, "Towards the Automatic Anime Characters Creation
        with Generative Adversarial Networks". SRGAN's activation is a PReLU; the others' is a ReLU.
    """

    def __init__(
        self,
        channels: int,
        *,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation: Callable[[], nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        check_factory("norm", norm)
        check_factory("activation", activation)
        self.channels = channels
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = build_layer("norm", norm, channels)
        self.activation = build_layer("activation", activation)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = build_layer("norm", norm, channels)
        check_out_of_place("activation", self.activation)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` plus its residual."""
        check_maps("x", x, self.channels)
        residual = self.activation(call_layer(self.norm1, self.conv1(x), condition))
        return x + call_layer(self.norm2, self.conv2(residual), condition)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.channels}"
