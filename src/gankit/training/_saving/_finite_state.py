"""Values in a state that are NaN or infinite: found before they are saved."""

import numbers
from collections import deque
from collections.abc import Iterator, Mapping, Set as AbstractSet
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer

from gankit._core import brief, dense_tensor, see_failures
from gankit.training._finite import NonFiniteError, found_non_finite
from gankit.training._ranks import own_piece
from gankit.training._saving._plain import MOST_LEVELS
from gankit.training._skipping import found_on_any_rank

MOST_NAMED = 5
WITHOUT_TENSORS = (
    *(type(None), str, bytes, bytearray, range, slice, numbers.Number, np.generic, Enum, PurePath),
    *(torch.dtype, torch.device, torch.layout, torch.memory_format),
)
"""What holds no tensor, or only a number that may be infinite for a reason."""


def check_finite_state(state: Any, name: str = "state") -> None:
    """Refuse a state in which a floating-point tensor holds NaN or infinity.

    Training from such a state fails: a second moment of Adam that is infinite never becomes finite again, and its weight
    never moves again. Only tensors and arrays are looked at, since a number such as a best score may be infinite for a
    reason. Values are read: with tensors on other devices the call waits for them.

    Args:
        state: Nested dicts, lists, tuples, deques and sets, such as a ``state_dict()``.
        name: The name of the state in the message.

    Raises:
        NonFiniteError: A tensor is not finite. The message gives the places and shapes of the first ones.
        ValueError: The state holds an object of another kind, which may hold tensors; or it is nested too deeply, or holds
            itself. The message says where.

    Example:
        >>> import torch
        >>> from gankit.training import check_finite_state
        >>> check_finite_state({"weight": torch.ones(2), "best": float("inf")})
        >>> check_finite_state({"moments": [torch.ones(3), torch.tensor([1.0, float("inf")])]})
        Traceback (most recent call last):
        ...
        gankit.training._finite.NonFiniteError: state must be finite, got state['moments'][1] of shape (2,) with 1 infinite ...
    """
    bad = [f"{place} of shape {_shape(tensor)} with {counted(tensor)}" for place, tensor in non_finite(state, name)]
    if bad:
        more = f" and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        raise NonFiniteError(f"{name} must be finite, got {', '.join(bad[:MOST_NAMED])}{more}")


