"""What every augmentation does first: check its images and have its numbers."""

import torch

from gankit._core import (
    check_batch,
    check_finite,
    check_floating,
    check_fraction,
    refuse_both,
    uniform_like,
    values_are_at_hand,
    widen,
)

Strength = float | torch.Tensor


def check_images(images: torch.Tensor) -> None:
    """Refuse what is no batch of images."""
    check_floating("images", images)
    if images.ndim != 4:
        raise ValueError(f"images must have shape (n, channels, height, width), got {tuple(images.shape)}")
    check_batch("images", images)


def numbers_for(
    samples: torch.Tensor, numbers: int, draw: torch.Tensor | None, rng: torch.Generator | None
) -> torch.Tensor:
    """Return the draw, ``(n, numbers)``: the given one, checked, or a fresh one; in float32 or wider.

    Half precision knows only some hundreds of numbers in 0..1, too few to choose a place by.
    """
    shape = (samples.shape[0], numbers)
    if draw is None:
        return uniform_like(samples.new_empty(0, dtype=torch.promote_types(samples.dtype, torch.float32)), shape, rng)
    refuse_both("draw", draw, rng)
    check_floating("draw", draw)
    if tuple(draw.shape) != shape:
        raise ValueError(f"draw must have shape {shape}, {numbers} numbers for each sample, got {tuple(draw.shape)}")
    if draw.device != samples.device:
        raise ValueError(f"draw must be on the device of the samples, {samples.device}, got {draw.device}")
    # Half precision rounds what is just below 1 to 1, which every part here bears; NaN is refused too.
    if values_are_at_hand(draw) and not bool(((draw >= 0) & (draw <= 1)).all()):
        raise ValueError(f"draw must hold numbers from 0 to below 1, got {draw.min():.6g}..{draw.max():.6g}")
    return widen(draw)


def check_amount(name: str, value: float) -> None:
    """Refuse what is not a finite number, 0 or more."""
    check_finite(name, value)
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, got {value!r}")


def check_chance(name: str, value: Strength) -> None:
    """Refuse a number outside 0..1, and a tensor that is not one floating-point number; its value is not read."""
    if not isinstance(value, torch.Tensor):
        if not torch.compiler.is_compiling():  # a number that changes from call to call is traced without its value
            check_fraction(name, value)
        return
    check_floating(name, value)
    if value.ndim != 0:
        raise ValueError(f"{name} must be a number or a 0-d tensor, got shape {tuple(value.shape)}")


def happens(coin: torch.Tensor, probability: float, strength: Strength) -> torch.Tensor:
    """Say for which samples the change happens: never at probability 0, always at 1, as coins are below 1."""
    check_chance("strength", strength)
    return coin < probability * strength


def whole_numbers(uniform: torch.Tensor, count: int) -> torch.Tensor:
    """Turn uniform numbers into whole ones, 0..count - 1, each equally likely."""
    return (uniform * count).long().clamp(0, count - 1)


def normal_numbers(uniform: torch.Tensor) -> torch.Tensor:
    """Turn uniform numbers into standard normal ones, finite at both ends of 0..1."""
    step = 2.0**-24  # the step of torch.rand in float32, so at most 5.4 deviations
    return torch.special.ndtri(uniform.clamp(step / 2, 1 - step))


def spread(values: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Reshape one number a sample so that it multiplies images, in their dtype."""
    return values.reshape(-1, 1, 1, 1).to(images.dtype)
