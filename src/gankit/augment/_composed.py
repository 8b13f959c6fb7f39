"""Several augmentations in order."""

from dataclasses import dataclass
from itertools import pairwise

import torch

from gankit._core import Images
from gankit.augment._augmentation import Augmentation
from gankit.augment._draws import Strength, check_images, numbers_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Apply several augmentations one after the other, each with its own part of one draw.

    DiffAugment without colors is ``Composed(parts=(Translation(), Cutout()))``. The result is an augmentation again: it can
    be a part of another. See `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        parts: The augmentations, in the order in which they act; a tuple, at least one.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out where the parts keep the shape. `draw` is ``(n, numbers)``
        with the parts' columns side by side, in order.

    Raises:
        ValueError: `parts` is empty, no tuple, or holds something that is no augmentation; or, at a call, a part refuses its
            images or `strength`, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Composed, Cutout, HorizontalFlip, Translation
        >>> augment = Composed(parts=(Translation(), Cutout(), HorizontalFlip()))
        >>> real, fake = torch.randn(5, 3, 32, 32), torch.randn(5, 3, 32, 32)
        >>> draw = torch.rand(5, augment.numbers)
        >>> alike = augment(real, draw=draw), augment(fake, draw=draw)

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (its policies).
    """

    parts: tuple[Augmentation, ...]

    def __post_init__(self) -> None:
        """Check that there are parts, and that each is an augmentation."""
        if not isinstance(self.parts, tuple) or not self.parts:
            raise ValueError(f"parts must be a tuple of at least one augmentation, got {self.parts!r}")
        for part in self.parts:
            if isinstance(part, type) or not callable(part) or not isinstance(getattr(part, "numbers", None), int):
                raise ValueError(
                    f"parts must hold augmentations, such as Translation(), which say how many numbers they take, got {part!r}"
                )

    @property
    def numbers(self) -> int:
        """How many uniform numbers a sample takes, those of all parts together."""
        return sum(part.numbers for part in self.parts)

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, changed by each part in order; `strength` multiplies the probabilities of all."""
        check_images(images)
        drawn = numbers_for(images, self.numbers, draw, rng)
        ends = [0]
        for part in self.parts:
            ends.append(ends[-1] + part.numbers)
        for part, (start, end) in zip(self.parts, pairwise(ends), strict=True):
            images = part(images, strength=strength, draw=drawn[:, start:end])
        return images
