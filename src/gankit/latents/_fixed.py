"""Latents that can be drawn again one by one."""

import numpy as np
import torch

from gankit._core import Latents, check_at_least
from gankit.latents._arguments import check_scale, check_size, dtype_for


def fixed_latents(
    count: int,
    features: int,
    *,
    seed: int,
    first: int = 0,
    scale: float = 1.0,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Latents:
    """Draw standard normal latents of which number i depends on `seed` and i alone.

    For grids that are compared over training, and for samples that must come out the same whatever the batch size: latent 70
    is the same in a set of 100 as in a set of 50000, in batches of 64 as in batches of 7, on every device. With fewer
    features a latent is the beginning of the longer one. No random state is read or moved.

    Latent i is made of block i of the counter-based generator Philox4x64 with `seed` as its key: the high 52 bits of each
    word, put in the middle of their cell of 0..1, through the inverse of the normal distribution function in float64. They
    are drawn on the host and copied to the device, so make them before the loop and not in a compiled step.

    Args:
        count: How many latents.
        features: Numbers in each.
        seed: Names the set, 0 or more.
        first: Number of the first latent, 0 or more: the set is ``first..first + count - 1``.
        scale: Standard deviation, 0 or more, as in `gankit.latents.normal_latents`.
        device: Where they live; torch's default where None.
        dtype: Floating-point; torch's default where None.

    Shape:
        ``(count, features)``, within 8.21 times `scale`.

    Raises:
        ValueError: `count` or `features` is below 1, `seed`, `first` or `scale` is negative, `seed` takes more than 128 bits or
            numbers of latents more than 64, or `dtype` is no floating-point one.

    Example:
        >>> import torch
        >>> from gankit.latents import fixed_latents
        >>> whole = fixed_latents(100, 64, seed=3)
        >>> torch.equal(whole[70:80], fixed_latents(10, 64, seed=3, first=70))
        True

    Reference:
        Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3" (Philox).
    """
    check_size(count, features)
    check_scale(scale)
    check_at_least("seed", seed, 0)
    check_at_least("first", first, 0)
    if seed >= 2**128:
        raise ValueError(f"seed must be below 2**128, got {seed}")
    if first + count > 2**64:
        raise ValueError(f"first + count must be at most 2**64, got {first + count}")
    chosen = dtype_for(dtype)
    words = np.stack([_words(seed, number, features) for number in range(first, first + count)])
    uniform = ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    normal = torch.special.ndtri(torch.from_numpy(uniform))
    return (scale * normal).to(device=torch.get_default_device() if device is None else device, dtype=chosen)


def _words(seed: int, number: int, features: int) -> np.ndarray:
    # The low 64 bits of the counter run within a latent and the next 64 name it, so that no two latents meet.
    return np.random.Philox(key=seed, counter=number << 64).random_raw(features)
