"""Values in a state that are NaN or infinite: found before they are saved."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.optim import Optimizer

from gankit._core import dense_tensor, see_failures
from gankit.training._finite import NonFiniteError, found_non_finite
from gankit.training._ranks import own_piece
from gankit.training._skipping import found_on_any_rank

MOST_NAMED = 5


def check_finite_state(state: Any, name: str = "state") -> None:
    """Refuse a state in which a floating-point tensor holds NaN or infinity.

    Training from such a state fails: a second moment of Adam that is infinite never becomes finite again, and its weight
    never moves again. Only tensors are looked at, since a number such as a best score may be infinite for a reason. Values
    are read: with tensors on other devices the call waits for them.

    Args:
        state: Nested dicts, lists and tuples, such as a ``state_dict()``.
        name: The name of the state in the message.

    Raises:
        NonFiniteError: A tensor is not finite. The message gives the places and shapes of the first ones.

    Example:
        >>> import torch
        >>> from gankit.training import check_finite_state
        >>> check_finite_state({"weight": torch.ones(2), "best": float("inf")})
        >>> check_finite_state({"moments": [torch.ones(3), torch.tensor([1.0, float("inf")])]})
        Traceback (most recent call last):
        ...
        gankit.training._finite.NonFiniteError: state must be finite, got state['moments'][1] of shape (2,) with 1 infinite ...
    """
    bad = [
        f"{place} of shape {tuple(tensor.shape)} with {counted(tensor)}" for place, tensor in non_finite(state, name)
    ]
    if bad:
        more = f" and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        raise NonFiniteError(f"{name} must be finite, got {', '.join(bad[:MOST_NAMED])}{more}")


def non_finite(state: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield place and values of each floating-point tensor in a state that is not finite."""
    waiting: list[tuple[str, Any]] = [(name, state)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, Mapping):
            waiting += [(f"{place}[{key!r}]", value) for key, value in reversed(list(item.items()))]
        elif isinstance(item, list | tuple):
            waiting += [(f"{place}[{position}]", value) for position, value in reversed(list(enumerate(item)))]
        elif isinstance(item, torch.Tensor) and not is_finite(item):
            yield place, item


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
    piece = own_piece(tensor).detach()
    if piece.is_sparse:
        piece = piece._values()  # noqa: SLF001  the only way to values that are not coalesced
    if piece.is_meta or piece.layout is not torch.strided or not (piece.is_floating_point() or piece.is_complex()):
        return None
    values = torch.view_as_real(piece) if piece.is_complex() else piece
    if values.numel() == 0 or values.dtype == torch.float4_e2m1fn_x2:  # which has neither NaN nor infinity
        return None
    return values.float() if values.dtype.itemsize == 1 else values  # torch compares no numbers of 8 bits


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
    weight never moves again, while all costs and gradients stay finite. With several ranks every one must call it.

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
