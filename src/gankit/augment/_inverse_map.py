"""Affine maps of the plane, one a sample: where a pixel of the new image comes from."""

from typing import NamedTuple

import torch


class InverseMap(NamedTuple):
    """``x_old = xx * x + xy * y + x_shift`` and ``y_old = yx * x + yy * y + y_shift``, in pixels from the image's center.

    Columns of numbers instead of matrices: a matrix product would be rounded to half precision under autocast, and to ten
    bits where TF32 is allowed, which moves pixels.
    """

    xx: torch.Tensor
    xy: torch.Tensor
    x_shift: torch.Tensor
    yx: torch.Tensor
    yy: torch.Tensor
    y_shift: torch.Tensor

    def after(self, step: "InverseMap") -> "InverseMap":
        """Return the map that goes through `step` first; the image goes through `self` first and is changed by `step` then."""
        return InverseMap(
            self.xx * step.xx + self.xy * step.yx,
            self.xx * step.xy + self.xy * step.yy,
            self.xx * step.x_shift + self.xy * step.y_shift + self.x_shift,
            self.yx * step.xx + self.yy * step.yx,
            self.yx * step.xy + self.yy * step.yy,
            self.yx * step.x_shift + self.yy * step.y_shift + self.y_shift,
        )

    def places(self, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return row and column, ``(n, height, width)``, that each pixel of the new image comes from; between pixels too."""
        y_center, x_center = (height - 1) / 2, (width - 1) / 2
        y = (torch.arange(height, device=self.xx.device, dtype=self.xx.dtype) - y_center)[:, None]
        x = torch.arange(width, device=self.xx.device, dtype=self.xx.dtype) - x_center
        xx, xy, x_shift, yx, yy, y_shift = (column[:, None, None] for column in self)
        return yx * x + yy * y + y_shift + y_center, xx * x + xy * y + x_shift + x_center


def shrink(x: torch.Tensor, y: torch.Tensor) -> InverseMap:
    """Stretch the image by the inverse factors: the map multiplies by `x` and `y`."""
    zero = torch.zeros_like(x)
    return InverseMap(x, zero, zero, zero, y, zero)


def turn(cosine: torch.Tensor, sine: torch.Tensor) -> InverseMap:
    """Turn the image counterclockwise by the angle of this cosine and sine."""
    zero = torch.zeros_like(cosine)
    return InverseMap(cosine, -sine, zero, sine, cosine, zero)


def shift(x: torch.Tensor, y: torch.Tensor) -> InverseMap:
    """Move the image to the right by `x` and down by `y` pixels."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return InverseMap(one, zero, -x, zero, one, -y)
