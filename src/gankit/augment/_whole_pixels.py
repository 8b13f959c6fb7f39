"""Augmentations that move, mirror or remove whole pixels: translation, cutout and horizontal flip."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._augmentation import Strength, check_images, happens, numbers_for, whole_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """Move each image by a whole number of pixels vertically and horizontally, and fill the free pixels with zeros.

    The two distances are drawn independently, uniformly from ``-reach..reach``, where ``reach`` is `ratio` times the height
    or width, rounded. Zero is medium gray for images in -1..1 and black for images in 0..1. See
    `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        ratio: The largest distance, as a share of height and of width, in 0..1.
        probability: Probability of the change per sample at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same shape out. `draw` is ``(n, 3)``: whether, rows down, columns
        right.

    Raises:
        ValueError: `ratio` or `probability` is not in 0..1; or, when called, `images` is not a batch of images, `strength` is
            neither in 0..1 nor 0-d, or `draw` has another shape, has a number outside 0..1 or is given with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Translation
        >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> Translation(ratio=0.5)(image, draw=torch.tensor([[0.0, 0.5, 0.9]]))  # not down, one pixel to the right
        tensor([[[[0., 1.],
                  [0., 3.]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738 (ratio 1/8).
        Some versions of the authors' program round the reach, as here, and others round it down, which differs if an
        eighth of the side is not a whole number. What they call x is the height.
    """

    ratio: float = 0.125
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the two numbers."""
        check_fraction("ratio", self.ratio)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        return 3

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, each moved by its row of the draw."""
        check_images(images)
        coin, down, right = numbers_for(images, self.numbers, draw, rng).unbind(1)
        moved = happens(coin, self.probability, strength)
        rows, row_inside = self._sources(down, moved, images.shape[2])
        columns, column_inside = self._sources(right, moved, images.shape[3])
        pixels = take_pixels(images, rows[:, :, None] * images.shape[3] + columns[:, None, :])
        inside = row_inside[:, :, None] & column_inside[:, None, :]
        return torch.where(inside.unsqueeze(1), pixels, 0)

    def _sources(self, uniform: torch.Tensor, moved: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """For each position along an axis: the source position of its pixel, and whether that is inside the image."""
        reach = int(self.ratio * length + 0.5)
        offsets = (whole_numbers(uniform, 2 * reach + 1) - reach) * moved
        places = torch.arange(length, device=uniform.device) - offsets[:, None]
        # Positions outside wrap around and are masked: no pixel is taken twice, so its gradient needs no sum.
        return places % length, (places >= 0) & (places < length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """Set a rectangle of each image to zero, in all channels.

    Its center is uniform over all pixels of the image, and the part beyond the border is cut off: at a corner about a quarter
    of the rectangle is left. See `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        ratio: Height and width of the rectangle as a share of the image's, in 0..1, rounded to whole pixels.
        probability: Probability of the change per sample at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same shape out. `draw` is ``(n, 3)``: whether, row and column of the
        center.

    Raises:
        ValueError: As `gankit.augment.Translation`.

    Example:
        >>> import torch
        >>> from gankit.augment import Cutout
        >>> Cutout(ratio=0.3)(torch.ones(1, 1, 3, 3), draw=torch.tensor([[0.0, 0.4, 0.9]]))
        tensor([[[[1., 1., 1.],
                  [1., 1., 0.],
                  [1., 1., 1.]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738 (ratio 1/2),
        and its program, where an even size has one more position: half of the rectangle comes before the center, which
        may be one step past the last pixel. Projected GAN cuts a fifth. StyleGAN2-ADA also draws centers between
        pixels.
    """

    ratio: float = 0.5
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the two numbers."""
        check_fraction("ratio", self.ratio)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        return 3

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, each with the rectangle of its row of the draw set to zero."""
        check_images(images)
        coin, row, column = numbers_for(images, self.numbers, draw, rng).unbind(1)
        rows = self._covered(row, images.shape[2])[:, :, None]
        columns = self._covered(column, images.shape[3])[:, None, :]
        hole = rows & columns & happens(coin, self.probability, strength)[:, None, None]
        return torch.where(hole.unsqueeze(1), 0, images)

    def _covered(self, uniform: torch.Tensor, length: int) -> torch.Tensor:
        """Which positions along an axis the rectangle covers."""
        size = int(self.ratio * length + 0.5)
        start = whole_numbers(uniform, length + 1 - size % 2) - size // 2
        within = torch.arange(length, device=uniform.device) - start[:, None]
        return (within >= 0) & (within < size)


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalFlip:
    """Mirror images left to right.

    With the default probability both orientations are equally likely, as in StyleGAN2-ADA at full strength. The generator
    then learns faces that look either way. Leave it out if the condition names a side, or if images contain letters. See
    `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        probability: Probability of the change per sample at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same shape out. `draw` is ``(n, 1)``: whether.

    Raises:
        ValueError: As `gankit.augment.Translation`.

    Example:
        >>> import torch
        >>> from gankit.augment import HorizontalFlip
        >>> HorizontalFlip()(torch.tensor([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), draw=torch.tensor([[0.4], [0.6]]))
        tensor([[[[2., 1.]]],
        <BLANKLINE>
        <BLANKLINE>
                [[[3., 4.]]]])

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (arXiv:2006.06676), appendix B.
        There a sample is chosen with the adaptive probability and then mirrored or not with equal probability: the same
        distribution.
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        """Check the probability."""
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        return 1

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, mirrored where the row of the draw says so."""
        check_images(images)
        mirrored = happens(numbers_for(images, self.numbers, draw, rng)[:, 0], self.probability, strength)
        return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def take_pixels(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return images whose pixel (i, j) is pixel number ``places[n, i, j]`` of sample n, counted row by row.

    A gather, since ``torch.nn.functional.grid_sample`` has no second derivative in older versions of torch. Images in
    channels-last memory format stay in it.
    """
    if images.is_contiguous() or not images.is_contiguous(memory_format=torch.channels_last):
        index = places.flatten(1).unsqueeze(1).expand(-1, images.shape[1], -1)
        return images.flatten(2).gather(2, index).unflatten(2, places.shape[1:])
    index = places.flatten(1).unsqueeze(2).expand(-1, -1, images.shape[1])
    pixels = images.movedim(1, -1).flatten(1, 2).gather(1, index)
    return pixels.unflatten(1, places.shape[1:]).movedim(-1, 1)
