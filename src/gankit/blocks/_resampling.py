"""Twice as large, or half as large, without parameters."""

import torch
from torch import nn
from torch.nn import functional

from gankit.blocks._maps import check_even, check_maps


class OfEachChannel:
    """Empty marker of resampling by weights that add to 1, the same for each channel.

    It may trade places with a 1x1 convolution: the result is the same, and the convolution sees fewer pixels.
    """


class NearestUpsample(nn.Module, OfEachChannel):
    """Double height and width by repeating every pixel.

    What generators of WGAN-GP, SNGAN and BigGAN do. `MeanDownsample` undoes it exactly.

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
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs" (the residual generators' code).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at twice the resolution."""
        check_maps("x", x, None)
        return functional.interpolate(x, scale_factor=2, mode="nearest")


class BilinearUpsample(nn.Module, OfEachChannel):
    """Double height and width by linear interpolation between the centers of pixels.

    Smoother than `NearestUpsample`. Pixels are areas, so the picture does not shift: ``align_corners=False``, and the
    border repeats. The mimicry library upsamples so, where WGAN-GP, SNGAN and BigGAN repeat pixels.

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
        Odena, Dumoulin and Olah 2016, "Deconvolution and Checkerboard Artifacts" (resize, then convolve).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at twice the resolution."""
        check_maps("x", x, None)
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class MeanDownsample(nn.Module, OfEachChannel):
    """Halve height and width by the mean of every 2 x 2 pixels.

    The same numbers as ``nn.AvgPool2d(2)`` up to rounding, made of reshapes and additions. That matters under a
    gradient penalty: the double backward of torch's pooling sends a tensor of zeros through the layers before it, a
    whole backward pass of waste, and this form does not. A channels-last input gives a channels-last result, in the
    backward pass too.

    Shape:
        - x: ``(n, channels, height, width)``, height and width even.
        - result: ``(n, channels, height / 2, width / 2)``.

    Raises:
        ValueError: `x` is not a batch of maps, or height or width is odd (torch's pooling drops the last row).

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample
        >>> MeanDownsample()(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
        tensor([[[[3.]]]])

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs" (mean pooling in the residual critics' code).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` at half the resolution."""
        check_maps("x", x, None)
        check_even(x)
        if x.is_contiguous():
            return _sum_pairs(_sum_pairs(x, 2), 3) * 0.25
        # With channels innermost in memory the backward pass stacks its pieces in that order too.
        return (_sum_pairs(_sum_pairs(x.movedim(1, -1), 1), 2) * 0.25).movedim(-1, 1)


def _sum_pairs(x: torch.Tensor, axis: int) -> torch.Tensor:
    # A mean over the reshaped axes says the same in one call, but torch's CPU reduction is some thirty times slower
    # here than this addition, and it forgets the memory format.
    even, odd = x.unflatten(axis, (-1, 2)).unbind(axis + 1)
    return even + odd
