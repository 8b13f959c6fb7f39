"""Training with several ranks: tensors that FSDP2 shards, and the audit of a first update.

The audit raises for forms whose gradients would be silently wrong.
"""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gankit._core import has_group, world_size


def is_sharded(tensor: torch.Tensor) -> bool:
    """Return whether the tensor is a ``DTensor``, as under FSDP2.

    The module of that type is looked up, not imported: importing it takes seconds and installs warning filters, and no tensor
    of the type exists before somebody else imported it.
    """
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor with the pieces of all ranks. Every rank must call it, in the same order."""
    sharded: Any = tensor
    return sharded.full_tensor() if is_sharded(tensor) else tensor


def own_piece(tensor: torch.Tensor) -> torch.Tensor:
    """Return the piece that this rank holds; all of a plain tensor. It shares memory with the tensor."""
    sharded: Any = tensor
    return sharded.to_local() if is_sharded(tensor) else tensor


def sharded_like(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Shard a whole tensor, which is the same on every rank, as `like` is sharded. Nothing is sent."""
    if not is_sharded(like) or is_sharded(tensor):
        return tensor
    pattern: Any = like
    cut = sys.modules["torch.distributed.tensor"].distribute_tensor
    return cut(tensor.to(like.device), pattern.device_mesh, pattern.placements, src_data_rank=None)


def sharded_modules(network: nn.Module) -> list[Any]:
    """Return the modules in the network, itself included, to which ``fully_shard`` was applied."""
    module = sys.modules.get("torch.distributed.fsdp")
    return [] if module is None else [part for part in network.modules() if isinstance(part, module.FSDPModule)]


def may_be_sharded() -> bool:
    """Return whether a module may be sharded by FSDP2, which takes a process group, of one rank at least."""
    return has_group()


def reshard(network: nn.Module) -> None:
    """Free the whole weights that a forward pass gathered, so that the network's parameters are its pieces again."""
    for part in sharded_modules(network):
        part.reshard()


@contextmanager
def gathered_for_penalties(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Keep weights that FSDP2 gathered until the context ends, since a penalty goes backward through them twice.

    FSDP2 drops them in the first backward pass, that of the penalty's inner gradient, and the second then finds none.
    They are dropped on entry too: weights that were gathered earlier still have the ``requires_grad`` of that time.
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


RELATIVE_TOLERANCE = 1e-5


def on_any_rank(is_so: bool, device: torch.device) -> bool:
    """Return whether something is so on one rank or more. Every rank must call it."""
    if world_size() == 1:
        return is_so
    flag = torch.tensor(float(is_so), dtype=torch.float32, device=device)
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return bool(flag)


def check_wrapper(network: nn.Module | None) -> nn.Module:
    """Return the network; refuse None, and wrappers that would reduce gradients wrongly.

    Raises:
        ValueError: `network` is None, or was wrapped with ``static_graph=True``.
    """
    if network is None:
        raise ValueError(
            f"network must be given where {world_size()} ranks train together: pass the wrapper that the terms call, or "
            "let AveragedOverRanks average the gradients of bare networks"
        )
    if getattr(network, "static_graph", False):
        raise ValueError("network must not use static_graph=True: with several forward passes its gradients are wrong")
    local = [name for name, module in network.named_modules() if _is_local_batch_norm(module)]
    if local:
        warnings.warn(
            f"batch normalization {local[0]!r} uses the statistics of its own rank; "
            "torch.nn.SyncBatchNorm.convert_sync_batchnorm shares them",
            stacklevel=5,
        )
    return network


@contextmanager
def audited_forwards(network: nn.Module) -> Iterator[None]:
    """Count forward passes inside the context; refuse passes that bypassed the wrapper.

    A network without a wrapper is not watched: its gradients are averaged elsewhere, and any pass will do.

    Raises:
        ValueError: The network was never called, or its inner module was called directly.
    """
    # A network that FSDP2 shards is its own wrapper: a layer called "module" in it is an ordinary layer.
    is_sharded_itself = bool(sharded_modules(network))
    inner = network if is_sharded_itself else getattr(network, "module", network)
    if inner is network and not is_sharded_itself:
        yield
        return
    counts = [0, 0]

    def counter(position: int) -> Callable[..., None]:
        def count(*_: object) -> None:
            counts[position] += 1

        return count

    handles = [network.register_forward_hook(counter(0)), inner.register_forward_hook(counter(1))]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    outer_count, inner_count = counts
    if outer_count == 0 and inner_count == 0:
        raise ValueError("network must be what the terms call, got no forward pass through it")
    if outer_count != inner_count:
        raise ValueError(
            f"every forward pass must go through network, got {outer_count} through the wrapper and {inner_count} through "
            "its inner module: gradients of passes through .module are not reduced"
        )


def check_equal_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Refuse gradients that differ between ranks. Every rank must call it.

    Raises:
        ValueError: The sum or the norm of a gradient differs between ranks, or only some ranks have one, or there is none.
    """
    low, high = _ends_of_ranks([_fingerprint(parameter.grad, parameter.device) for parameter in parameters])
    if not bool((high[:, 0] > 0).any()):
        raise ValueError("terms must leave a gradient in a parameter of the optimizer, got none in any")
    differing = _differing(low, high)
    if differing:
        shapes = ", ".join(str(tuple(parameters[position].shape)) for position in differing[:3])
        raise ValueError(
            f"gradients must be equal on all ranks, got {len(differing)} of {len(parameters)} that differ (shapes {shapes}"
            f"{', ...' if len(differing) > 3 else ''}): every forward pass must go through the wrapper, and one backward "
            "pass must reach every parameter"
        )


def check_equal_weights(parameters: Sequence[nn.Parameter]) -> None:
    """Refuse weights that differ between ranks. Every rank must call it.

    Raises:
        ValueError: The sum or the norm of a parameter differs between ranks.
    """
    differing = _differing(*_ends_of_ranks([_fingerprint(parameter, parameter.device) for parameter in parameters]))
    if differing:
        raise ValueError(
            f"weights must be equal on all ranks, got {len(differing)} of {len(parameters)} parameters that differ: call "
            "gankit.training.broadcast_state with the networks before the first update"
        )


def _ends_of_ranks(prints: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the least and the largest number of all ranks, a row for each fingerprint."""
    low = torch.stack(list(prints))
    high = low.clone()
    distributed.all_reduce(low, distributed.ReduceOp.MIN)
    distributed.all_reduce(high, distributed.ReduceOp.MAX)
    return low, high


def _differing(low: torch.Tensor, high: torch.Tensor) -> list[int]:
    allowed = RELATIVE_TOLERANCE * high[:, 2:3]
    return ((high - low) > allowed).any(dim=1).nonzero().flatten().tolist()


def _fingerprint(tensor: torch.Tensor | None, device: torch.device) -> torch.Tensor:
    if tensor is None:
        return torch.zeros(3, dtype=torch.float64, device=device)
    present = torch.ones((), dtype=torch.float64, device=device)
    if is_sharded(tensor):  # pieces differ by design
        return torch.stack((present, 0 * present, 0 * present))
    wide = tensor.detach().double()
    return torch.stack((present, wide.sum(), torch.linalg.vector_norm(wide)))


def _is_local_batch_norm(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm)
