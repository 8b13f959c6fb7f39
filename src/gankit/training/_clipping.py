"""Gradients clipped by their norm, without waiting for the device."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from gankit._core import Scalar, check_positive, see_failures
from gankit.training._finite import NonFiniteError, moved
from gankit.training._ranks import is_sharded, own_piece, whole

EPSILON = 1e-6
"""What ``torch.nn.utils.clip_grad_norm_`` adds to the norm."""
LEAST = torch.finfo(torch.float32).tiny
"""Under this a factor may become 0 in float32, and no weight would move."""


def check_max_norm(max_norm: float | None) -> None:
    """Refuse what is neither None nor a finite number above 0 that float32 can hold."""
    if max_norm is not None:
        check_positive("max_norm", max_norm)
        if max_norm < LEAST:
            raise ValueError(
                f"max_norm must be at least {LEAST:.3g}, the smallest normal number of float32, got {max_norm!r}"
            )


def total_norm(gradients: Sequence[torch.Tensor]) -> Scalar:
    """Return the Euclidean norm of all gradients together, in float32 or wider, on the first one's device.

    The pieces of sharded gradients count as the whole: every rank must call it.

    Raises:
        ValueError: A gradient is sparse.
    """
    groups: dict[Any, list[torch.Tensor]] = {}
    for gradient in gradients:
        if gradient.layout is not torch.strided:
            raise ValueError(f"gradients must be dense to be clipped, got one of layout {gradient.layout}")
        groups.setdefault(_kind(gradient), []).append(gradient)
    home = gradients[0].device
    norms = [moved(_norm(group), home) for group in groups.values()]
    return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(_promoted(norms)))


def shrink_(gradients: Sequence[torch.Tensor], norm: Scalar, max_norm: float) -> None:
    """Multiply gradients in place so that their norm is at most `max_norm`; a norm that is not finite changes nothing."""
    factor = (max_norm / (norm + EPSILON)).clamp(max=1.0)
    factor = torch.where(norm.isfinite(), factor, 1.0)
    groups: dict[torch.device, list[torch.Tensor]] = {}
    for gradient in gradients:
        groups.setdefault(gradient.device, []).append(own_piece(gradient))
    for device, group in groups.items():
        torch._foreach_mul_(group, moved(factor, device))


def is_not_finite(norm: Scalar) -> Scalar:
    """Return 1.0 if the norm is NaN or infinite, else 0.0; it may be infinite though every gradient is finite."""
    return norm.isfinite().logical_not().to(torch.float32)


def refuse_infinite(norm: Scalar) -> None:
    """Raise if the norm of finite gradients is infinite. Reads its value: for the CPU only.

    Raises:
        NonFiniteError: The squares add up to more than the dtype holds.
    """
    if not math.isfinite(float(norm)):
        raise NonFiniteError(
            f"the step was refused, since the norm of the gradients is {float(norm)} though each of them is finite; no weight "
            f"was changed; {see_failures('nan')}"
        )


def _kind(gradient: torch.Tensor) -> Any:
    """Return what gradients have in common whose norm is computed together."""
    if not is_sharded(gradient):
        return gradient.device, gradient.dtype
    pieces: Any = gradient
    return gradient.dtype, id(pieces.device_mesh), pieces.placements


def _norm(group: list[torch.Tensor]) -> Scalar:
    dtype = torch.promote_types(group[0].dtype, torch.float32)
    if is_sharded(group[0]):
        norms = [torch.linalg.vector_norm(gradient.to(dtype)) for gradient in group]
        return whole(torch.linalg.vector_norm(torch.stack(norms)))
    norms = torch._foreach_norm(group, 2, dtype=dtype)  # noqa: SLF001 (as torch.nn.utils.get_total_norm does)
    return torch.linalg.vector_norm(torch.stack(norms))


def _promoted(norms: Sequence[Scalar]) -> list[Scalar]:
    dtype = torch.float64 if any(norm.dtype == torch.float64 for norm in norms) else torch.float32
    return [norm.to(dtype) for norm in norms]
