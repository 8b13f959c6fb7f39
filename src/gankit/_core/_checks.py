"""Checks of arguments: each raises a ``ValueError`` that names the argument, the rule and the value; and words of messages."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch._C import (
    DispatchKey,
    _are_functorch_transforms_active,
    _dispatch_keys,
    _dispatch_tls_is_dispatch_key_included,
    _get_dispatch_mode,
    _len_torch_dispatch_stack,
    _TorchDispatchModeKey as _Mode,
)
from torch._ops import _get_dispatch_mode_pre_dispatch

_LARGEST = sys.float_info.max
FAILURES = "docs/guides/failures.md"
"""The guide "When training fails"."""


def values_are_readable(tensor: torch.Tensor) -> bool:
    """Say whether the tensor's values can be read without waiting for a device or breaking a graph that is being traced.

    False for every device but the CPU, while dynamo compiles or `make_fx` traces, under ``torch.func.vmap``, and for
    tensors without values of their own (fake, functional and distributed ones).
    """
    if not tensor.is_cpu or torch.compiler.is_compiling():
        return False
    # The usual case, in fewer questions: a plain tensor, and nothing that handles operations in its own way.
    if type(tensor) is torch.Tensor and not (
        _len_torch_dispatch_stack()
        or _are_functorch_transforms_active()
        or _dispatch_tls_is_dispatch_key_included(DispatchKey.PreDispatch)
    ):
        return True
    return not _is_traced(tensor)


def _is_traced(tensor: torch.Tensor) -> bool:
    keys = _dispatch_keys(tensor)
    # Python: a subclass that handles operations itself, such as FakeTensor or DTensor. FuncTorchBatched: inside vmap.
    if keys.has(DispatchKey.Python) or keys.has(DispatchKey.FuncTorchBatched):
        return True
    # torch has no public test of whether make_fx traces. These are its own modes: one that a user wrote does not count.
    is_tracing = _get_dispatch_mode(_Mode.PROXY) or _get_dispatch_mode_pre_dispatch(_Mode.PROXY)
    return bool(is_tracing or _get_dispatch_mode(_Mode.FAKE))


def check_floating(name: str, tensor: torch.Tensor) -> None:
    """Refuse everything but a floating-point tensor."""
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"{name} must be a tensor, got {type(tensor).__name__}")
    if not tensor.is_floating_point():
        raise ValueError(f"{name} must be a floating-point tensor, got dtype {tensor.dtype}")


def check_batch(name: str, tensor: torch.Tensor) -> None:
    """Refuse a tensor that has no batch axis or no elements."""
    if tensor.ndim == 0:
        raise ValueError(f"{name} must have a batch axis, got a 0-d tensor")
    if tensor.numel() == 0:
        raise ValueError(f"{name} must not be empty, got shape {tuple(tensor.shape)}")


def check_same_shape(name: str, tensor: torch.Tensor, other_name: str, other: torch.Tensor) -> None:
    """Refuse two tensors of different shapes, which torch would broadcast silently."""
    if tensor.shape != other.shape:
        raise ValueError(
            f"{name} and {other_name} must have the same shape, got {tuple(tensor.shape)} and {tuple(other.shape)}"
        )


def check_finite(name: str, value: float) -> None:
    """Refuse NaN, infinity and everything that is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"{name} must be a finite number, got {brief(value)}")


def check_positive(name: str, value: float) -> None:
    """Refuse everything but a finite number above 0."""
    check_finite(name, value)
    if value <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")


def check_fraction(name: str, value: float) -> None:
    """Refuse everything but a number in 0..1."""
    check_finite(name, value)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie in 0..1, got {value!r}")


def check_at_least(name: str, value: int, least: int) -> None:
    """Refuse everything but a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {brief(value)}")


def as_device(name: str, device: object) -> torch.device:
    """Return a device on which this torch can make tensors; refuse everything else."""
    place: Any = device
    try:
        chosen = torch.device(place)
        torch.empty(0, device=chosen)
    except (AssertionError, ImportError, NotImplementedError, RuntimeError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{name} must be a device that this torch can use, got {brief(device)}: {reason}") from None
    return chosen


def as_class_counts(num_classes: int | Sequence[int]) -> tuple[int, ...]:
    """Return the number of classes of each attribute: ``12`` means one attribute, ``(12, 11)`` means two."""
    if not isinstance(num_classes, Iterable | int):
        raise ValueError(f"num_classes must be a whole number or a sequence of them, got {num_classes!r}")
    counts = (num_classes,) if isinstance(num_classes, int) else tuple(num_classes)
    if not counts:
        raise ValueError(f"num_classes must name at least one attribute, got {num_classes!r}")
    for count in counts:
        check_at_least("num_classes", count, 1)
    return counts


def check_version(whose: str, state: object, version: int, *entries: str, optional: Sequence[str] = ()) -> None:
    """Refuse a state that has another version or none, that lacks one of the entries, or that holds others.

    Args:
        whose: Whose state it must be, for the message.
        state: What was given.
        version: The version that is known here.
        *entries: The entries that it must hold besides its version.
        optional: Those that it may hold.
    """
    found = state.get("version") if isinstance(state, Mapping) else None
    if not isinstance(state, Mapping) or isinstance(found, bool) or not isinstance(found, int) or found != version:
        raise ValueError(f"state of {whose} must have version {version}, got {brief(found)}")
    missing = [entry for entry in entries if entry not in state]
    if missing:
        raise ValueError(f"state of {whose} must hold {list(entries)}, got none of {missing}")
    known = {"version", *entries, *optional}
    unknown = [brief(entry) for entry in state if not isinstance(entry, str) or entry not in known]
    if unknown:
        raise ValueError(f"state of {whose} must hold {[*entries, *optional]} only, got {', '.join(unknown[:5])} too")


def check_count(whose: str, entry: str, value: object) -> None:
    """Refuse an entry of a state that is no whole number from 0 to what 64 bits hold."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise ValueError(f"state of {whose} must hold {entry} as a whole number of 0 or more, got {brief(value)}")


def dense_tensor(whose: str, entry: str, value: object, *, needs_values: bool = True) -> torch.Tensor:
    """Return an entry of a state; refuse what is not a dense tensor of numbers, or is on meta though values are needed."""
    if not isinstance(value, torch.Tensor) or value.layout is not torch.strided or value.is_quantized:
        raise ValueError(f"state of {whose} must hold {entry} as a dense tensor, got {brief(value)}")
    if needs_values and value.is_meta:
        raise ValueError(f"state of {whose} must hold {entry} with values, got a tensor on meta")
    return value


def as_path(name: str, value: object) -> Path:
    """Return a path; refuse what is none, and empty text, which would be the current folder."""
    try:
        text = os.fspath(value)  # pyright: ignore[reportArgumentType, reportCallIssue]
    except TypeError:
        text = None
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError(f"{name} must be a path, got {brief(value)}")
    return Path(text)


def brief(value: object, most: int = 80) -> str:
    """Return a value for a message, shortened in the middle where it is long."""
    if isinstance(value, torch.Tensor) and value.numel() > 1:
        return f"a tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    try:
        shown = repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return f"one of type {type(value).__name__}"
    return shown if len(shown) <= most else f"{shown[: most // 2]} ... {shown[-most // 4 :]}"


def see_failures(section: str) -> str:
    """Return the words that lead to a section of the guide "When training fails", for the end of a message.

    Example:
        >>> see_failures("nan")
        'see "When training fails", docs/guides/failures.md#nan'
    """
    return f'see "When training fails", {FAILURES}#{section}'
