"""The audit of the first update where several ranks train together: silently wrong forms raise."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gankit.training._sharded import is_sharded, sharded_modules

RELATIVE_TOLERANCE = 1e-5


def world_size() -> int:
    """Return the number of ranks, 1 without a process group."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def check_wrapper(network: nn.Module | None) -> nn.Module:
    """Return the network; refuse None and what DDP cannot reduce rightly.

    Raises:
        ValueError: `network` is None, or was wrapped with ``static_graph=True``.
    """
    if network is None:
        raise ValueError(
            f"network must be given where {world_size()} ranks train together: pass the wrapper that the terms call"
        )
    if getattr(network, "static_graph", False):
        raise ValueError("network must not use static_graph=True: with several forward passes its gradients are wrong")
    local = [name for name, module in network.named_modules() if _is_local_batch_norm(module)]
    if local:
        warnings.warn(
            f"batch normalization {local[0]!r} uses the statistics of its own rank; "
            "torch.nn.SyncBatchNorm.convert_sync_batchnorm shares them",
            stacklevel=4,
        )
    return network


@contextmanager
def audited_forwards(network: nn.Module) -> Iterator[None]:
    """Count forward passes inside the context; refuse those that went around the wrapper.

    Raises:
        ValueError: The network was never called, or its inner module was called directly.
    """
    counts = [0, 0]

    def counter(position: int) -> Callable[..., None]:
        def count(*_: object) -> None:
            counts[position] += 1

        return count

    # A network that FSDP2 shards is its own wrapper: a layer called "module" in it is none.
    inner = network if sharded_modules(network) else getattr(network, "module", network)
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
    prints = torch.stack([_fingerprint(parameter) for parameter in parameters])
    low, high = prints.clone(), prints.clone()
    distributed.all_reduce(low, distributed.ReduceOp.MIN)
    distributed.all_reduce(high, distributed.ReduceOp.MAX)
    if not bool((high[:, 0] > 0).any()):
        raise ValueError("terms must leave a gradient in a parameter of the optimizer, got none in any")
    allowed = RELATIVE_TOLERANCE * high[:, 2:3]
    differing = ((high - low) > allowed).any(dim=1).nonzero().flatten().tolist()
    if differing:
        shapes = ", ".join(str(tuple(parameters[position].shape)) for position in differing[:3])
        raise ValueError(
            f"gradients must be equal on all ranks, got {len(differing)} of {len(parameters)} that differ (shapes {shapes}"
            f"{', ...' if len(differing) > 3 else ''}): every forward pass must go through the wrapper, and one backward "
            "pass must reach every parameter"
        )


def _fingerprint(parameter: nn.Parameter) -> torch.Tensor:
    gradient = parameter.grad
    device = parameter.device
    if gradient is None:
        return torch.zeros(3, dtype=torch.float64, device=device)
    present = torch.ones((), dtype=torch.float64, device=device)
    if is_sharded(gradient):  # pieces differ by design
        return torch.stack((present, 0 * present, 0 * present))
    wide = gradient.detach().double()
    return torch.stack((present, wide.sum(), torch.linalg.vector_norm(wide)))


def _is_local_batch_norm(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm)
