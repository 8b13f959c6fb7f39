"""Latents for images that are compared: a set that is the same every time, and grids of conditions by latents."""

import numpy as np
import torch

from gankit._core import Latents, check_at_least, check_batch, check_floating
from gankit.latents._draws import check_scale, check_size, dtype_for


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
    """Draw standard normal latents such that number i depends only on `seed` and i.

    For grids that are compared over training, and for samples that must not depend on the batch size: latent 70 is the same
    in a set of 100 as in a set of 50000, in batches of 64 as in batches of 7, on every device. A latent with fewer features
    is the beginning of the longer one. No random state is read or changed.

    Latent i is made from block i of the counter-based generator Philox4x64 with `seed` as its key: the high 52 bits of each
    word, as the middle of their cell of 0..1, through the inverse of the normal distribution function in float64. They are
    drawn on the host and copied to the device, so make them before the training loop and not in a compiled step.

    Args:
        count: Number of latents.
        features: Number of features per latent.
        seed: Identifies the set, 0 or more.
        first: Number of the first latent, 0 or more: the set is ``first..first + count - 1``.
        scale: Standard deviation, 0 or more, as in `gankit.latents.normal_latents`.
        device: Device of the latents. Default: torch's default device.
        dtype: A floating-point dtype. Default: torch's default dtype.

    Shape:
        ``(count, features)``, within 8.21 times `scale`.

    Raises:
        ValueError: `count` or `features` is below 1, `seed`, `first` or `scale` is negative, `seed` needs more than 128 bits
            or the numbers of latents more than 64, or `dtype` is not a floating-point dtype.

    Example:
        >>> import torch
        >>> from gankit.latents import fixed_latents
        >>> whole = fixed_latents(100, 64, seed=3)
        >>> torch.equal(whole[70:80], fixed_latents(10, 64, seed=3, first=70))
        True

    Reference:
        Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3" (Philox, doi:10.1145/2063384.2063405).
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
    # The low 64 bits of the counter run within a latent and the next 64 are its number, so two latents never overlap.
    numbers = range(first, first + count)
    words = np.stack([np.random.Philox(key=seed, counter=number << 64).random_raw(features) for number in numbers])
    uniform = ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    normal = torch.special.ndtri(torch.from_numpy(uniform))
    return (scale * normal).to(device=torch.get_default_device() if device is None else device, dtype=chosen)


def across_conditions(latents: Latents, conditions: torch.Tensor) -> tuple[Latents, torch.Tensor]:
    """Pair every latent with every condition, for a grid with one condition per row and one latent per column.

    Image ``row * len(latents) + column`` has condition ``row`` and latent ``column``. If the images of a column are similar
    and differ only in the condition, the generator separates variety and condition. If the images of a row are similar, it
    ignores its latents.

    Args:
        latents: The columns.
        conditions: The rows: class ids, one-hot rows, vectors, any tensor with the condition on the first axis.

    Shape:
        `latents` ``(columns, features)`` and `conditions` ``(rows, ...)`` in; latents ``(rows * columns, features)`` and
        conditions ``(rows * columns, ...)`` out.

    Raises:
        ValueError: Either is empty or not a tensor, or `latents` is not floating-point.

    Example:
        >>> import torch
        >>> from gankit.latents import across_conditions, fixed_latents
        >>> latents, labels = across_conditions(fixed_latents(3, 100, seed=0), torch.tensor([5, 7]))
        >>> labels
        tensor([5, 5, 5, 7, 7, 7])
        >>> torch.equal(latents[0], latents[3])
        True

    Reference:
        Mirza and Osindero 2014, "Conditional Generative Adversarial Nets" (arXiv:1411.1784), figure 2 (rows by
        condition).
    """
    check_floating("latents", latents)
    check_batch("latents", latents)
    if not isinstance(conditions, torch.Tensor):
        raise ValueError(f"conditions must be a tensor, got {type(conditions).__name__}")
    check_batch("conditions", conditions)
    rows, columns = conditions.shape[0], latents.shape[0]
    return latents.repeat(rows, *(1,) * (latents.ndim - 1)), conditions.repeat_interleave(columns, dim=0)
