"""Images given more or less contrast."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._draws import Strength, check_amount, check_images, happens, numbers_for, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Multiply the distance from an image's mean by a factor, drawn evenly from ``1 - amount`` to ``1 + amount``.

    The mean is one number an image, over channels and pixels. Wrong where the condition names a color: the critic would
    be told that a picture shows what it no longer shows. See `gankit.augment.Augmentation` for what to augment, shared
    draws and penalties.

    Args:
        amount: The greatest change of the factor, 0 or more; above 1 it can turn an image into its negative.
        probability: Share of the samples that are changed at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out; no range is enforced. `draw` is ``(n, 2)``: whether, how much.

    Raises:
        ValueError: `amount` is negative, or `probability` lies outside 0..1; or, at a call, `images` is no batch of images,
            `strength` is neither in 0..1 nor 0-d, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Contrast
        >>> Contrast()(torch.tensor([[[[1.0, 3.0]]]]), draw=torch.tensor([[0.0, 0.0]]))
        tensor([[[[1.5000, 2.5000]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training";
        the default, factors from 0.5 to 1.5, is its program's.
    """

    amount: float = 0.5
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the two numbers."""
        check_amount("amount", self.amount)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """How many uniform numbers a sample takes."""
        return 2

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, each heightened or flattened as its row of the draw says."""
        check_images(images)
        coin, uniform = numbers_for(images, self.numbers, draw, rng).unbind(1)
        change = (2 * uniform - 1) * self.amount * happens(coin, self.probability, strength)
        return images + spread(change, images) * (images - images.mean(dim=(1, 2, 3), keepdim=True))
