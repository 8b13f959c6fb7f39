"""The geometric part of StyleGAN2-ADA's augmentation: eight random steps as one affine map, and one resampling."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch

from gankit._core import Images, check_fraction
from gankit.augment._augmentation import Strength, check_amount, check_images, happens, numbers_for, whole_numbers
from gankit.augment._whole_pixels import take_pixels


class _InverseMap(NamedTuple):
    """Affine maps of the plane, one per sample, from a pixel of the new image to its position in the old image.

    ``x_old = xx * x + xy * y + x_shift`` and ``y_old = yx * x + yy * y + y_shift``, in pixels from the image's center. The
    entries are separate tensors: a matrix product would be rounded to half precision under autocast, and to ten bits where
    TF32 is allowed, which moves pixels.
    """

    xx: torch.Tensor
    xy: torch.Tensor
    x_shift: torch.Tensor
    yx: torch.Tensor
    yy: torch.Tensor
    y_shift: torch.Tensor

    def after(self, step: "_InverseMap") -> "_InverseMap":
        """Return the map of an image that is first changed by `self` and then by `step`."""
        return _InverseMap(
            self.xx * step.xx + self.xy * step.yx,
            self.xx * step.xy + self.xy * step.yy,
            self.xx * step.x_shift + self.xy * step.y_shift + self.x_shift,
            self.yx * step.xx + self.yy * step.yx,
            self.yx * step.xy + self.yy * step.yy,
            self.yx * step.x_shift + self.yy * step.y_shift + self.y_shift,
        )

    def places(self, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the source row and column of each pixel, ``(n, height, width)`` each; not always whole numbers."""
        y_center, x_center = (height - 1) / 2, (width - 1) / 2
        y = (torch.arange(height, device=self.xx.device, dtype=self.xx.dtype) - y_center)[:, None]
        x = torch.arange(width, device=self.xx.device, dtype=self.xx.dtype) - x_center
        xx, xy, x_shift, yx, yy, y_shift = (column[:, None, None] for column in self)
        return yx * x + yy * y + y_shift + y_center, xx * x + xy * y + x_shift + x_center


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricTransformation:
    """Mirror, rotate, move and stretch images by one map that is drawn per sample: the geometric augmentations of ADA.

    Eight steps in this order, each with its own `probability`: mirror left to right (or not, equally likely); 0 to 3 quarter
    turns; a move by whole pixels; a stretch; a rotation; a stretch of the width against the height; another rotation; a move
    by a fraction of the size. The two rotations are drawn such that at least one happens with `probability`. With
    `gankit.losses.AdaptiveProbability` as `strength` this is the geometric half of ADA; colors do not change.

    Beyond its border an image is continued by reflection. Values between pixels are interpolated linearly; if only the
    mirror, quarter turns of square images and whole moves happen, the pixels are exact copies. See
    `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        flip: Whether images are mirrored.
        quarter_turns: Whether images are turned by right angles. Turn it off if images must stay upright at all strengths.
        translation: The largest whole move, as a share of height and width, in 0..1.
        scale: Standard deviation of the stretch's logarithm to base 2, 0 or more.
        rotation: The largest rotation in either direction, as a share of a half turn, in 0..1.
        anisotropy: Standard deviation of the logarithm to base 2 of the stretch of width against height, 0 or more.
        fractional_translation: Standard deviation of the last move, as a share of height and width, 0 or more.
        probability: Probability of each step per sample at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same shape out. `draw` is ``(n, 18)``: whether and how far for each
        step in order; the two moves have one more number each, columns before rows.

    Raises:
        ValueError: An argument is out of its range; or, when called, `images` is not a batch of images, `strength` is neither
            in 0..1 nor 0-d, or `draw` has another shape, has a number outside 0..1 or is given with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import GeometricTransformation
        >>> draw = torch.full((1, 18), 0.5)
        >>> draw[0, 2:4] = torch.tensor([0.0, 0.25])  # one quarter turn, counterclockwise
        >>> GeometricTransformation(probability=0.4)(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), draw=draw)
        tensor([[[[2., 4.],
                  [1., 3.]]]])

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (arXiv:2006.06676), appendix B, and
        its program. That program doubles the resolution with a wavelet filter before it interpolates and halves it
        afterwards, so its images stay a little sharper, at several times the cost. It also reads values from the device to
        compute the padding, which a compiled step cannot do.
    """

    flip: bool = True
    quarter_turns: bool = True
    translation: float = 0.125
    scale: float = 0.2
    rotation: float = 1.0
    anisotropy: float = 0.2
    fractional_translation: float = 0.125
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("flip", "quarter_turns"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        check_fraction("translation", self.translation)
        check_amount("scale", self.scale)
        check_fraction("rotation", self.rotation)
        check_amount("anisotropy", self.anisotropy)
        check_amount("fractional_translation", self.fractional_translation)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        return 18

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, each changed by the map of its row of the draw."""
        check_images(images)
        drawn = numbers_for(images, self.numbers, draw, rng)
        height, width = images.shape[2:]
        pixels = self._whole_pixel_map(drawn[:, :7], strength, height, width)
        between = self._continuous_map(drawn[:, 7:], strength, height, width)
        return _resample(images, *pixels.after(between).places(height, width))

    def _whole_pixel_map(self, drawn: torch.Tensor, strength: Strength, height: int, width: int) -> _InverseMap:
        """Mirror, quarter turns and whole moves, with exact cosines."""
        flip_coin, flip, turn_coin, turns, move_coin, right, down = drawn.unbind(1)
        one = torch.ones_like(flip)
        mirrored = self.flip & happens(flip_coin, self.probability, strength) & (flip >= 0.5)
        quarter = whole_numbers(turns, 4) * (self.quarter_turns & happens(turn_coin, self.probability, strength))
        cosine = (quarter == 0).to(one) - (quarter == 2).to(one)
        sine = (quarter == 1).to(one) - (quarter == 3).to(one)
        moves = happens(move_coin, self.probability, strength)
        x = torch.round((2 * right - 1) * self.translation * moves * width)
        y = torch.round((2 * down - 1) * self.translation * moves * height)
        return _shrink(torch.where(mirrored, -one, one), one).after(_rotate(cosine, sine)).after(_shift(x, y))

    def _continuous_map(self, drawn: torch.Tensor, strength: Strength, height: int, width: int) -> _InverseMap:
        """Stretch, rotation, stretch of width against height, rotation, move."""
        scale_coin, scale, turn_coin, angle, uneven_coin, uneven, again_coin, again, move_coin, x, y = drawn.unbind(1)
        stretch = torch.exp2(
            _normal_numbers(scale) * self.scale * happens(scale_coin, self.probability, strength)
        ).reciprocal()
        skew = torch.exp2(_normal_numbers(uneven) * self.anisotropy * happens(uneven_coin, self.probability, strength))
        moves = happens(move_coin, self.probability, strength)
        reach = self.fractional_translation
        return (
            _shrink(stretch, stretch)
            .after(self._turn(turn_coin, angle, strength))
            .after(_shrink(skew.reciprocal(), skew))
            .after(self._turn(again_coin, again, strength))
            .after(_shift(_normal_numbers(x) * reach * moves * width, _normal_numbers(y) * reach * moves * height))
        )

    def _turn(self, coin: torch.Tensor, uniform: torch.Tensor, strength: Strength) -> _InverseMap:
        # Each rotation happens with 1 - sqrt(1 - p), so at least one of the two happens with p.
        neither = torch.sqrt((1 - torch.ones_like(coin) * self.probability * strength).clamp(min=0))
        angle = (2 * uniform - 1) * (math.pi * self.rotation) * (coin < 1 - neither)
        return _rotate(torch.cos(angle), torch.sin(angle))


def _shrink(x: torch.Tensor, y: torch.Tensor) -> _InverseMap:
    """Stretch the image by the inverse factors: the map multiplies by `x` and `y`."""
    zero = torch.zeros_like(x)
    return _InverseMap(x, zero, zero, zero, y, zero)


def _rotate(cosine: torch.Tensor, sine: torch.Tensor) -> _InverseMap:
    """Rotate the image counterclockwise by the angle with this cosine and sine."""
    zero = torch.zeros_like(cosine)
    return _InverseMap(cosine, -sine, zero, sine, cosine, zero)


def _shift(x: torch.Tensor, y: torch.Tensor) -> _InverseMap:
    """Move the image to the right by `x` and down by `y` pixels."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _InverseMap(one, zero, -x, zero, one, -y)


def _normal_numbers(uniform: torch.Tensor) -> torch.Tensor:
    """Map uniform numbers to standard normal ones, finite at both ends of 0..1."""
    step = 2.0**-24  # the step of torch.rand in float32, so at most 5.4 standard deviations
    return torch.special.ndtri(uniform.clamp(step / 2, 1 - step))


def _resample(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Read each image at these positions, ``(n, height, width)``, by linear interpolation between the four nearest pixels.

    Beyond the border the image is reflected in its outermost pixels, repeatedly if necessary. At whole positions the result
    is exactly the pixel. Linear in the images, so it can be differentiated twice; positions get no gradient.
    """
    height, width = images.shape[2:]
    top, left = rows.floor(), columns.floor()
    down, right = ((rows - top).to(images.dtype).unsqueeze(1), (columns - left).to(images.dtype).unsqueeze(1))
    above, below = (_mirrored(top.long() + step, height) * width for step in (0, 1))
    before, behind = (_mirrored(left.long() + step, width) for step in (0, 1))
    upper = take_pixels(images, above + before) * (1 - right) + take_pixels(images, above + behind) * right
    lower = take_pixels(images, below + before) * (1 - right) + take_pixels(images, below + behind) * right
    return upper * (1 - down) + lower * down


def _mirrored(places: torch.Tensor, length: int) -> torch.Tensor:
    """Fold whole positions into 0..length - 1 by reflection: -1 becomes 1, ``length`` becomes ``length - 2``."""
    period = max(2 * (length - 1), 1)
    folded = places % period
    return torch.minimum(folded, period - folded)
