"""Conditions of other samples or classes, for the mismatched pairs of a matching-aware critic."""

from collections.abc import Sequence
from functools import partial
from math import prod

import torch
from torch.nn import functional

from gankit._core import (
    Labels,
    as_class_counts,
    check_batch,
    random_tensor,
    refuse_both,
    uniform_draw,
    values_are_readable,
)

MOST_COMBINATIONS = 2**62  # the sum of a combination's number and a draw fits into int64


def mismatched_labels(
    labels: Labels,
    num_classes: int | Sequence[int],
    *,
    draw: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Labels:
    """Draw class ids that differ from the given ones, uniformly from all others.

    The result never matches by accident, as the labels of another sample may. With several attributes, the combination
    differs: hair or eyes or both, uniform over all other combinations. To draw only combinations that occur in the data, use
    the labels of another sample: `gankit.losses.mismatched_indices`.

    Args:
        labels: Class ids of each sample; this tensor is not changed.
        num_classes: The number of classes, or a sequence with one number per attribute.
        draw: Number of combinations from the own one to the drawn one, where the id of the last attribute changes fastest;
            from 1 to the number of combinations minus 1. Default: ``torch.randint(1, combinations, (n,))``.
        rng: Generator for `draw`, on the labels' device. Default: the device's default generator.

    Shape:
        `labels` and the result ``(n, attributes)`` int64 in ``0..num_classes[attribute] - 1``; with one attribute also
        ``(n,)``. `draw` is ``(n,)`` int64.

    Raises:
        ValueError: The number of combinations is 1 or above 2^62; labels are not int64, have another shape or are empty; a
            label or a draw is out of range (checked on the CPU only; -1 for "unlabeled" has no mismatch); `draw` is given
            with `rng`.

    Example:
        >>> import torch
        >>> from gankit.losses import mismatched_labels
        >>> mismatched_labels(torch.tensor([0, 1, 2]), 3, draw=torch.tensor([1, 1, 2]))
        tensor([1, 2, 1])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (arXiv:1605.05396), algorithm 1, line 4
        (mismatched text).
    """
    counts = as_class_counts(num_classes)
    combinations = prod(counts)
    if not 2 <= combinations <= MOST_COMBINATIONS:
        raise ValueError(
            f"num_classes must give 2 to 2^62 combinations, got {num_classes!r}, which gives {combinations}"
        )
    columns = _as_columns(labels, counts)
    draw = _steps(draw, columns, combinations, rng)
    own = torch.zeros_like(columns[:, 0])
    for attribute, count in enumerate(counts):
        own = own * count + columns[:, attribute]
    other = (own + draw) % combinations
    digits: list[torch.Tensor] = []
    for count in reversed(counts):
        digits.insert(0, other % count)
        other = other // count
    return torch.stack(digits, dim=1).view_as(labels)


def mismatched_indices(
    conditions: torch.Tensor, *, draw: torch.Tensor | None = None, rng: torch.Generator | None = None
) -> torch.Tensor:
    """For each sample, draw the index of a sample with a different condition, uniformly from all of those in the batch.

    ``conditions[indices]`` with the images, or ``images[indices]`` with the conditions, makes pairs that do not match. Do not
    shift or shuffle the batch instead: some pairs then match by accident (with two equally frequent classes, half of them),
    and the critic is trained to give matching pairs low scores.

    Args:
        conditions: Class ids, sets of tags, or vectors; compared exactly, element by element. NaN differs from everything.
        draw: One uniform number per sample, 0 or more and below 1: which of the samples that differ to take, in the order of
            their conditions, then of their indices. Default: ``torch.rand(n)`` in float32 or wider.
        rng: Generator for `draw`, on the conditions' device. Default: the device's default generator.

    Shape:
        `conditions` ``(n, ...)`` of any rank and real dtype; `draw` ``(n,)``; the result is ``(n,)`` int64 in 0..n-1. Memory
        grows with the size of `conditions`, not with n * n.

    Raises:
        ValueError: All conditions are the same, so that no sample has a mismatch; the batch is empty; `draw` has another
            shape, has a number outside 0..1 or is given with `rng`. The values are checked on the CPU only: on CUDA and in
            traced code equal conditions fail torch's assertion on the device instead.

    Example:
        >>> import torch
        >>> from gankit.losses import mismatched_indices
        >>> hair = torch.tensor([2, 0, 2, 1])
        >>> hair[mismatched_indices(hair, draw=torch.tensor([0.0, 0.0, 0.9, 0.9]))]
        tensor([0, 1, 1, 2])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (arXiv:1605.05396), algorithm 1, line 4
        (mismatched text).
    """
    if not isinstance(conditions, torch.Tensor):
        raise ValueError(f"conditions must be a tensor, got {type(conditions).__name__}")
    check_batch("conditions", conditions)
    count = len(conditions)
    ordered, order = _ranks_of_rows(conditions).sort(stable=True)
    first = torch.searchsorted(ordered, ordered)
    equal = torch.searchsorted(ordered, ordered, right=True) - first
    _check_mismatch_exists(equal, count)
    draw = uniform_draw(draw, conditions, (count,), rng)
    position = (draw[order] * (count - equal)).long()  # below count - equal even after rounding
    partner = order[torch.where(position < first, position, position + equal)]
    return torch.empty_like(order).scatter_(0, order, partner)


def _as_columns(labels: Labels, counts: tuple[int, ...]) -> torch.Tensor:
    if not isinstance(labels, torch.Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, torch.Tensor) else type(labels).__name__
        raise ValueError(f"labels must be an int64 tensor of class ids, got {kind}")
    check_batch("labels", labels)
    columns = labels.unsqueeze(1) if labels.ndim == 1 else labels
    if columns.ndim != 2 or columns.shape[1] != len(counts):
        raise ValueError(f"labels must have one column for each of {len(counts)} attributes, got {tuple(labels.shape)}")
    if values_are_readable(labels):
        least, most = (ends.tolist() for ends in columns.aminmax(dim=0))
        for attribute, (low, high, count) in enumerate(zip(least, most, counts, strict=True)):
            if low < 0 or high >= count:
                raise ValueError(f"labels must lie in 0..{count - 1} for attribute {attribute}, got {low}..{high}")
    return columns


def _steps(
    draw: torch.Tensor | None, columns: torch.Tensor, combinations: int, rng: torch.Generator | None
) -> torch.Tensor:
    shape = (len(columns),)
    if draw is None:
        return random_tensor(
            partial(torch.randint, 1, combinations), shape, rng, dtype=torch.int64, device=columns.device
        )
    refuse_both("draw", draw, rng)
    if tuple(draw.shape) != shape or draw.dtype != torch.int64:
        raise ValueError(f"draw must be int64 of shape {shape}, got {draw.dtype} of shape {tuple(draw.shape)}")
    if values_are_readable(draw) and bool(((draw < 1) | (draw >= combinations)).any()):
        raise ValueError(f"draw must lie in 1..{combinations - 1}, got {int(draw.min())}..{int(draw.max())}")
    return draw


def _ranks_of_rows(conditions: torch.Tensor) -> torch.Tensor:
    """Number rows such that equal rows have equal numbers: rank the columns, then combine pairs of them until one is left."""
    ranks = _ranks(conditions.reshape(len(conditions), -1))
    while ranks.shape[1] > 1:
        ranks = functional.pad(ranks, (0, ranks.shape[1] % 2))
        ranks = _ranks(ranks[:, 0::2] * len(ranks) + ranks[:, 1::2])
    return ranks[:, 0]


def _ranks(columns: torch.Tensor) -> torch.Tensor:
    ordered, order = columns.sort(dim=0)
    rises = functional.pad(ordered[1:] != ordered[:-1], (0, 0, 1, 0)).long()
    return torch.empty_like(order).scatter_(0, order, rises.cumsum(0))


def _check_mismatch_exists(equal: torch.Tensor, count: int) -> None:
    found = equal.amax() < count
    if not values_are_readable(equal):
        torch._assert_async(found, "conditions must hold at least two different ones")  # noqa: SLF001 (it has no public name)
    elif not bool(found):
        raise ValueError(f"conditions must hold at least two different ones, got the same for all {count} samples")
