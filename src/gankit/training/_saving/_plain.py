"""States as plain data: tensors, containers, numbers and strings, so that loading one cannot run code."""

import re
from collections import deque
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

LONGEST_NUMBER = 2039
"""Bits of the longest whole number that the safe reader knows."""
LONGEST_TUPLE = 1 << 16
WITHOUT_STORAGE = re.compile(r"torch\.u?int[1-7]")
"""Dtypes of which ``torch.save`` writes no tensor: numbers of less than a byte."""
MOST_LEVELS = 100
"""How deeply containers may be nested in a state."""


def plain_copy(state: Any, path: str = "state") -> Any:
    """Return the state in one canonical form, so that equal states are saved as equal bytes.

    Two states are equal if their types, the order of keys, the bits of numbers (0.0 differs from -0.0), and the shapes,
    dtypes, memory formats and bits of tensors are equal. Which parts are the same object does not matter: pickle writes an
    object that it has seen before as a reference, so the copy has a separate object for every container, string and tensor.
    Relatives of dicts, lists, tuples, strings and numbers become these: ordered dicts, default dicts, named tuples, deques,
    enumerated strings, NumPy's numbers. Parameters become tensors. Tensors that are plain already share their storage with the
    copy.

    Args:
        state: What to copy.
        path: The name of the state in error messages.

    Raises:
        ValueError: The state holds something else than dense tensors, dicts, lists, tuples, strings, numbers and None, or is
            nested too deeply, or has too long a tuple; the message says where.
    """
    try:
        return _copy(state, path, set(), 0)
    except RecursionError:
        raise ValueError(
            f"{path} must not be nested more than {MOST_LEVELS} levels deep, and must not hold itself"
        ) from None


def count_bytes(state: Any) -> int:
    """Return the total number of bytes of all storages of a plain state; shared storages count once."""
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


def is_plain_state(state: Any) -> bool:
    """Return whether a state is one that `plain_copy` may have returned, by the exact types of everything in it."""
    waiting = [state]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is dict:
            if not all(type(key) in (str, int) for key in item):
                return False
            waiting.extend(item.values())
        elif kind in (list, tuple):
            waiting.extend(item)
        elif kind is torch.Tensor:
            if item.layout is not torch.strided or not item.is_cpu or item.is_quantized or item.requires_grad:
                return False
        elif not (kind in (str, bool, float, type(None)) or (kind is int and item.bit_length() <= LONGEST_NUMBER)):
            return False
    return True


def _copy(state: Any, path: str, taken: set[int], level: int) -> Any:
    if level > MOST_LEVELS:
        raise RecursionError
    if type(state) in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
        return plain_tensor(_checked(state, path), taken)
    if isinstance(state, np.generic):
        state = state.tolist()  # the Python number or text
    if isinstance(state, dict | MappingProxyType):
        return {
            _plain_key(key, path): _copy(value, f"{path}[{key!r}]", taken, level + 1) for key, value in state.items()
        }
    if isinstance(state, list | tuple | deque):
        if isinstance(state, tuple) and len(state) > LONGEST_TUPLE:
            raise ValueError(
                f"{path} must be a tuple of at most {LONGEST_TUPLE} items, got {len(state)}: give list(it)"
            )
        copied = (_copy(value, f"{path}[{position}]", taken, level + 1) for position, value in enumerate(state))
        return tuple(copied) if isinstance(state, tuple) else list(copied)
    if state is None or isinstance(state, bool | float):
        return float(state) if isinstance(state, float) else state
    if isinstance(state, str | int):
        return _own(state) if isinstance(state, str) else _short(int(state), path)
    kind = type(state)
    raise ValueError(
        f"{path} must be a tensor, dict, list, tuple, string, number or None, got {kind.__module__}.{kind.__qualname__}: "
        f"a checkpoint is loaded without running code, so {_CURES.get(kind, 'turn it into these')}"
    )


