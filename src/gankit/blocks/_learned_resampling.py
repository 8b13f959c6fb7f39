"""Convolutions that double or halve height and width."""

import torch
from torch import nn
from torch.nn import functional

from gankit._core import check_at_least
from gankit.blocks._maps import check_even, check_maps


class TransposedUpsample(nn.Module):
    """Double height and width by a transposed 4x4 convolution, the upsampling of DCGAN.

    The kernel size is a multiple of the stride, so every pixel of the result is a sum of equally many terms and the
    network does not start with a checkerboard.

    Args:
        channels: Channels of the input and of the result.

    Shape:
        - x: ``(n, channels, height, width)``.
        - result: ``(n, channels, 2 * height, 2 * width)``.

    Raises:
        ValueError: `channels` is below 1; `x` has another shape.

    Example:
        >>> import torch
        >>> from gankit.blocks import TransposedUpsample
        >>> TransposedUpsample(5)(torch.randn(2, 5, 3, 7)).shape
        torch.Size([2, 5, 6, 14])

    Reference:
        Radford, Metz and Chintala 2016 (DCGAN, arXiv:1511.06434); Odena, Dumoulin and Olah 2016, "Deconvolution and
        Checkerboard Artifacts" (doi:10.23915/distill.00003), on kernels and strides.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        self.channels = channels
        self.convolution = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1)
        # Four of the sixteen taps contribute to each pixel of the result.
        _start_with_variance_(self.convolution, 4 * channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at twice the resolution."""
        check_maps("x", x, self.channels)
        return self.convolution(x)


class SubPixelUpsample(nn.Module):
    """Double height and width by a 3x3 convolution that computes the four new pixels of each pixel as channels.

    The weights of the four new pixels start equal, so a new layer is a convolution followed by `NearestUpsample`;
    independent random weights would start with a checkerboard.

    Args:
        channels: Channels of the input and of the result.

    Shape:
        - x: ``(n, channels, height, width)``.
        - result: ``(n, channels, 2 * height, 2 * width)``.

    Raises:
        ValueError: `channels` is below 1; `x` has another shape.

    Example:
        >>> import torch
        >>> from gankit.blocks import SubPixelUpsample
        >>> SubPixelUpsample(5)(torch.randn(2, 5, 3, 7)).shape
        torch.Size([2, 5, 6, 14])

    Reference:
        Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
        Neural Network" (CVPR, arXiv:1609.05158); the initialization: Aitken et al. 2017, "Checkerboard artifact free
        sub-pixel convolution" (arXiv:1707.02937).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        self.channels = channels
        self.convolution = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        _start_with_variance_(self.convolution, 9 * channels)
        with torch.no_grad():
            # The four new pixels of one channel are neighboring channels of the convolution's result.
            self.convolution.weight.copy_(self.convolution.weight[::4].repeat_interleave(4, dim=0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at twice the resolution."""
        check_maps("x", x, self.channels)
        return self.shuffle(self.convolution(x))


class StridedDownsample(nn.Module):
    """Halve height and width by a 4x4 convolution of stride 2, the downsampling of DCGAN's critic.

    Args:
        channels: Channels of the input and of the result.

    Shape:
        - x: ``(n, channels, height, width)``, height and width even.
        - result: ``(n, channels, height / 2, width / 2)``.

    Raises:
        ValueError: `channels` is below 1; `x` has another shape, or its height or width is odd (a convolution would
            ignore the last row).

    Example:
        >>> import torch
        >>> from gankit.blocks import StridedDownsample
        >>> StridedDownsample(5)(torch.randn(2, 5, 4, 14)).shape
        torch.Size([2, 5, 2, 7])

    Reference:
        Springenberg et al. 2015, "Striving for Simplicity: The All Convolutional Net" (arXiv:1412.6806); Radford, Metz
        and Chintala 2016 (DCGAN, arXiv:1511.06434).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        self.channels = channels
        self.convolution = nn.Conv2d(channels, channels, 4, stride=2, padding=1)
        _start_with_variance_(self.convolution, 16 * channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at half the resolution."""
        check_maps("x", x, self.channels)
        check_even(x)
        return self.convolution(x)


