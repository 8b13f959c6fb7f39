"""Checks and defaults that all draws of latents share."""

import torch

from gankit._core import check_at_least, check_finite


def check_size(count: int, features: int) -> None:
    """Refuse sizes that are no whole numbers, or below 1."""
    check_at_least("count", count, 1)
    check_at_least("features", features, 1)


def check_scale(scale: float) -> None:
    """Refuse what is not a finite number, 0 or more."""
    check_finite("scale", scale)
    if scale < 0:
        raise ValueError(f"scale must be 0 or more, got {scale!r}")


def device_for(rng: torch.Generator | None, device: torch.device | str | None) -> torch.device | None:
    """Return the device asked for; the generator's own where none is; None for torch's default."""
    if rng is not None and not isinstance(rng, torch.Generator):
        raise ValueError(f"rng must be a torch.Generator, got {rng!r}")
    if rng is None:
        return None if device is None else torch.device(device)
    if device is None:
        return rng.device
    chosen = torch.device(device)
    if chosen.type != rng.device.type:
        raise ValueError(f"rng must live on the device of the latents, {chosen}, got one on {rng.device}")
    return chosen


def dtype_for(dtype: torch.dtype | None) -> torch.dtype:
    """Return the dtype asked for, or torch's default; a floating-point one."""
    chosen = torch.get_default_dtype() if dtype is None else dtype
    if not isinstance(chosen, torch.dtype) or not chosen.is_floating_point:
        raise ValueError(f"dtype must be a floating-point dtype, got {chosen!r}")
    return chosen
