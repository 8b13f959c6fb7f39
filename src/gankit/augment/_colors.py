"""Augmentations of colors: brightness, contrast and saturation, each a random linear change per sample."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._augmentation import Strength, check_amount, check_images, happens, numbers_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    r"""Add one number to all pixels of an image, drawn uniformly from ``-amount..amount``.

    .. math:: y = x + a\,(2u - 1), \qquad a = \text{amount}

    with u uniform in 0..1. The result is not clipped to the images' range, so every pixel has a gradient. Wrong if the
    condition names a color: the critic would see the condition with an image that no longer matches it. See
    `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        amount: The largest change, 0 or more, in the units of the images. The default is a quarter of the range -1..1; halve
            it for images in 0..1.
        probability: Probability of the change per sample at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same shape out; no range is enforced. `draw` is ``(n, 2)``: whether,
        how much.

    Raises:
        ValueError: `amount` is negative, or `probability` is not in 0..1; or, when called, `images` is not a batch of
            images, `strength` is neither in 0..1 nor 0-d, or `draw` has another shape, has a number outside 0..1 or is given
            with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Brightness
        >>> Brightness()(torch.zeros(1, 1, 1, 2), draw=torch.tensor([[0.0, 0.75]]))
        tensor([[[[0.2500, 0.2500]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738); the default
        is from its program.
    """

    amount: float = 0.5
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the two numbers."""
        check_amount("amount", self.amount)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        return 2

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images with the brightness of each changed by its row of the draw."""
        check_images(images)
        coin, uniform = numbers_for(images, self.numbers, draw, rng).unbind(1)
        change = (2 * uniform - 1) * self.amount * happens(coin, self.probability, strength)
        return images + _per_image(change, images)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    r"""Multiply the difference from an image's mean by a factor, drawn uniformly from ``1 - amount..1 + amount``.

    .. math:: y = \bar x + (1 + a\,(2u - 1))\,(x - \bar x), \qquad a = \text{amount}

    The mean :math:`\bar x` is one number per image, over channels and pixels; u is uniform in 0..1. Wrong if the condition
    names a color, as `gankit.augment.Brightness` is. See `gankit.augment.Augmentation` for what to augment, shared draws and
    penalties.

    Args:
        amount: The largest change of the factor, 0 or more; above 1 the factor can be negative and invert an image.
        probability: Probability of the change per sample at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same shape out; no range is enforced. `draw` is ``(n, 2)``: whether,
        how much.

    Raises:
        ValueError: As `gankit.augment.Brightness`.

    Example:
        >>> import torch
        >>> from gankit.augment import Contrast
        >>> Contrast()(torch.tensor([[[[1.0, 3.0]]]]), draw=torch.tensor([[0.0, 0.0]]))
        tensor([[[[1.5000, 2.5000]]]])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738); the default,
        factors from 0.5 to 1.5, is from its program.
    """

    amount: float = 0.5
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the two numbers."""
        check_amount("amount", self.amount)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        return 2

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images with the contrast of each changed by its row of the draw."""
        check_images(images)
        coin, uniform = numbers_for(images, self.numbers, draw, rng).unbind(1)
        change = (2 * uniform - 1) * self.amount * happens(coin, self.probability, strength)
        return images + _per_image(change, images) * (images - images.mean(dim=(1, 2, 3), keepdim=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    r"""Multiply each pixel's difference from gray by a factor, drawn uniformly from ``1 - amount..1 + amount``.

    .. math:: y = \bar x + (1 + a\,(2u - 1))\,(x - \bar x), \qquad a = \text{amount}

    with the mean :math:`\bar x` of the channels of each pixel and u uniform in 0..1.

    Gray is the plain mean of a pixel's channels, so an image with one channel does not change. Wrong if the condition names a
    color, as `gankit.augment.Brightness` is. See `gankit.augment.Augmentation` for what to augment, shared draws and
    penalties.

    Args:
        amount: The largest change of the factor, 0 or more; above 1 the factor can be negative and turn colors into their
            complements.
        probability: Probability of the change per sample at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same shape out; no range is enforced. `draw` is ``(n, 2)``: whether,
        how much.

    Raises:
        ValueError: As `gankit.augment.Brightness`.

    Example:
        >>> import torch
        >>> from gankit.augment import Saturation
        >>> image = torch.tensor([1.0, 0.0, -1.0]).reshape(1, 3, 1, 1)
        >>> Saturation()(image, draw=torch.tensor([[0.0, 0.25]])).flatten()  # half the color
        tensor([ 0.5000,  0.0000, -0.5000])

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738); the default,
        factors from 0 to 2, is from its program.
    """

    amount: float = 1.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the two numbers."""
        check_amount("amount", self.amount)
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        return 2

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images with the saturation of each changed by its row of the draw."""
        check_images(images)
        coin, uniform = numbers_for(images, self.numbers, draw, rng).unbind(1)
        change = (2 * uniform - 1) * self.amount * happens(coin, self.probability, strength)
        return images + _per_image(change, images) * (images - images.mean(dim=1, keepdim=True))


def _per_image(values: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Reshape one number per sample so that it multiplies images, in their dtype."""
    return values.reshape(-1, 1, 1, 1).to(images.dtype)