def non_finite(state: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield place and values of each tensor of numbers in a state that is not finite; refuse what cannot be looked into."""
    waiting: list[tuple[str, Any, int]] = [(name, state, 0)]
    while waiting:
        place, item, level = waiting.pop()
        if level > MOST_LEVELS:
            raise ValueError(f"{name} must not be nested more than {MOST_LEVELS} levels deep, and must not hold itself")
        if isinstance(item, np.ndarray) and item.dtype.kind in "biufcSUmM":
            kind = {"f": np.float64, "c": np.complex128}.get(item.dtype.kind)
            item = None if kind is None else torch.from_numpy(item.astype(kind))
        if isinstance(item, torch.Tensor):
            if not _is_finite_at(place, item):
                yield place, item
        elif isinstance(item, Mapping | list | tuple | deque | AbstractSet):
            waiting += [(f"{place}{part}", value, level + 1) for part, value in reversed(_parts(item))]
        elif not isinstance(item, WITHOUT_TENSORS):
            kind = f"{type(item).__module__}.{type(item).__qualname__}"
            raise ValueError(
                f"{place} must be a tensor, an array of numbers, a dict, list, tuple, deque, set, string, number or None, "
                f"got {kind}, whose tensors cannot be looked into: turn it into these"
            )


def _parts(container: Any) -> list[tuple[str, Any]]:
    """Return what a container holds, each with its place in it."""
    if isinstance(container, Mapping):
        return [(f"[{brief(key)}]", value) for key, value in container.items()]
    if isinstance(container, AbstractSet):
        return [("{...}", value) for value in container]
    return [(f"[{position}]", value) for position, value in enumerate(container)]


def _is_finite_at(place: str, tensor: torch.Tensor) -> bool:
    try:
        return is_finite(tensor)
    except (RuntimeError, TypeError, ValueError) as error:
        kind = f"{type(tensor).__name__} of layout {tensor.layout} and dtype {tensor.dtype}"
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{place} must be a tensor whose values can be read, got a {kind}: {reason}") from error


def _shape(tensor: torch.Tensor) -> tuple[Any, ...]:
    return (len(tensor.unbind()), "...") if tensor.is_nested else tuple(tensor.shape)


def is_finite(tensor: torch.Tensor) -> bool:
    """Return whether a tensor has no NaN or infinity; one of whole numbers, or without values, has none."""
    values = _numbers(tensor)
    if values is None:
        return True
    # One pass that keeps nothing: NaN is passed on, and infinity is the least or the largest number.
    return bool(torch.stack(values.aminmax()).isfinite().all())


def finite_tensor(whose: str, entry: str, value: object) -> torch.Tensor:
    """Return an entry of a state; refuse what is not a dense tensor of values without NaN and infinity."""
    tensor = dense_tensor(whose, entry, value)
    if not is_finite(tensor):
        raise ValueError(f"state of {whose} must hold finite numbers, got {entry} with {counted(tensor)}")
    return tensor


def counted(tensor: torch.Tensor) -> str:
    """Return how many values of a tensor are NaN, and how many are infinite, in words."""
    values = _numbers(tensor)
    if values is None:
        return "0 values"
    counts = {"NaN": int(values.isnan().sum()), "infinite": int(values.isinf().sum())}
    listed = [f"{count} {kind}" for kind, count in counts.items() if count]
    return f"{' and '.join(listed)} of {values.numel()} values"


def _numbers(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return the numbers of a tensor as a dense one of real numbers; None if it has none that could be NaN or infinite."""
    piece = own_piece(tensor).detach()
    if piece.is_meta or not (piece.is_floating_point() or piece.is_complex() or piece.is_quantized):
        return None
    piece = _stored(piece.dequantize() if piece.is_quantized else piece)
    values = torch.view_as_real(piece.resolve_conj()) if piece.is_complex() else piece
    if values.numel() == 0 or values.dtype == torch.float4_e2m1fn_x2:  # which has neither NaN nor infinity
        return None
    values = values.resolve_neg()
    return values.float() if values.dtype.itemsize == 1 else values  # torch compares no numbers of 8 bits


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    """Return the numbers that a tensor of any layout stores, as a dense one."""
    if tensor.is_nested:
        parts = [part.flatten() for part in tensor.unbind()]
        return torch.cat(parts) if parts else torch.zeros(0)
    if tensor.layout is torch.strided:
        return tensor
    if tensor.is_sparse:
        return tensor._values()  # noqa: SLF001  the only way to values that are not coalesced
    if tensor.layout in (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc):
        return tensor.values()
    return tensor.to_dense()


class MomentWatch:
    """Look once in a while whether the moments of optimizers are finite, each time a value is read from their device.

    Args:
        every: Number of calls with an optimizer from one look at its moments to the next.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._calls: dict[int, int] = {}

    def __call__(self, optimizer: Optimizer, names: Mapping[int, str]) -> None:
        """Count a call; raise `NonFiniteError` if it is time to look, and a moment is NaN or infinite."""
        calls = self._calls[id(optimizer)] = self._calls.get(id(optimizer), 0) + 1
        if calls % self._every == 0:
            refuse_bad_moments(optimizer, names)


def refuse_bad_moments(optimizer: Optimizer, names: Mapping[int, str]) -> None:
    """Raise if a moment of an optimizer is NaN or infinite.

    A finite gradient may be so large that its square is not: 1e25 in float32. Adam's second moment is infinite then, and its
    weight never moves again, while all costs and gradients stay finite. Optimizers that keep no squares, such as SGD, take a
    large step with it, and their moments are finite. With several ranks every one must call it.

    Args:
        optimizer: The optimizer.
        names: Names of parameters by ``id``, as far as they are known.

    Raises:
        NonFiniteError: A moment is NaN or infinite.
    """
    moments = [
        (key, parameter, value)
        for parameter, of in optimizer.state.items()
        for key, value in of.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel() and not value.is_meta
    ]
    if not moments:
        return
    flag = found_non_finite([value for _, _, value in moments])
    found = found_on_any_rank([flag], flag.device)
    if not bool(found):
        return
    bad = [
        f"{key!r} of {names.get(id(parameter), 'a parameter')!r} of shape {tuple(value.shape)} with {counted(value)}"
        for key, parameter, value in moments
        if not is_finite(value)
    ]
    raise NonFiniteError(
        f"moments of the optimizer must be finite, got {', '.join(bad[:MOST_NAMED]) or 'others on another rank'}: a gradient "
        "was finite, but its square or a sum of them was not; its weight moves no more, so go back to an earlier "
        f"checkpoint; {see_failures('nan')}"
    )
