"""Residual blocks that keep the number of channels and the size of a map."""

from collections.abc import Callable

import torch
from torch import nn

from gankit._core import (
    Condition,
    Conditioned,
    build_layer,
    check_at_least,
    check_out_of_place,
    check_positive,
)
from gankit.blocks._activations import LeakyReLU
from gankit.blocks._maps import check_maps
from gankit.blocks._sequential import call_layer


class SRResNetBlock(nn.Module, Conditioned):
    """Add to the input a residual: convolution, norm, activation, convolution, norm. The sum is not activated.

    Many of these at one resolution are the middle part of SRGAN's generator, of MakeGirlsMoe's and, with instance norm,
    of StarGAN's.

    Args:
        channels: Channels of the input and of the result.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for no norm. A norm that derives from
            `Conditioned` gets the condition.
        activation: Builds an activation; it must not work in place.

    Shape:
        - x: ``(n, channels, height, width)``; never changed.
        - condition: ``(n, condition_features)``, needed if `norm` uses it and ignored otherwise.
        - result: the shape of `x`.

    Raises:
        ValueError: `channels` is below 1; `norm` or `activation` is not a callable that builds a layer; the activation
            works in place; `x` has another shape; a norm needs a condition and gets none.

    Example:
        >>> import torch
        >>> from gankit.blocks import SRResNetBlock
        >>> SRResNetBlock(8)(torch.randn(2, 8, 5, 7)).shape
        torch.Size([2, 8, 5, 7])

    Reference:
        Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network" (CVPR,
        arXiv:1609.04802), figure 4, after Gross and Wilber 2016, "Training and investigating residual nets"
        (http://torch.ch/blog/2016/02/04/resnets.html); Jin et al. 2017, "Towards the Automatic Anime Characters Creation
        with Generative Adversarial Networks" (arXiv:1708.05509). SRGAN's activation is a PReLU; the others' is a ReLU.
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


class BottleneckBlock(nn.Module):
    """Add to the input a residual: a 1x1 convolution to more channels, a grouped 3x3 one, and a 1x1 one back.

    This is an inverted bottleneck without norms. The first two convolutions have a bias and are followed by an
    activation. The last one has neither and its weights start at 0, so a new block is the identity and a deep network
    starts like a shallow one. The initialization replaces the norms: weights of the first two convolutions are drawn from
    N(0, s^2 / inputs) with ``s = gain * depth**(-1/4)``. They are smaller in networks of many blocks, which limits how
    fast the sum of all residuals grows.

    Resampling and changes of channels belong between such blocks, not inside them.

    Args:
        channels: Channels of the input and of the result.
        cardinality: Groups of the 3x3 convolution; must divide ``channels * expansion``.
        expansion: Ratio of the hidden channels to `channels`.
        activation: Builds an activation; it must not work in place. Default: `LeakyReLU` with slope 0.2, in the form that
            saves work under gradient penalties, two of which R3GAN uses.
        gain: Factor of the weights that makes up for the activation's loss of standard deviation. The default
            ``(2 / (1 + 0.2**2))**0.5`` is for the default activation (for a ReLU: ``2**0.5``).
        depth: Number of such blocks in the whole network.

    Shape:
        - x: ``(n, channels, height, width)``; never changed.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1, or `cardinality` does not divide the hidden channels; `gain` is not above 0;
            `activation` is not a callable that builds a layer, or works in place; `x` has another shape.

    Example:
        >>> import torch
        >>> from gankit.blocks import BottleneckBlock
        >>> block, x = BottleneckBlock(8, 4, depth=16), torch.randn(2, 8, 5, 7)
        >>> torch.equal(block(x), x)
        True

    Reference:
        Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline" (NeurIPS, arXiv:2501.05441),
        section 4 and the authors' code; the initialization: Zhang et al. 2019, "Fixup Initialization" (ICLR,
        arXiv:1901.09321), with m = 3 convolutions, so the factor is ``depth**(-1 / (2 * m - 2))``. The biases belong to the
        convolutions; the authors' code has them in its activations.
    """

    def __init__(
        self,
        channels: int,
        cardinality: int,
        *,
        expansion: int = 2,
        activation: Callable[[], nn.Module] = LeakyReLU,
        gain: float = (2 / (1 + 0.2**2)) ** 0.5,
        depth: int = 1,
    ) -> None:
        super().__init__()
        for name, size in (
            ("channels", channels),
            ("cardinality", cardinality),
            ("expansion", expansion),
            ("depth", depth),
        ):
            check_at_least(name, size, 1)
        check_positive("gain", gain)
        inside = channels * expansion
        if inside % cardinality:
            raise ValueError(f"cardinality must divide channels * expansion = {inside}, got {cardinality}")
        self.channels = channels
        self.conv1 = nn.Conv2d(channels, inside, 1)
        self.activation1 = build_layer("activation", activation)
        self.conv2 = nn.Conv2d(inside, inside, 3, padding=1, groups=cardinality)
        self.activation2 = build_layer("activation", activation)
        self.conv3 = nn.Conv2d(inside, channels, 1, bias=False)
        check_out_of_place("activation", self.activation2)
        for layer in (self.conv1, self.conv2):
            _start_(layer, gain * depth**-0.25)
        nn.init.zeros_(self.conv3.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` plus its residual."""
        check_maps("x", x, self.channels)
        inside = self.activation1(self.conv1(x))
        return x + self.conv3(self.activation2(self.conv2(inside)))

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.channels}"


def _start_(layer: nn.Conv2d, gain: float) -> None:
    nn.init.normal_(layer.weight, std=gain / layer.weight[0].numel() ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
