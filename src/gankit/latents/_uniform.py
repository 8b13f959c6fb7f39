"""Uniform noise."""

import torch

from gankit._core import Latents, check_finite, random_tensor
from gankit.latents._arguments import check_size, device_for, dtype_for


def uniform_latents(
    count: int,
    features: int,
    *,
    low: float = -1.0,
    high: float = 1.0,
    rng: torch.Generator | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Latents:
    """Draw independent uniform numbers from `low` to `high`, the noise of the first DCGANs.

    The numbers are ``low + (high - low) * torch.rand(count, features)``. Latents of many features lie near the corners of
    their cube, so walk between them along straight lines, not along a sphere.

    Args:
        count: How many latents.
        features: Numbers in each.
        low: Least value.
        high: Greatest value, above `low`; reached by rounding only.
        rng: Where they are drawn from, on their device; the default generator where None.
        device: Where they live: the generator's device, or torch's default, where None.
        dtype: Floating-point; torch's default where None.

    Shape:
        ``(count, features)``, in ``low..high``.

    Raises:
        ValueError: `count` or `features` is below 1, `low` is not below `high`, `rng` lives on another device, or `dtype` is
            no floating-point one.

    Example:
        >>> import torch
        >>> from gankit.latents import uniform_latents
        >>> uniform_latents(64, 100, rng=torch.Generator().manual_seed(7)).abs().max() <= 1
        tensor(True)

    Reference:
        Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
        Networks", section 4 (uniform noise of 100 features).
    """
    check_size(count, features)
    check_finite("low", low)
    check_finite("high", high)
    if low >= high:
        raise ValueError(f"low must be below high, got {low!r} and {high!r}")
    drawn = random_tensor(torch.rand, (count, features), rng, device=device_for(rng, device), dtype=dtype_for(dtype))
    return low + (high - low) * drawn
