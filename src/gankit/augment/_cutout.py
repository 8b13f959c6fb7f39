"""A rectangle of each image set to zero."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._draws import Strength, check_images, happens, numbers_for, whole_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """Set a rectangle of each image to zero, over all channels.

    Its center lies anywhere in the image, every place equally likely, and what hangs over the border is cut off: at a corner
    about a quarter of the rectangle is left. See `gankit.augment.Augmentation` for what to augment, shared draws
    and penalties.

    Args:
        ratio: Height and width of the rectangle as a share of the image's, in 0..1, rounded to whole pixels.
        probability: Share of the samples that are cut at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out. `draw` is ``(n, 3)``: whether, row and column of the center.

    Raises:
        ValueError: `ratio` or `probability` lies outside 0..1; or, at a call, `images` is no batch of images, `strength` is
            neither in 0..1 nor 0-d, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Cutout
        >>> Cutout(ratio=0.3)(torch.ones(1, 1, 3, 3), draw=torch.tensor([[0.0, 0.4, 0.9]]))
        tensor([[[[1., 1., 1.],
                  [1., 1., 0.],
                  [1., 1., 1.]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (ratio 1/2), and its
        program, where an even size has one place more: half of it lies before the center, which may be one step past the last
        pixel. Projected GAN cuts a fifth. StyleGAN2-ADA draws the center between pixels too.
    """

    ratio: float = 0.5
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the two numbers."""
        check_fraction("ratio", self.ratio)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """How many uniform numbers a sample takes."""
        return 3

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, each with the hole that its row of the draw says."""
        check_images(images)
        coin, row, column = numbers_for(images, self.numbers, draw, rng).unbind(1)
        rows = self._covered(row, images.shape[2])[:, :, None]
        columns = self._covered(column, images.shape[3])[:, None, :]
        hole = rows & columns & happens(coin, self.probability, strength)[:, None, None]
        return torch.where(hole.unsqueeze(1), 0, images)

    def _covered(self, uniform: torch.Tensor, length: int) -> torch.Tensor:
        """Which places along an axis the rectangle covers."""
        size = int(self.ratio * length + 0.5)
        start = whole_numbers(uniform, length + 1 - size % 2) - size // 2
        within = torch.arange(length, device=uniform.device) - start[:, None]
        return (within >= 0) & (within < size)
