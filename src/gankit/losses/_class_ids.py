"""Checks of class ids, where -1 marks a row without a label."""

from collections.abc import Sequence

import torch

from gankit._core import Labels, values_are_at_hand

UNLABELED = -1


def as_class_ids(labels: Labels, samples: int, num_classes: Sequence[int]) -> torch.Tensor:
    """Return class ids as ``(n, heads)``, checked against the number of classes of each head.

    The ids themselves are read on the CPU alone, and not while a graph is traced: elsewhere the reading would make the
    host wait for the device.
    """
    if not isinstance(labels, torch.Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, torch.Tensor) else type(labels).__name__
        raise ValueError(f"labels must be an int64 tensor of class ids, got {kind}")
    columns = labels.unsqueeze(1) if labels.ndim == 1 else labels
    if columns.shape != (samples, len(num_classes)):
        wanted = f"({samples}, {len(num_classes)})" + (f" or ({samples},)" if len(num_classes) == 1 else "")
        raise ValueError(f"labels must have shape {wanted}, as the samples and heads are, got {tuple(labels.shape)}")
    if values_are_at_hand(labels):
        _check_range(columns, num_classes)
    return columns


def _check_range(columns: torch.Tensor, num_classes: Sequence[int]) -> None:
    wrong = (columns < UNLABELED) | (columns >= torch.tensor(list(num_classes)))
    if wrong.any():
        row, head = (int(index) for index in wrong.nonzero()[0])
        raise ValueError(
            f"labels of head {head} must lie in 0..{num_classes[head] - 1} ({num_classes[head]} classes), or be -1 where "
            f"there is none, got {int(columns[row, head])} in sample {row}"
        )