class UpsampledConv2d(nn.Conv2d):
    """Repeat every pixel, then convolve by 3x3, in one transposed convolution with 4/9 of the multiplications.

    It computes what ``NearestUpsample()`` followed by ``nn.Conv2d(in_channels, out_channels, 3, padding=1)`` computes, up to
    rounding, with the same weights: the state of either loads into the other. Each pixel of the result sees only 2 x 2
    pixels of the input, so the taps of the kernel that fall on the same pixel are added first. The large picture between
    the two is never stored.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        bias: Whether a bias is added.

    Shape:
        - x: ``(n, in_channels, height, width)``.
        - result: ``(n, out_channels, 2 * height, 2 * width)``.

    Raises:
        ValueError: A number of channels is below 1; `x` has another shape.

    Example:
        >>> import torch
        >>> from gankit.blocks import NearestUpsample, UpsampledConv2d
        >>> layer, x = UpsampledConv2d(3, 5), torch.randn(2, 3, 4, 7)
        >>> slow = torch.nn.functional.conv2d(NearestUpsample()(x), layer.weight, layer.bias, padding=1)
        >>> torch.testing.assert_close(layer(x), slow)

    Reference:
        Karras et al. 2018, "Progressive Growing of GANs" (ICLR, arXiv:1710.10196), whose program calls it a fused
        ``upscale2d_conv2d`` and uses it for large pictures only.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        check_at_least("in_channels", in_channels, 1)
        check_at_least("out_channels", out_channels, 1)
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the convolution of `x` at twice the resolution."""
        check_maps("x", x, self.in_channels)
        kernel = _summed_taps(self.weight).transpose(0, 1).flip(2, 3)
        return functional.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


class PooledConv2d(nn.Conv2d):
    """Convolve by 3x3, then take the mean of every 2 x 2 pixels, in one strided convolution with 4/9 of the multiplications.

    It computes what ``nn.Conv2d(in_channels, out_channels, 3, padding=1)`` followed by ``MeanDownsample()`` computes, up to
    rounding, with the same weights: the state of either loads into the other.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        bias: Whether a bias is added.

    Shape:
        - x: ``(n, in_channels, height, width)``, height and width even.
        - result: ``(n, out_channels, height / 2, width / 2)``.

    Raises:
        ValueError: A number of channels is below 1; `x` has another shape, or its height or width is odd.

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample, PooledConv2d
        >>> layer, x = PooledConv2d(3, 5), torch.randn(2, 3, 4, 6)
        >>> slow = MeanDownsample()(torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=1))
        >>> torch.testing.assert_close(layer(x), slow)

    Reference:
        Karras et al. 2018, "Progressive Growing of GANs" (ICLR, arXiv:1710.10196), whose program calls it a fused
        ``conv2d_downscale2d``.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        check_at_least("in_channels", in_channels, 1)
        check_at_least("out_channels", out_channels, 1)
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the convolution of `x` at half the resolution."""
        check_maps("x", x, self.in_channels)
        check_even(x)
        return functional.conv2d(x, 0.25 * _summed_taps(self.weight), self.bias, stride=2, padding=1)


def _summed_taps(weight: torch.Tensor) -> torch.Tensor:
    """Return the 4x4 kernel that a 3x3 kernel and a mean (or repetition) of 2 x 2 pixels make together, times 4."""
    padded = functional.pad(weight, (1, 1, 1, 1))
    rows = padded[..., :-1, :] + padded[..., 1:, :]
    return rows[..., :-1] + rows[..., 1:]


def _start_with_variance_(layer: nn.Conv2d | nn.ConvTranspose2d, contributions: int) -> None:
    """Initialize the layer so that a sum of this many independent inputs has their variance."""
    bound = (3 / contributions) ** 0.5
    nn.init.uniform_(layer.weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
