"""States as plain data: tensors, containers, numbers and strings, and nothing that unpickling could run."""

import sys
from collections import OrderedDict
from typing import Any

import torch

VALUES = (int, float, bool, type(None))


def plain_copy(state: Any, path: str = "state") -> Any:
    """Return the state in one canonical form, sharing its tensors' storage, so that equal states are saved as equal bytes.

    Ordered dicts become dicts, parameters become tensors, views of a larger storage are cut loose from it, and strings
    are interned, since pickle writes an object that it has seen as a reference.

    Args:
        state: What to copy.
        path: How the state is called in an error.

    Raises:
        ValueError: Something else than tensors, dicts, lists, tuples, strings, numbers and None; the message names where.
    """
    kind = type(state)
    if kind is str:
        return sys.intern(state)
    if kind in VALUES:
        return state
    if kind in (torch.Tensor, torch.nn.Parameter):
        return _plain_tensor(state)
    if kind in (dict, OrderedDict):
        return {_plain_key(key, path): plain_copy(value, f"{path}[{key!r}]") for key, value in state.items()}
    if kind in (list, tuple):
        return kind(plain_copy(value, f"{path}[{position}]") for position, value in enumerate(state))
    raise ValueError(
        f"{path} must be a tensor, dict, list, tuple, string, number or None, got {kind.__module__}.{kind.__qualname__}: "
        "a checkpoint is loaded without running code, so turn it into these"
    )


def count_bytes(state: Any) -> int:
    """Return the number of bytes of all storages of a plain state, shared ones once."""
    storages: dict[int, int] = {}
    waiting = [state]
    while waiting:
        item = waiting.pop()
        if isinstance(item, torch.Tensor):
            storage = item.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
    return sum(storages.values())


def _plain_key(key: Any, path: str) -> str | int:
    if type(key) is str:
        return sys.intern(key)
    if type(key) is int:
        return key
    raise ValueError(
        f"{path} must have keys that are strings or whole numbers, got {key!r} of type {type(key).__name__}"
    )


def _plain_tensor(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.layout is not torch.strided:
        return tensor.detach()
    part_of_more = tensor.untyped_storage().nbytes() > tensor.numel() * tensor.element_size()
    return tensor.detach().clone() if part_of_more else tensor.detach()
