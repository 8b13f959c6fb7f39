"""Images made more or less colorful."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._draws import Strength, check_amount, check_images, happens, numbers_for, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """Multiply each pixel's distance from gray by a factor, drawn evenly from ``1 - amount`` to ``1 + amount``.

    Gray is the plain mean of a pixel's channels; an image of one channel stays as it is. Wrong where the condition names
    a color: the critic would be told that a picture shows what it no longer shows. See `gankit.augment.Augmentation` for
    what to augment, shared draws and penalties.

    Args:
        amount: The greatest change of the factor, 0 or more; above 1 it can turn colors into their opposites.
        probability: Share of the samples that are changed at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out; no range is enforced. `draw` is ``(n, 2)``: whether, how much.

    Raises:
        ValueError: `amount` is negative, or `probability` lies outside 0..1; or, at a call, `images` is no batch of images,
            `strength` is neither in 0..1 nor 0-d, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Saturation
        >>> image = torch.tensor([1.0, 0.0, -1.0]).reshape(1, 3, 1, 1)
        >>> Saturation()(image, draw=torch.tensor([[0.0, 0.25]])).flatten()  # half the color
        tensor([ 0.5000,  0.0000, -0.5000])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training";
        the default, factors from 0 to 2, is its program's.
    """

    amount: float = 1.0
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
        """Return images, each colored or grayed as its row of the draw says."""
        check_images(images)
        coin, uniform = numbers_for(images, self.numbers, draw, rng).unbind(1)
        change = (2 * uniform - 1) * self.amount * happens(coin, self.probability, strength)
        return images + spread(change, images) * (images - images.mean(dim=1, keepdim=True))
