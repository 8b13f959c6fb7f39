"""Tensors: the names of their roles, scores in several maps, and the dtype that losses are computed in.

The names of roles are for readers and for the documentation; nothing checks them.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, TypeAlias

import torch

from gankit._core._checks import check_batch, check_floating, check_same_shape

Scores: TypeAlias = Annotated[torch.Tensor, "what the critic returns: one score per sample or a map of them, any shape"]
Images: TypeAlias = Annotated[torch.Tensor, "(n, channels, height, width), usually in -1..1"]
Latents: TypeAlias = Annotated[torch.Tensor, "(n, latent_features), the noise that the generator starts from"]
Labels: TypeAlias = Annotated[torch.Tensor, "(n,) or (n, attributes), int64 class ids"]
Condition: TypeAlias = Annotated[torch.Tensor, "(n, features), the vector that an embedder makes of a label or a text"]
Scalar: TypeAlias = Annotated[torch.Tensor, "0-d"]
ScoreMaps: TypeAlias = Scores | Sequence[Scores]
Critic: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""A callable from samples to scores. Bind conditions by a lambda: ``lambda x: critic(x, labels)``."""


def as_maps(name: str, scores: ScoreMaps) -> tuple[Scores, ...]:
    """Return one tensor, or a sequence of them, as a checked tuple."""
    if isinstance(scores, torch.Tensor):  # the usual case
        check_floating(name, scores)
        check_batch(name, scores)
        return (scores,)
    if isinstance(scores, Sequence):
        maps = tuple(scores)
    else:
        raise ValueError(f"{name} must be a tensor or a sequence of tensors, got {type(scores).__name__}")
    if not maps:
        raise ValueError(f"{name} must hold at least one tensor of scores, got an empty sequence")
    for index, one in enumerate(maps):
        label = name if len(maps) == 1 else f"{name}[{index}]"
        check_floating(label, one)
        check_batch(label, one)
    return maps


def as_matching_maps(name: str, scores: ScoreMaps, other_name: str, other: tuple[Scores, ...]) -> tuple[Scores, ...]:
    """Return `scores` as maps, each of the same shape as the map at its position in `other`."""
    maps = as_maps(name, scores)
    if len(maps) != len(other):
        raise ValueError(f"{name} and {other_name} must hold equally many maps, got {len(maps)} and {len(other)}")
    for one, another in zip(maps, other, strict=True):
        check_same_shape(name, one, other_name, another)
    return maps


def mean_over_maps(costs: Sequence[Scores]) -> Scalar:
    """Return the mean within each map, then across maps, so that a small map counts as much as a large one."""
    if len(costs) == 1:
        return costs[0].mean()  # the same number, in fewer operations
    return torch.stack([cost.mean() for cost in costs]).mean()


def widen(values: torch.Tensor, name: str = "scores") -> torch.Tensor:
    """Return floating-point values in float32 or wider: half precision cannot hold their squares, sums and exponentials."""
    check_floating(name, values)
    return values if is_wide(values) else values.to(torch.promote_types(values.dtype, torch.float32))


def is_wide(values: torch.Tensor) -> bool:
    """Say whether floating-point values are in float32 or wider, so that `widen` returns them as they are."""
    return values.dtype is torch.float32 or values.dtype is torch.float64


def unit_rows(vectors: torch.Tensor) -> torch.Tensor:
    """Return the rows of a matrix, scaled to length 1, in float32 or wider; rows of zeros stay zeros."""
    wide = widen(vectors, "vectors")
    # Divided by its largest magnitude first, since squares of very large or small numbers overflow or vanish. The scale is
    # detached: neither the direction nor its gradients depend on it. A row of zeros has no direction.
    largest = wide.detach().abs().amax(dim=1, keepdim=True)
    scaled = wide / largest.masked_fill(largest == 0, 1)
    # At least 1, except for a row of zeros: division by a tiny number would give it a very large gradient.
    lengths = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
    return scaled / lengths.clamp(min=1)


def autocast_is_on(device_type: str) -> bool:
    """Say whether autocast is enabled for this device type; False for a type that has none, such as ``meta``."""
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)


def without_autocast(device_type: str) -> AbstractContextManager[object]:
    """Disable autocast inside: operations run in the dtypes of their inputs."""
    return torch.autocast(device_type, enabled=False) if autocast_is_on(device_type) else nullcontext()
