"""Scores come as one tensor or as several maps; this is where both become the same thing."""

from collections.abc import Sequence
from typing import TypeAlias

import torch

from gankit._core._checks import check_batch, check_floating, check_same_shape
from gankit._core._types import Scalar, Scores

ScoreMaps: TypeAlias = Scores | Sequence[Scores]


def as_maps(name: str, scores: ScoreMaps) -> tuple[Scores, ...]:
    """One tensor or a sequence of them, as a checked tuple."""
    if isinstance(scores, torch.Tensor):
        maps: tuple[Scores, ...] = (scores,)
    elif isinstance(scores, Sequence):
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
    """`scores` as maps, each of the same shape as its fellow in `other`."""
    maps = as_maps(name, scores)
    if len(maps) != len(other):
        raise ValueError(f"{name} and {other_name} must hold equally many maps, got {len(maps)} and {len(other)}")
    for one, fellow in zip(maps, other, strict=True):
        check_same_shape(name, one, other_name, fellow)
    return maps


def mean_over_maps(prices: Sequence[Scores]) -> Scalar:
    """The mean within each map, then across maps, so that a small map weighs as much as a large one."""
    return torch.stack([price.mean() for price in prices]).mean()
