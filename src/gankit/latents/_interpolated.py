"""What both interpolations ask of their arguments."""

import torch

from gankit._core import check_batch, check_floating, check_same_shape


def check_ends(first: torch.Tensor, second: torch.Tensor) -> None:
    """Refuse two sets of latents that do not match."""
    check_floating("first", first)
    check_floating("second", second)
    check_batch("first", first)
    check_same_shape("second", second, "first", first)


def as_share(share: float | torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Return the share as a tensor that broadcasts against the latents; one number a latent, none a feature."""
    if not isinstance(share, torch.Tensor):
        return first.new_full((), share)
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
    return share.to(first.dtype)
