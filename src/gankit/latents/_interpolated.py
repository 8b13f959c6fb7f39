"""What both interpolations ask of their arguments."""

import torch

from gankit._core import check_batch, check_finite, check_floating, check_same_shape


def check_ends(first: torch.Tensor, second: torch.Tensor) -> None:
    """Refuse two sets of latents that do not match."""
    check_floating("first", first)
    check_floating("second", second)
    check_batch("first", first)
    check_same_shape("second", second, "first", first)


def as_share(share: float | torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Return the share as a tensor that broadcasts against the latents; one number a latent, none a feature.

    In float32 or wider, whatever the latents: bfloat16 knows a tenth to three digits only.
    """
    wide = torch.promote_types(first.dtype, torch.float32)
    if not isinstance(share, torch.Tensor):
        if not torch.compiler.is_compiling():  # a traced number has no value yet
            check_finite("share", share)
        return first.new_full((), share, dtype=wide)
    check_floating("share", share)
    if share.ndim and share.shape[-1] != 1:
        raise ValueError(
            f"share must be a number, or have a last axis of size 1, not one share a feature, got shape {tuple(share.shape)}"
        )
    try:
        torch.broadcast_shapes(share.shape, first.shape)
    except RuntimeError as error:
        raise ValueError(
            f"share must broadcast against latents of shape {tuple(first.shape)}, got {tuple(share.shape)}"
        ) from error
    return share.to(wide)
