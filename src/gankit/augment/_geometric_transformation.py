"""The geometric part of StyleGAN2-ADA's augmentation, as one map."""

import math
from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._draws import (
    Strength,
    check_amount,
    check_images,
    happens,
    normal_numbers,
    numbers_for,
    whole_numbers,
)
from gankit.augment._inverse_map import InverseMap, shift, shrink, turn
from gankit.augment._resampled import resampled


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricTransformation:
    """Mirror, turn, move and stretch images, by one map that is drawn for each sample.

    Eight steps in this order, each for its own `probability` of the samples: mirror left to right (or not, equally likely);
    quarter turns, 0 to 3; a move by whole pixels; a stretch; a turn; a stretch of the width against the height; another turn;
    a move by a part of the size. The two turns are so likely that at least one happens with `probability`. With
    `gankit.losses.AdaptiveProbability` as `strength` this is ADA's geometric half; colors stay as they are.

    Where an image is drawn from beyond its border, it is mirrored there. Values between pixels are interpolated linearly;
    where only the mirror, quarter turns of square images and whole moves happen, the pixels are exact copies. See
    `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        flip: Whether images are mirrored.
        quarter_turns: Whether images are turned by right angles; turn it off where up must stay up at all strengths.
        translation: The farthest whole move, as a share of height and width, in 0..1.
        scale: Standard deviation of the stretch's logarithm to base 2, 0 or more.
        rotation: The widest turn either way, as a share of a half turn, in 0..1.
        anisotropy: Standard deviation of the uneven stretch's logarithm to base 2, 0 or more.
        fractional_translation: Standard deviation of the last move, as a share of height and width, 0 or more.
        probability: Share of the samples that each step changes at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out. `draw` is ``(n, 18)``: whether and how far for each step in
        order, where the two moves take one number more, columns before rows.

    Raises:
        ValueError: An argument is out of its range; or, at a call, `images` is no batch of images, `strength` is neither in
            0..1 nor 0-d, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import GeometricTransformation
        >>> draw = torch.full((1, 18), 0.5)
        >>> draw[0, 2:4] = torch.tensor([0.0, 0.25])  # turned once, counterclockwise
        >>> GeometricTransformation(probability=0.4)(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), draw=draw)
        tensor([[[[2., 4.],
                  [1., 3.]]]])

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", appendix B, and its program. That one
        doubles the resolution with a wavelet filter before it interpolates and halves it afterwards, so its images stay a
        little sharper, at several times the work; it reads the device to know how far to pad, which a compiled step cannot.
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
        """How many uniform numbers a sample takes."""
        return 18

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, each changed by the map that its row of the draw says."""
        check_images(images)
        drawn = numbers_for(images, self.numbers, draw, rng)
        height, width = images.shape[2:]
        pixels = self._whole_pixel_map(drawn[:, :7], strength, height, width)
        between = self._continuous_map(drawn[:, 7:], strength, height, width)
        return resampled(images, *pixels.after(between).places(height, width))

    def _whole_pixel_map(self, drawn: torch.Tensor, strength: Strength, height: int, width: int) -> InverseMap:
        """Mirror, quarter turns and whole moves: with cosines that are exact."""
        flip_coin, flip, turn_coin, turns, move_coin, right, down = drawn.unbind(1)
        one = torch.ones_like(flip)
        mirrored = self.flip & happens(flip_coin, self.probability, strength) & (flip >= 0.5)
        quarter = whole_numbers(turns, 4) * (self.quarter_turns & happens(turn_coin, self.probability, strength))
        cosine = (quarter == 0).to(one) - (quarter == 2).to(one)
        sine = (quarter == 1).to(one) - (quarter == 3).to(one)
        moved = happens(move_coin, self.probability, strength) * self.translation
        x = torch.round((2 * right - 1) * moved * width)
        y = torch.round((2 * down - 1) * moved * height)
        return shrink(torch.where(mirrored, -one, one), one).after(turn(cosine, sine)).after(shift(x, y))

    def _continuous_map(self, drawn: torch.Tensor, strength: Strength, height: int, width: int) -> InverseMap:
        """Stretch, turn, uneven stretch, turn, move."""
        scale_coin, scale, turn_coin, angle, uneven_coin, uneven, again_coin, again, move_coin, x, y = drawn.unbind(1)
        stretch = torch.exp2(
            normal_numbers(scale) * self.scale * happens(scale_coin, self.probability, strength)
        ).reciprocal()
        skew = torch.exp2(normal_numbers(uneven) * self.anisotropy * happens(uneven_coin, self.probability, strength))
        moved = happens(move_coin, self.probability, strength) * self.fractional_translation
        return (
            shrink(stretch, stretch)
            .after(self._turn(turn_coin, angle, strength))
            .after(shrink(skew.reciprocal(), skew))
            .after(self._turn(again_coin, again, strength))
            .after(shift(normal_numbers(x) * moved * width, normal_numbers(y) * moved * height))
        )

    def _turn(self, coin: torch.Tensor, uniform: torch.Tensor, strength: Strength) -> InverseMap:
        # Either turn happens with 1 - sqrt(1 - p), so that at least one of the two does with p.
        neither = torch.sqrt((1 - torch.ones_like(coin) * self.probability * strength).clamp(min=0))
        angle = (2 * uniform - 1) * (math.pi * self.rotation) * (coin < 1 - neither)
        return turn(torch.cos(angle), torch.sin(angle))
