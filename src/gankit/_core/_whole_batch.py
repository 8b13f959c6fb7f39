"""Statistics of the whole batch: several ranks compute them together, and gradient accumulation refuses them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed
from torch.autograd.function import FunctionCtx


class _Depth(threading.local):
    value = 0


_parts = _Depth()


@contextmanager
def batch_in_parts() -> Iterator[None]:
    """Declare that the code inside sees only one part of the batch, as under gradient accumulation."""
    _parts.value += 1
    try:
        yield
    finally:
        _parts.value -= 1


def has_group() -> bool:
    """Return whether there is a process group, of one rank at least."""
    return distributed.is_available() and distributed.is_initialized()


def world_size() -> int:
    """Return the number of ranks, 1 without a process group."""
    return distributed.get_world_size() if has_group() else 1


def own_rank() -> int:
    """Return the number of this rank, 0 without a process group."""
    return distributed.get_rank() if world_size() > 1 else 0


def ranks_of_whole_batch(name: str) -> int:
    """Return the number of ranks that share the batch; `name` is the part that needs the whole batch.

    Raises:
        ValueError: The code runs on one part of the batch (see `batch_in_parts`), so its result would differ from that of
            the whole batch; or it is compiled and several ranks share the batch.
    """
    ranks = world_size()
    if torch.compiler.is_compiling():
        if ranks > 1:
            raise ValueError(f"{name} needs the whole batch and cannot be compiled where {ranks} ranks share it")
    elif _parts.value:
        raise ValueError(
            f"{name} needs the whole batch, got one part of it: it couples samples, so gradient accumulation would change "
            "its value"
        )
    return ranks


def mean_of_whole_batch(name: str, values: torch.Tensor) -> torch.Tensor:
    """Return the mean of all elements over all ranks; differentiable, also through the values of other ranks.

    The gradient is right for data-parallel wrappers, which average the gradients of the ranks.
    """
    if ranks_of_whole_batch(name) == 1:
        return values.mean()
    count = torch.full((), values.numel(), dtype=values.dtype, device=values.device)
    total = sum_over_ranks(torch.stack([values.sum(), count]))
    return total[0] / total[1].detach()


def gather_whole_batch(name: str, values: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Return the samples of all ranks, joined along the first axis, and the index of this rank's first one; differentiable.

    Every rank must hold the same number of samples.
    """
    ranks = ranks_of_whole_batch(name)
    if ranks == 1:
        return values, 0
    own = distributed.get_rank()
    slots = [values if rank == own else torch.zeros_like(values) for rank in range(ranks)]
    return sum_over_ranks(torch.cat(slots)), own * len(values)


def sum_over_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of a tensor over all ranks; its gradient is summed over them too."""
    return _SumOverRanks.apply(values)


class _SumOverRanks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, values: torch.Tensor) -> torch.Tensor:
        del ctx
        total = values.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: torch.Tensor) -> torch.Tensor:
        del ctx
        return sum_over_ranks(gradients[0].contiguous())
