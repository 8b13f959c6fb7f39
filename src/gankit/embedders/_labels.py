"""Checks of class ids."""

from collections.abc import Sequence

import torch

from gankit._core import Labels, values_are_at_hand


def as_columns(labels: Labels, num_classes: Sequence[int]) -> torch.Tensor:
    """Return class ids as ``(n, attributes)``, checked against the number of classes of each attribute.

    The ids themselves are read on the CPU alone, and not while a graph is traced: elsewhere the reading would make the
    host wait for the device.
    """
    if not isinstance(labels, torch.Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, torch.Tensor) else type(labels).__name__
        raise ValueError(f"labels must be an int64 tensor of class ids, got {kind}")
    columns = labels.unsqueeze(1) if labels.ndim == 1 else labels
    if columns.ndim != 2 or columns.shape[1] != len(num_classes):
        wanted = f"(n, {len(num_classes)})" + (" or (n,)" if len(num_classes) == 1 else "")
        raise ValueError(f"labels must have shape {wanted}, got {tuple(labels.shape)}")
    if columns.shape[0] == 0:
        raise ValueError(f"labels must hold at least one sample, got shape {tuple(labels.shape)}")
    if values_are_at_hand(labels):
        _check_range(columns, num_classes)
    return columns


def _check_range(columns: torch.Tensor, num_classes: Sequence[int]) -> None:
    wrong = (columns < 0) | (columns >= torch.tensor(list(num_classes)))
    if wrong.any():
        row, attribute = (int(index) for index in wrong.nonzero()[0])
        raise ValueError(
            f"labels must lie in 0..{num_classes[attribute] - 1} for attribute {attribute}, "
            f"got {int(columns[row, attribute])} in sample {row}"
        )
