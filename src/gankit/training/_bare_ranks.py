"""Data-parallel training of bare networks: equal weights at the start, and the mean of the gradients at each step.

For gradient parts that cannot run a wrapper's hooks, such as compiled ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import distributed, nn

from gankit._core import world_size


def refuse_wrapper(module: nn.Module, part: str) -> None:
    """Refuse a module that reduces gradients in hooks, which `part`, a gradient part, would leave out.

    Raises:
        ValueError: The module is a data-parallel wrapper, or FSDP shards it.
    """
    kinds = {kind.__name__ for kind in type(module).__mro__}
    if kinds & {"FSDPModule", "FullyShardedDataParallel"}:
        raise ValueError(f"{part} cannot train a network that FSDP shards, got {type(module).__name__}: use Eager()")
    if kinds & {"DistributedDataParallel", "DataParallel"}:
        raise ValueError(
            f"{part} averages gradients over ranks itself, got a network in {type(module).__name__}: call the bare network in "
            "the terms, and pass no wrapper as `network`"
        )


def broadcast_state(modules: Iterable[nn.Module], parameters: Iterable[nn.Parameter]) -> None:
    """Give all ranks the parameters and buffers of rank 0. Every rank must call it, with the same modules."""
    tensors: dict[torch.Tensor, None] = dict.fromkeys(parameters)
    for module in modules:
        tensors |= dict.fromkeys([*module.parameters(), *module.buffers()])
    if world_size() > 1:
        for group in _alike(tensor.detach() for tensor in tensors):
            joined = torch.cat([tensor.reshape(-1) for tensor in group])
            distributed.broadcast(joined, 0)
            _spread(joined, group)


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over all ranks, in one message for each dtype. Every rank must call it."""
    if (ranks := world_size()) > 1:
        for group in _alike(parameter.grad for parameter in parameters if parameter.grad is not None):
            joined = torch.cat([gradient.reshape(-1) for gradient in group])
            distributed.all_reduce(joined)
            _spread(joined / ranks, group)


@contextmanager
def raising_together(device: torch.device) -> Iterator[None]:
    """Raise on all ranks if one raises inside the context, so that none waits forever. Every rank must enter it."""
    if world_size() == 1:
        yield
        return
    error: Exception | None = None
    try:
        yield
    except Exception as caught:  # noqa: BLE001 (raised below)
        error = caught
    failed = torch.tensor(float(error is not None), device=device)
    distributed.all_reduce(failed)
    if error is not None:
        raise error
    if failed > 0:
        raise ValueError("the first call failed on another rank: see the message of that rank")


def _alike(tensors: Iterable[torch.Tensor]) -> list[list[torch.Tensor]]:
    groups: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = {}
    for tensor in tensors:
        groups.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    return list(groups.values())


def _spread(joined: torch.Tensor, tensors: Sequence[torch.Tensor]) -> None:
    parts = joined.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view(tensor.shape))
