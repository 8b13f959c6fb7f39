"""Images moved by whole pixels."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._draws import Strength, check_images, happens, numbers_for, whole_numbers
from gankit.augment._pixels import take_pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """Move each image by whole pixels, up or down and left or right, and fill what comes free with zeros.

    Each direction is drawn apart, every distance from ``-reach`` to ``reach`` equally likely, where ``reach`` is `ratio`
    times the height or width, rounded. Zero is mid-gray where images lie in -1..1, black where they lie in 0..1. See
    `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        ratio: The farthest move, as a share of height and of width, in 0..1.
        probability: Share of the samples that are moved at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out. `draw` is ``(n, 3)``: whether, rows down, columns right.

    Raises:
        ValueError: `ratio` or `probability` lies outside 0..1; or, at a call, `images` is no batch of images, `strength` is
            neither in 0..1 nor 0-d, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Translation
        >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> Translation(ratio=0.5)(image, draw=torch.tensor([[0.0, 0.5, 0.9]]))  # not down, one pixel to the right
        tensor([[[[0., 1.],
                  [0., 3.]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (ratio 1/8).
        Versions of the authors' program round the reach, as here, or round it down: different where an eighth of the side is
        no whole number. What they call x is the height.
    """

    ratio: float = 0.125
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
        """Return images, each moved as its row of the draw says."""
        check_images(images)
        coin, down, right = numbers_for(images, self.numbers, draw, rng).unbind(1)
        moved = happens(coin, self.probability, strength)
        rows, row_inside = self._sources(down, moved, images.shape[2])
        columns, column_inside = self._sources(right, moved, images.shape[3])
        pixels = take_pixels(images, rows[:, :, None] * images.shape[3] + columns[:, None, :])
        inside = row_inside[:, :, None] & column_inside[:, None, :]
        return torch.where(inside.unsqueeze(1), pixels, 0)

    def _sources(self, uniform: torch.Tensor, moved: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """For each place along an axis: the place that its pixel comes from, and whether that lies in the image."""
        reach = int(self.ratio * length + 0.5)
        offsets = (whole_numbers(uniform, 2 * reach + 1) - reach) * moved
        places = torch.arange(length, device=uniform.device) - offsets[:, None]
        # Places outside wrap around and are masked, so that no pixel is taken twice and its gradient needs no sum.
        return places % length, (places >= 0) & (places < length)
