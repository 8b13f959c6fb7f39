"""Random draws of the whole batch, of which each rank takes its own rows: together they draw what one process would.

Every rank has the same random state at all times, so that a run can continue with another number of ranks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from examples.anime_faces.systems._share import Share

Draw = Callable[..., torch.Tensor]

OF_SIZES = (torch.rand, torch.randn, torch.randint)
ROW_BY_ROW = (
    torch.rand_like,
    torch.randn_like,
    torch.randint_like,
    torch.bernoulli,
    torch.multinomial,
    torch.normal,
    torch.poisson,
    functional.alpha_dropout,
    functional.dropout,
    functional.dropout1d,
    functional.dropout2d,
    functional.dropout3d,
    functional.feature_alpha_dropout,
    functional.gumbel_softmax,
    functional.rrelu,
)
IN_PLACE = tuple(
    getattr(torch.Tensor, f"{name}_")
    for name in ("bernoulli", "cauchy", "exponential", "geometric", "log_normal", "normal", "random", "uniform")
)


class WholeBatchDraws(TorchFunctionMode):
    """While entered, functions of torch that draw random numbers for each picture draw them for the pictures of all ranks.

    A draw is for each picture if its first size is a multiple of the rank's pictures, or the length of one of their blocks (see
    `Share`). Any other, such as one number for the batch, is the same on all ranks. ``torch.randperm`` permutes the pictures of
    each rank among themselves, which one process with the whole batch would not.

    Functions that draw for a given tensor, such as dropout, are computed for the pictures of all ranks, with this rank's values
    in place of the others', and so take as many times the memory.

    Args:
        share: The part of this rank.
        pictures: The rank's pictures in a batch.
        blocks: The blocks that a batch is cut into.
    """

    def __init__(self, share: Share, pictures: int, blocks: int = 1) -> None:
        super().__init__()
        self._share, self._pictures, self._unit = share, pictures, pictures // blocks
        self._drawn: dict[object, Callable[[Draw, tuple[Any, ...], dict[str, Any]], torch.Tensor]] = {
            **dict.fromkeys(OF_SIZES, self._of_size),
            **dict.fromkeys(ROW_BY_ROW, self._row_by_row),
            **dict.fromkeys(IN_PLACE, self._in_place),
        }

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function of torch; one that draws for each picture, for the whole batch."""
        del types
        if (
            getattr(func, "__name__", "") == "unflatten"
        ):  # a method that calls super(), which cannot be compiled in a mode
            func = torch.unflatten
        drawn = self._drawn.get(func)
        named = dict(kwargs or {})
        return func(*args, **named) if drawn is None else drawn(func, args, named)

    def _of_size(self, draw: Draw, args: tuple[Any, ...], named: dict[str, Any]) -> torch.Tensor:
        limits, size = _size_of(draw, args, named)
        if not size or not self._is_for_pictures(size[0]):
            return draw(*args, **named)
        named.pop("size", None)
        return self._own(draw(*limits, size=(size[0] * self._share.ranks, *size[1:]), **named))

    def _row_by_row(self, draw: Draw, args: tuple[Any, ...], named: dict[str, Any]) -> torch.Tensor:
        if not any(isinstance(value, torch.Tensor) for value in (*args, *named.values())):
            if draw is torch.normal:  # of two numbers and a size
                return self._of_size(draw, args, named)
            return draw(*args, **named)
        like = next(value for value in (*args, *named.values()) if isinstance(value, torch.Tensor))
        if like.ndim == 0 or not self._is_for_pictures(len(like)):
            return draw(*args, **named)
        args, named = (
            self._whole(args, len(like)),
            dict(zip(named, self._whole(named.values(), len(like)), strict=True)),
        )
        return self._own(draw(*args, **named))

    def _in_place(self, draw: Draw, args: tuple[Any, ...], named: dict[str, Any]) -> torch.Tensor:
        like = args[0]
        if like.ndim == 0 or not self._is_for_pictures(len(like)):
            return draw(*args, **named)
        whole = self._whole((like.detach(), *args[1:]), len(like))
        return like.copy_(self._own(draw(*whole, **named)))

    def _is_for_pictures(self, rows: int) -> bool:
        return rows > 1 and (rows % self._pictures == 0 or rows == self._unit)

    def _whole(self, values: Any, rows: int) -> tuple[Any, ...]:
        """Repeat tensors of so many rows, block by block, once for each rank."""
        return tuple(
            torch.cat([block for block in value.split(self._unit) for _ in range(self._share.ranks)])
            if isinstance(value, torch.Tensor) and value.ndim and len(value) == rows
            else value
            for value in values
        )

    def _own(self, whole: torch.Tensor) -> torch.Tensor:
        return torch.cat(whole.split(self._unit)[self._share.rank :: self._share.ranks])


def _size_of(draw: Draw, args: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """Return the arguments before the size, and the size."""
    if "size" in named:
        return args, tuple(named["size"])
    if args and isinstance(args[-1], Sequence):
        return args[:-1], tuple(args[-1])
    return ((), args) if draw in (torch.rand, torch.randn) else (args, ())
