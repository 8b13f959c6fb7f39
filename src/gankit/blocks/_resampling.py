"""Layers without parameters that double or halve height and width."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from gankit._core import check_at_least
from gankit.blocks._maps import check_even, check_maps


class OfEachChannel(nn.Module):
    """Resampling by weights that sum to 1 and are the same for each channel.

    Such a layer may swap places with a 1x1 convolution: the result is the same, and the convolution has fewer pixels.
    """

    def __init__(self) -> None:
        super().__init__()


class NearestUpsample(OfEachChannel):
    """Double height and width by repeating every pixel, as the generators of WGAN-GP, SNGAN and BigGAN do.

    `MeanDownsample` undoes it exactly.

    Shape:
        - x: ``(n, channels, height, width)``.
        - result: ``(n, channels, 2 * height, 2 * width)``.

    Raises:
        ValueError: `x` is not a batch of maps.

    Example:
        >>> import torch
        >>> from gankit.blocks import NearestUpsample
        >>> NearestUpsample()(torch.tensor([[[[1.0, 2.0]]]]))
        tensor([[[[1., 1., 2., 2.],
                  [1., 1., 2., 2.]]]])

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv:1704.00028 (the residual generators'
        code).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at twice the resolution."""
        check_maps("x", x, None)
        return functional.interpolate(x, scale_factor=2, mode="nearest")


class BilinearUpsample(OfEachChannel):
    """Double height and width by linear interpolation between the centers of pixels.

    It is smoother than `NearestUpsample`. Pixels are treated as areas (``align_corners=False``), so the picture does not
    shift, and the border is repeated. The mimicry library uses it where WGAN-GP, SNGAN and BigGAN repeat pixels.

    Shape:
        - x: ``(n, channels, height, width)``.
        - result: ``(n, channels, 2 * height, 2 * width)``.

    Raises:
        ValueError: `x` is not a batch of maps.

    Example:
        >>> import torch
        >>> from gankit.blocks import BilinearUpsample
        >>> BilinearUpsample()(torch.tensor([[[[0.0, 4.0]]]]))
        tensor([[[[0., 1., 3., 4.],
                  [0., 1., 3., 4.]]]])

    Reference:
        Odena, Dumoulin and Olah 2016, "Deconvolution and Checkerboard Artifacts", doi:10.23915/distill.00003 (resize,
        then convolve).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at twice the resolution."""
        check_maps("x", x, None)
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class MeanDownsample(OfEachChannel):
    """Halve height and width by the mean of every 2 x 2 pixels.

    The result is that of ``nn.AvgPool2d(2)`` up to rounding, computed by reshapes and additions. Under a gradient penalty
    this saves work: the double backward of torch's pooling sends a tensor of zeros through all earlier layers, which takes as
    long as a whole backward pass; this form does not. A channels-last input gives a channels-last result, in the backward
    pass too.

    Shape:
        - x: ``(n, channels, height, width)``, height and width even.
        - result: ``(n, channels, height / 2, width / 2)``.

    Raises:
        ValueError: `x` is not a batch of maps, or height or width is odd (torch's pooling ignores the last row).

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample
        >>> MeanDownsample()(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
        tensor([[[[3.]]]])

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv:1704.00028 (mean pooling in the residual
        critics' code).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at half the resolution."""
        check_maps("x", x, None)
        check_even(x)
        if x.is_contiguous():
            return _sum_pairs(_sum_pairs(x, 2), 3) * 0.25
        # With channels innermost in memory, the backward pass stacks its pieces in that order too.
        return (_sum_pairs(_sum_pairs(x.movedim(1, -1), 1), 2) * 0.25).movedim(-1, 1)


def _sum_pairs(x: torch.Tensor, axis: int) -> torch.Tensor:
    # A mean over the reshaped axes would be one call, but torch's CPU reduction is about thirty times slower here than
    # this addition, and it loses the memory format.
    even, odd = x.unflatten(axis, (-1, 2)).unbind(axis + 1)
    return even + odd


class BlurUpsample(OfEachChannel):
    """Repeat every pixel, then blur: upsampling without visible edges between the old pixels.

    One pass of the blur spreads each pixel by the binomial filter [1, 3, 3, 1] in height and in width, two passes by
    [1, 5, 10, 10, 5, 1]; each pass brings the filter closer to a Gaussian. With one pass the result is that of
    `BilinearUpsample`. The layer is four times the adjoint of `BlurDownsample`.

    Args:
        passes: How often the filter [1, 2, 1] / 4 is applied to the large picture.

    Shape:
        - x: ``(n, channels, height, width)``.
        - result: ``(n, channels, 2 * height, 2 * width)``.

    Raises:
        ValueError: `passes` is below 1; `x` is not a batch of maps.

    Example:
        >>> import torch
        >>> from gankit.blocks import BlurUpsample
        >>> BlurUpsample()(torch.tensor([[[[0.0, 4.0]]]]))
        tensor([[[[0., 1., 3., 4.],
                  [0., 1., 3., 4.]]]])

    Reference:
        Zhang 2019, "Making Convolutional Networks Shift-Invariant Again" (ICML, arXiv:1904.11486); Karras et al. 2019
        and 2020 (StyleGAN 1 and 2, arXiv:1812.04948 and arXiv:1912.04958), whose filter is the same. They pad with
        zeros, which darkens the border; here the border is mirrored, so that a constant stays constant. R3GAN's code
        names the filter [1, 2, 1] and convolves it with [1, 1] when used.
    """

    def __init__(self, passes: int = 1) -> None:
        super().__init__()
        check_at_least("passes", passes, 1)
        self.passes = passes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at twice the resolution."""
        check_maps("x", x, None)
        # Repeating pixels and blurring once is bilinear interpolation, which torch does in one call.
        return _blur(functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False), self.passes - 1)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"passes={self.passes}"


class BlurDownsample(OfEachChannel):
    """Blur, then take the mean of every 2 x 2 pixels: downsampling with little aliasing.

    With one pass of the blur the weights are the binomial filter [1, 3, 3, 1] in height and in width, with two passes
    [1, 5, 10, 10, 5, 1]. Like `MeanDownsample` it is computed by additions and is as cheap under a gradient penalty.

    Args:
        passes: As in `BlurUpsample`.

    Shape:
        - x: ``(n, channels, height, width)``, height and width even.
        - result: ``(n, channels, height / 2, width / 2)``.

    Raises:
        ValueError: `passes` is below 1; `x` is not a batch of maps, or height or width is odd.

    Example:
        >>> import torch
        >>> from gankit.blocks import BlurDownsample
        >>> BlurDownsample()(torch.tensor([[[[0.0, 0.0, 8.0, 8.0], [0.0, 0.0, 8.0, 8.0]]]]))
        tensor([[[[1., 7.]]]])

    Reference:
        Zhang 2019, "Making Convolutional Networks Shift-Invariant Again" (ICML, arXiv:1904.11486); Karras et al. 2020
        (StyleGAN 2, arXiv:1912.04958). Both take every second pixel of a picture blurred by the whole filter, which is
        the same. Borders are mirrored here.
    """

    def __init__(self, passes: int = 1) -> None:
        super().__init__()
        check_at_least("passes", passes, 1)
        self.passes = passes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at half the resolution."""
        check_maps("x", x, None)
        check_even(x)
        return _along_both_axes(_halve_along, _blur(x, self.passes - 1))

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"passes={self.passes}"


def _blur(x: torch.Tensor, passes: int) -> torch.Tensor:
    for _ in range(passes):
        x = _along_both_axes(_blur_along, x)
    return x


def _along_both_axes(work: Callable[[torch.Tensor, int], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    if x.is_contiguous():
        return work(work(x, 2), 3)
    # With channels innermost in memory, the pieces are joined in that order too.
    return work(work(x.movedim(1, -1), 1), 2).movedim(-1, 1)


# A pixel at the border is its own neighbor: the picture is mirrored there, which makes the blur its own adjoint.


def _blur_along(x: torch.Tensor, axis: int) -> torch.Tensor:
    return 0.5 * x + 0.25 * (_neighbors(x, x, axis, before=True) + _neighbors(x, x, axis, before=False))


def _halve_along(x: torch.Tensor, axis: int) -> torch.Tensor:
    """Apply [1, 3, 3, 1] / 8 around every pair of pixels: a blur and the mean of pairs in one step, at half the size."""
    even, odd = x.unflatten(axis, (-1, 2)).unbind(axis + 1)
    around = _neighbors(even, odd, axis, before=True) + _neighbors(odd, even, axis, before=False)
    return torch.add(around, even + odd, alpha=3) * 0.125


def _neighbors(own: torch.Tensor, neighbor: torch.Tensor, axis: int, *, before: bool) -> torch.Tensor:
    """Return the neighbor before or after each pixel; at the border, where there is none, the pixel itself."""
    size = own.shape[axis]
    if before:
        return torch.cat((own.narrow(axis, 0, 1), neighbor.narrow(axis, 0, size - 1)), axis)
    return torch.cat((neighbor.narrow(axis, 1, size - 1), own.narrow(axis, size - 1, 1)), axis)
