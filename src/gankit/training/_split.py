"""The inputs of an update, split into parts of the batch; what cannot be split is refused."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils import _pytree as pytree

from gankit.training._graphs import tensors_within

PLAIN = (str, bytes, int, float, complex, type(None))


def splittable_size(inputs: tuple[Any, ...], parts: int) -> int:
    """Return the number of samples in the inputs.

    Args:
        inputs: What an update was called with.
        parts: Number of parts to split it into.

    Raises:
        ValueError: There is no batch, batches differ in size or have fewer samples than there are parts; or the inputs hold
            what may belong to single samples and would reach each part whole.
    """
    leaves = pytree.tree_leaves(inputs, is_leaf=_is_packed)
    for leaf in leaves:
        _refuse_hidden(leaf)
    sizes = {len(tensor) for tensor in leaves if _is_batch(tensor)}
    if len(sizes) != 1:
        raise ValueError(f"inputs must hold tensors of one batch size to be split, got sizes {sorted(sizes)}")
    size = sizes.pop()
    if size < parts:
        raise ValueError(f"inputs must hold at least {parts} samples to be split into {parts} parts, got {size}")
    if parts > 1:
        _refuse_rows(inputs, size)
    return size


def part_of(inputs: tuple[Any, ...], start: int, stop: int) -> tuple[Any, ...]:
    """Return the inputs with the samples from `start` to before `stop`."""
    return pytree.tree_map(lambda value: value[start:stop] if _is_batch(value) else value, inputs)


def _is_batch(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim > 0


def _is_packed(value: object) -> bool:
    return isinstance(value, PackedSequence)


def _refuse_hidden(leaf: object) -> None:
    """Refuse what is no tensor and may hold some."""
    if isinstance(leaf, torch.Tensor):
        if leaf.layout is not torch.strided or leaf.is_nested:
            kind = "a nested one" if leaf.is_nested else f"one of layout {leaf.layout}"
            raise ValueError(f"inputs must hold dense tensors to be split, got {kind}")
    elif isinstance(leaf, np.ndarray) and leaf.ndim > 0:
        raise ValueError("inputs must hold tensors to be split, got a NumPy array: give torch.from_numpy(it)")
    elif isinstance(leaf, Iterator):
        raise ValueError(
            f"inputs must be the same for each part, got {type(leaf).__name__}, which ends after the first"
        )
    elif not isinstance(leaf, nn.Module) and next(tensors_within(leaf), None) is not None:
        raise ValueError(
            f"inputs must hold their tensors in tuples, lists or dicts to be split, got tensors in {type(leaf).__name__}"
        )


def _refuse_rows(value: object, size: int) -> None:
    """Refuse lists of plain values that are as long as the batch; tuples of numbers are sizes, and named ones are records."""
    if isinstance(value, dict):
        for part in value.values():
            _refuse_rows(part, size)
    elif isinstance(value, list | tuple | deque) and not _is_packed(value):
        record = hasattr(value, "_fields")
        kinds = str if isinstance(value, tuple) else PLAIN
        if len(value) == size and not record and all(isinstance(part, kinds) for part in value):
            raise ValueError(
                f"inputs must hold tensors to be split, got a {type(value).__name__} of {size} values, as many as samples: "
                "give a tensor, or bind it to the terms with functools.partial if every part is to get all of it"
            )
        for part in value:
            _refuse_rows(part, size)
