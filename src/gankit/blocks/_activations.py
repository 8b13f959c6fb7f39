"""Rectifiers that waste no work where a gradient is differentiated again."""

import torch
from torch import nn

from gankit._core import check_floating, check_fraction


class ReLU(nn.Module):
    """Keep what is above 0 and set the rest to 0, in a form that a gradient penalty can afford.

    The numbers and gradients of ``nn.ReLU``, at 0 too. A gradient penalty differentiates the backward pass; torch's own
    rectifiers then send a tensor of zeros back through every layer before them, some 2 of the 12 forward passes that a
    WGAN-GP step costs. This form multiplies by a mask that has no derivative, so nothing is sent. It pays in critics
    without normalization (through a norm there is something to send); elsewhere ``nn.ReLU`` needs less memory, since
    this one keeps its mask.

    Never in place. What is not finite stays so: NaN gives NaN, also as a gradient, and -inf gives NaN where torch gives
    0.

    Shape:
        - x: any shape, of floating point.
        - result: the shape of `x`.

    Raises:
        ValueError: `x` is no floating-point tensor.

    Example:
        >>> import torch
        >>> from gankit.blocks import ReLU
        >>> ReLU()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0., 0., 3.])

    Reference:
        Nair and Hinton 2010, "Rectified Linear Units Improve Restricted Boltzmann Machines" (ICML).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` with 0 in place of what is below."""
        return _rectify(x, 0.0)


class LeakyReLU(nn.Module):
    """Keep what is above 0 and shrink the rest, in a form that a gradient penalty can afford.

    The numbers and gradients of ``nn.LeakyReLU``, at 0 too; see `ReLU` for what it saves, and where. In half precision
    the slope is rounded before it multiplies, not only after.

    Args:
        negative_slope: What multiplies the values below 0, in 0..1. 0.2 is the slope of GANs (torch's own default is
            0.01).

    Shape:
        - x: any shape, of floating point.
        - result: the shape of `x`.

    Raises:
        ValueError: `negative_slope` does not lie in 0..1; `x` is no floating-point tensor.

    Example:
        >>> import torch
        >>> from gankit.blocks import LeakyReLU
        >>> LeakyReLU()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.4000,  0.0000,  3.0000])

    Reference:
        Maas, Hannun and Ng 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models"; the slope 0.2:
        Radford, Metz and Chintala 2016 (DCGAN).
    """

    def __init__(self, negative_slope: float = 0.2) -> None:
        super().__init__()
        check_fraction("negative_slope", negative_slope)
        self.negative_slope = negative_slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` with smaller numbers in place of what is below 0."""
        return _rectify(x, self.negative_slope)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"negative_slope={self.negative_slope}"


def _rectify(x: torch.Tensor, slope: float) -> torch.Tensor:
    check_floating("x", x)
    # torch.where says the same more plainly and keeps a smaller mask, but on a CPU it is some fifty times slower, in
    # each of its three passes, than this product.
    return x * x.detach().sign().clamp_(min=slope)
