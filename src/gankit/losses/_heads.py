"""Class heads come as one tensor of logits or as several; this is where both become the same thing."""

from collections.abc import Sequence
from typing import TypeAlias

import torch

from gankit._core import Scalar, check_batch, check_finite, check_floating
from gankit.losses._objective import widen

Heads: TypeAlias = torch.Tensor | Sequence[torch.Tensor]


def as_heads(logits: Heads) -> tuple[torch.Tensor, ...]:
    """One tensor of logits or a sequence of them, as a checked tuple in float32 or wider."""
    heads = as_tuple("logits", logits)
    for index, one in enumerate(heads):
        name = "logits" if len(heads) == 1 else f"logits[{index}]"
        check_floating(name, one)
        check_batch(name, one)
        if one.ndim != 2:
            raise ValueError(f"{name} must have shape (n, classes), got {tuple(one.shape)}")
        if len(one) != len(heads[0]):
            raise ValueError(f"{name} must hold as many samples as the first head, {len(heads[0])}, got {len(one)}")
    return tuple(widen(one) for one in heads)


def as_tuple(name: str, value: Heads) -> tuple[torch.Tensor, ...]:
    """A tensor, or a sequence with at least one entry, as a tuple."""
    if isinstance(value, torch.Tensor):
        return (value,)
    if not isinstance(value, Sequence) or not value:
        raise ValueError(f"{name} must be a tensor or a sequence of tensors, one a head, got {value!r}")
    return tuple(value)


def weighted_sum(losses: Sequence[Scalar], weights: Sequence[float] | None) -> Scalar:
    """Sum over heads, each with its weight; None stands for 1 each."""
    if weights is None:
        return torch.stack(list(losses)).sum()
    if not isinstance(weights, Sequence) or len(weights) != len(losses):
        raise ValueError(f"weights must hold one number a head, {len(losses)} in all, got {weights!r}")
    for index, weight in enumerate(weights):
        check_finite(f"weights[{index}]", weight)
    return torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum()
