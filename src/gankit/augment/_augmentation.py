"""The contract of an augmentation, several in sequence, and the checks and draws that all of them share."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch

from gankit._core import (
    Images,
    check_batch,
    check_finite,
    check_floating,
    check_fraction,
    refuse_both,
    uniform_like,
    values_are_readable,
    widen,
)

Strength = float | torch.Tensor


@runtime_checkable
class Augmentation(Protocol):
    """A random, differentiable change of images; the same draw always makes the same change.

    Any object with `numbers` and this call is an augmentation; a base class is not needed. `gankit.augment.Composed` applies
    several in sequence.

    **What must be augmented.** Every image that the critic scores: real images, generated images in the critic's update, and
    generated images in the generator's update. If only real images are augmented, the generator learns to generate augmented
    images.

    **One draw for real and fake.** Each call takes a fresh draw, so real sample i and fake sample i are changed differently,
    as in the published programs. To change both in the same way, draw once and pass the draw to both calls::

        draw = torch.rand(len(real), augment.numbers, device=real.device)
        real, fake = augment(real, draw=draw), augment(fake, draw=draw)

    The draw has one row of `numbers` uniform numbers per sample: row i belongs to sample i, and a test can replay it.

    **Penalties.** A penalty applies to the function and the points that it is given. ``penalty(critic, augment(real))`` takes
    the gradient with respect to the augmented image. ``penalty(lambda x: critic(augment(x)), real)`` takes the gradient with
    respect to the plain image, through a fresh draw, as StyleGAN2-ADA does for R1; pixels that were cut out or moved out of
    the image have gradient 0. Every augmentation here can be differentiated twice, so both work.

    **Conditions.** An augmentation must not change what the condition describes. `gankit.augment.Saturation`,
    `gankit.augment.Brightness` and `gankit.augment.Contrast` are wrong if the condition names a color; a horizontal flip is
    wrong if the condition names a side.

    Example:
        >>> import torch
        >>> from gankit.augment import Augmentation, Translation
        >>> class Negative:
        ...     numbers = 1
        ...     def __call__(self, images, *, strength=1.0, draw=None, rng=None):
        ...         coin = torch.rand(len(images), 1, generator=rng) if draw is None else draw
        ...         return torch.where(coin[:, :, None, None] < strength, -images, images)
        >>> isinstance(Negative(), Augmentation), isinstance(Translation(), Augmentation)
        (True, True)

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738); Karras
        et al. 2020, "Training Generative Adversarial Networks with Limited Data" (arXiv:2006.06676), section 2 (which
        augmentations leak into the generated images, and why a probability below 1 prevents it); Zhao et al. 2020,
        "Image Augmentations for GAN Training", arXiv:2006.02595 (real images only).
    """

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw."""
        ...

    def __call__(
        self,
        images: Images,
        *,
        strength: float | torch.Tensor = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return changed images.

        Args:
            images: ``(n, channels, height, width)``.
            strength: Factor on every probability, in 0..1: a number, or a 0-d tensor that is never read on the host, such as
                an adaptive probability. With 0 the images are returned unchanged.
            draw: ``(n, numbers)`` uniform numbers, 0 or more and below 1. Default: ``torch.rand(n, numbers)``.
            rng: Generator for `draw`, on the images' device. Default: the device's default generator.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Apply several augmentations in sequence, each with its own columns of one draw, as DiffAugment does.

    DiffAugment without colors is ``Composed(parts=(Translation(), Cutout()))``. The result is an augmentation too, so it can
    be a part of another. See `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        parts: The augmentations, in the order in which they are applied; a tuple with at least one entry.

    Shape:
        Images ``(n, channels, height, width)`` in; the same shape out if the parts keep it. `draw` is ``(n, numbers)`` with
        the parts' columns side by side, in order.

    Raises:
        ValueError: `parts` is empty, not a tuple, or holds something that is not an augmentation; or, when called, a part
            refuses its images or `strength`, or `draw` has another shape, has a number outside 0..1 or is given with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import Composed, Cutout, HorizontalFlip, Translation
        >>> augment = Composed(parts=(Translation(), Cutout(), HorizontalFlip()))
        >>> real, fake = torch.randn(5, 3, 32, 32), torch.randn(5, 3, 32, 32)
        >>> draw = torch.rand(5, augment.numbers)
        >>> same_change = augment(real, draw=draw), augment(fake, draw=draw)

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738 (its
        policies).
    """

    parts: tuple[Augmentation, ...]

    def __post_init__(self) -> None:
        """Check that there is at least one part, and that each is an augmentation."""
        if not isinstance(self.parts, tuple) or not self.parts:
            raise ValueError(f"parts must be a tuple of at least one augmentation, got {self.parts!r}")
        for part in self.parts:
            if isinstance(part, type) or not callable(part) or not isinstance(getattr(part, "numbers", None), int):
                raise ValueError(
                    f"parts must hold augmentations, such as Translation(), with an integer `numbers`, got {part!r}"
                )

    @property
    def numbers(self) -> int:
        """Number of uniform numbers per sample in a draw, the sum over the parts."""
        return sum(part.numbers for part in self.parts)

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images changed by each part in order; `strength` multiplies the probabilities of all parts."""
        check_images(images)
        drawn = numbers_for(images, self.numbers, draw, rng)
        ends = [0]
        for part in self.parts:
            ends.append(ends[-1] + part.numbers)
        for part, (start, end) in zip(self.parts, pairwise(ends), strict=True):
            images = part(images, strength=strength, draw=drawn[:, start:end])
        return images


def check_images(images: torch.Tensor) -> None:
    """Refuse anything but a non-empty batch of images."""
    check_floating("images", images)
    if images.ndim != 4:
        raise ValueError(f"images must have shape (n, channels, height, width), got {tuple(images.shape)}")
    check_batch("images", images)


def numbers_for(
    samples: torch.Tensor, numbers: int, draw: torch.Tensor | None, rng: torch.Generator | None
) -> torch.Tensor:
    """Return the given draw, checked, or a fresh one: ``(n, numbers)`` in float32 or wider.

    Half precision has only some hundreds of numbers in 0..1, too few to choose a position with.
    """
    shape = (samples.shape[0], numbers)
    if draw is None:
        return uniform_like(samples.new_empty(0, dtype=torch.promote_types(samples.dtype, torch.float32)), shape, rng)
    refuse_both("draw", draw, rng)
    check_floating("draw", draw)
    if tuple(draw.shape) != shape:
        raise ValueError(f"draw must have shape {shape}, {numbers} numbers per sample, got {tuple(draw.shape)}")
    if draw.device != samples.device:
        raise ValueError(f"draw must be on the device of the samples, {samples.device}, got {draw.device}")
    # 1 itself is accepted: half precision rounds numbers just below 1 to 1, and every part accepts it. NaN is refused.
    if values_are_readable(draw) and not bool(((draw >= 0) & (draw <= 1)).all()):
        raise ValueError(f"draw must hold numbers from 0 to below 1, got {draw.min():.6g}..{draw.max():.6g}")
    return widen(draw)


def check_amount(name: str, value: float) -> None:
    """Refuse anything but a finite number, 0 or more."""
    check_finite(name, value)
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, got {value!r}")


def check_chance(name: str, value: Strength) -> None:
    """Refuse a number outside 0..1, and a tensor that is not one floating-point number; a tensor's value is not read."""
    if not isinstance(value, torch.Tensor):
        if not torch.compiler.is_compiling():  # a number that changes between calls is traced without its value
            check_fraction(name, value)
        return
    check_floating(name, value)
    if value.ndim != 0:
        raise ValueError(f"{name} must be a number or a 0-d tensor, got shape {tuple(value.shape)}")


def happens(coin: torch.Tensor, probability: float, strength: Strength) -> torch.Tensor:
    """Return which samples are changed: none with probability 0, all with probability 1, since coins are below 1."""
    check_chance("strength", strength)
    return coin < probability * strength


def whole_numbers(uniform: torch.Tensor, count: int) -> torch.Tensor:
    """Map uniform numbers to whole numbers 0..count - 1, each equally likely."""
    return (uniform * count).long().clamp(0, count - 1)