_CURES = {
    np.ndarray: "give torch.from_numpy(it)",
    set: "give sorted(it)",
    bytes: "give list(it)",
    torch.dtype: "give its name",
    torch.device: "give its name",
}


def _checked(tensor: torch.Tensor, path: str) -> torch.Tensor:
    kind = None
    if tensor.is_quantized:
        kind = "a quantized one"
    elif tensor.layout is not torch.strided:
        kind = f"one of layout {tensor.layout}"
    elif tensor.is_nested:
        kind = "a nested one"
    elif WITHOUT_STORAGE.fullmatch(str(tensor.dtype)):
        kind = f"one of {tensor.dtype}, which torch cannot save"
    if kind is not None:
        raise ValueError(f"{path} must be a dense tensor of numbers, got {kind}: turn it into one")
    if tensor.is_meta:
        raise ValueError(f"{path} must be a tensor with values, got one on the meta device")
    return tensor


def _plain_key(key: Any, path: str) -> str | int:
    if isinstance(key, str):
        return _own(key)
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return _short(int(key), path)
    raise ValueError(
        f"{path} must have keys that are strings or whole numbers, got {key!r} of type {type(key).__name__}"
    )


def _own(text: str) -> str:
    # A new object, or the file would depend on which strings of the state were the same object. Strings of at most one Latin
    # character are single objects everywhere.
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")


def _short(number: int, path: str) -> int:
    if number.bit_length() > LONGEST_NUMBER:
        raise ValueError(
            f"{path} must hold whole numbers of at most {LONGEST_NUMBER} bits, got one of {number.bit_length()}"
        )
    return number


Strides = tuple[int, ...]


def plain_tensor(tensor: torch.Tensor, taken: set[int]) -> torch.Tensor:
    """Return the tensor on the CPU, without its graph, in a storage of its own that has no gaps.

    The memory format is kept, since fused optimizers process weights and moments in the order in which they are stored: dense
    tensors keep their strides, others (expanded tensors, slices with gaps) become contiguous. A tensor that already has this
    form is not copied. No two results share a storage, so that tied tensors are saved like equal ones.

    Args:
        tensor: Any dense tensor.
        taken: Addresses of storages that earlier results use; that of this result is added.
    """
    tensor = tensor.detach().to("cpu").resolve_conj().resolve_neg()
    strides = _canonical_strides(tensor)
    if not _stands_alone(tensor, strides) or tensor.untyped_storage().data_ptr() in taken:
        tensor = torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device="cpu").copy_(tensor)
    elif tensor.stride() != strides:
        tensor = tensor.as_strided(tensor.shape, strides)  # strides of axes of length one are free
    taken.add(tensor.untyped_storage().data_ptr())
    return tensor


def _stands_alone(tensor: torch.Tensor, strides: Strides) -> bool:
    own_bytes = tensor.numel() * tensor.element_size()
    if own_bytes == 0 or tensor.storage_offset() != 0 or tensor.untyped_storage().nbytes() != own_bytes:
        return False
    axes = zip(tensor.shape, tensor.stride(), strides, strict=True)
    return all(size == 1 or stride == canonical for size, stride, canonical in axes)


def _canonical_strides(tensor: torch.Tensor) -> Strides:
    formats = [torch.contiguous_format]
    formats += {4: [torch.channels_last], 5: [torch.channels_last_3d]}.get(tensor.ndim, [])
    for memory_format in formats:
        if tensor.is_contiguous(memory_format=memory_format):
            return torch.empty(tensor.shape, device="meta", memory_format=memory_format).stride()
    if is_dense(tensor.shape, tensor.stride()):
        sizes = zip(tensor.shape, tensor.stride(), strict=True)
        return tuple(stride if size > 1 else tensor.numel() for size, stride in sizes)
    return torch.empty(tensor.shape, device="meta").stride()


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Return whether elements of this shape, which has no axis of length 0, fill their storage without gaps or overlaps."""
    expected = 1
    for stride, size in sorted(zip(strides, shape, strict=True)):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True
