"""Images made brighter or darker."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._draws import Strength, check_amount, check_images, happens, numbers_for, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    """Add one number to all pixels of an image, drawn evenly from ``-amount`` to ``amount``.

    Nothing is cut off at the ends of the images' range, so that the gradient lives everywhere. Wrong where the condition
    names a color: the critic would be told that a picture shows what it no longer shows. See
    `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        amount: The greatest change, 0 or more, in the images' own units: the default is a quarter of the range -1..1, so
            halve it for images in 0..1.
        probability: Share of the samples that are changed at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out; no range is enforced. `draw` is ``(n, 2)``: whether, how much.

    Raises:
        ValueError: `amount` is negative, or `probability` lies outside 0..1; or, at a call, `images` is no batch of images,
            `strength` is neither in 0..1 nor 0-d, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Brightness
        >>> Brightness()(torch.zeros(1, 1, 1, 2), draw=torch.tensor([[0.0, 0.75]]))
        tensor([[[[0.2500, 0.2500]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training";
        the default is its program's.
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
        """Return images, each brightened or darkened as its row of the draw says."""
        check_images(images)
        coin, uniform = numbers_for(images, self.numbers, draw, rng).unbind(1)
        change = (2 * uniform - 1) * self.amount * happens(coin, self.probability, strength)
        return images + spread(change, images)
