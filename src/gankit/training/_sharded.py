"""Tensors of which a rank holds one piece, and networks made of such, as under FSDP2."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def is_sharded(tensor: torch.Tensor) -> bool:
    """Whether the tensor is a ``DTensor``, as under FSDP2.

    The module of that type is looked up, not imported: importing it costs seconds and installs warning filters, and a
    tensor of the type cannot exist before somebody else did.
    """
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor with the pieces of all ranks. Every rank must call it, in the same order."""
    sharded: Any = tensor
    return sharded.full_tensor() if is_sharded(tensor) else tensor


def own_piece(tensor: torch.Tensor) -> torch.Tensor:
    """Return the piece that this rank holds: for a plain tensor, all of it. It shares memory with the tensor."""
    sharded: Any = tensor
    return sharded.to_local() if is_sharded(tensor) else tensor


def sharded_like(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return a whole tensor, the same on every rank, cut as `like` is. Nothing is sent."""
    if not is_sharded(like) or is_sharded(tensor):
        return tensor
    pattern: Any = like
    cut = sys.modules["torch.distributed.tensor"].distribute_tensor
    return cut(tensor.to(like.device), pattern.device_mesh, pattern.placements, src_data_rank=None)


def sharded_modules(network: nn.Module) -> list[Any]:
    """Return the modules in the network, itself included, to which ``fully_shard`` was applied."""
    module = sys.modules.get("torch.distributed.fsdp")
    return [] if module is None else [part for part in network.modules() if isinstance(part, module.FSDPModule)]


def reshard(network: nn.Module) -> None:
    """Let go of the whole weights that a forward pass gathered, so that the network's parameters are its pieces again."""
    for part in sharded_modules(network):
        part.reshard()


@contextmanager
def gathered_for_penalties(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Keep weights that FSDP2 gathered until the context ends, since a penalty goes backward through them twice.

    FSDP2 drops them in the first backward pass, that of the penalty's inner gradient, and the second then finds none.
    They are dropped on entry too: what was gathered before still has the ``requires_grad`` of that time.
    """
    networks = list(networks)
    parts = [part for network in networks for part in sharded_modules(network)]
    for part in parts:
        part.reshard()
        part.set_reshard_after_backward(False, recurse=False)
    try:
        yield
    except BaseException:
        for network in networks:
            _forget_pass(network)
        raise
    for part in parts:
        part.reshard()


def _forget_pass(network: nn.Module) -> None:
    below: set[nn.Module] = set()
    for part in sharded_modules(network):
        if part not in below and hasattr(part, "reset_iter_state"):  # from torch 2.13 on
            part.reset_iter_state()
        below.update(part.modules())
        part.reshard()
