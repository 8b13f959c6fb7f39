"""Data-parallel training of bare networks: equal weights at the start, and the mean of the gradients at each step."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import distributed, nn

from gankit._core import brief, world_size
from gankit.training._gradients import Gradients
from gankit.training._loss import Loss, Values
from gankit.training._ranks import check_equal_weights, is_sharded, on_any_rank


@dataclass(frozen=True, slots=True)
class AveragedOverRanks:
    """Gradients of another part, averaged over all ranks, for networks without a data-parallel wrapper.

    ``DistributedDataParallel`` (DDP) averages each gradient as soon as it is known. For this, every forward pass must go
    through the wrapper, and every backward pass must reach all parameters. Here the gradients are averaged after the backward
    pass, in one message for each dtype. So the terms call bare networks, may leave out parameters, as a penalty alone does,
    and may be compiled. In return, nothing is sent while the backward pass runs.

    Costs and readings are averaged too: each rank returns those of the whole batch. A cost that is NaN or infinite on one rank
    is so on all, so that all refuse the step. On one rank the other part's result is returned as it is.

    All ranks need the same weights at the start: call `broadcast_state` before the first update. The first call compares the
    weights, the names of the costs, and which parameters have a gradient; an error of one rank is raised on all.

    Args:
        gradients: The part that computes the gradients of this rank's share of the batch.

    Raises:
        ValueError: `gradients` averages over the ranks already; or, at a call, the network is in a data-parallel wrapper or
            FSDP shards it, or ranks differ in their weights, in the names of costs and readings, or in which parameters have a
            gradient.

    Example:
        >>> import torch
        >>> from gankit.training import AveragedOverRanks, Compiled, Eager, Update, broadcast_state
        >>> critic = torch.nn.Linear(1, 1, bias=False)
        >>> broadcast_state([critic])
        >>> update = Update(
        ...     torch.optim.SGD(critic.parameters(), lr=1.0),
        ...     lambda x: {"loss": critic(x).mean()},
        ...     gradients=AveragedOverRanks(Eager()),
        ... )
        >>> logged = update(torch.tensor([[2.0]]))
        >>> critic.weight.grad
        tensor([[2.]])
        >>> AveragedOverRanks(Compiled())
        AveragedOverRanks(gradients=Compiled(backend='inductor', tolerance=None))
    """

    gradients: Gradients
    _checked: set[int] = field(default_factory=set, init=False, repr=False, compare=False)

    averages_ranks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the other part."""
        if not callable(self.gradients) or isinstance(self.gradients, type):
            raise ValueError(f"gradients must be callable, and an instance rather than a class, got {self.gradients!r}")
        if getattr(self.gradients, "averages_ranks", False):
            raise ValueError(f"gradients must not be averaged over the ranks twice, got {self.gradients!r}")

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        """Compute the gradients of this rank's share of the batch, then those of the whole batch."""
        if world_size() == 1:
            return self.gradients(loss, inputs)
        if self._checked:
            values = self.gradients(loss, inputs)
        else:
            with raising_together(loss.parameters[0].device):
                _check_bare(loss)
                values = self.gradients(loss, inputs)
        gradients = [parameter.grad for parameter in loss.parameters]
        layout = zlib.crc32(repr([[one is None for one in gradients], *map(list, values)]).encode())
        if layout not in self._checked:
            _check_equal(layout, loss.parameters[0].device)
            check_equal_weights(loss.parameters)
            self._checked.add(layout)
        present = [one for one in gradients if one is not None]
        _average_([*present, *values.costs.values(), *values.readings.values()])
        return values


def broadcast_state(networks: Iterable[nn.Module]) -> None:
    """Give the networks of all ranks the parameters and buffers of rank 0.

    Call it once before training with `AveragedOverRanks`, and after loading weights on rank 0 alone. Every rank must call it,
    with the same networks in the same order. Attributes that are not tensors are not sent. With one rank it has no effect.

    Args:
        networks: The networks, such as ``[critic, generator]``.

    Raises:
        ValueError: A network is none, or FSDP shards it; or ranks have tensors of other names, shapes or dtypes.

    Example:
        >>> import torch
        >>> from gankit.training import broadcast_state
        >>> critic, generator = torch.nn.Linear(2, 1), torch.nn.Linear(3, 2)
        >>> broadcast_state([critic, generator])
    """
    if isinstance(networks, nn.Module):
        raise ValueError(f"networks must be a sequence of networks, got one {type(networks).__name__}: write [it]")
    if not isinstance(networks, Iterable):
        raise ValueError(f"networks must be a sequence of networks, got {brief(networks)}")
    tensors: dict[torch.Tensor, str] = {}
    for network in networks:
        if not isinstance(network, nn.Module):
            raise ValueError(f"networks must hold networks, got {type(network).__name__}")
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            if is_sharded(tensor):
                raise ValueError(f"networks must not be sharded by FSDP, got pieces of {name}")
            tensors.setdefault(tensor, name)
    if world_size() == 1 or not tensors:
        return
    described = [(name, tuple(tensor.shape), str(tensor.dtype)) for tensor, name in tensors.items()]
    if not _is_equal(zlib.crc32(repr(described).encode()), next(iter(tensors)).device):
        raise ValueError(
            "networks must have tensors of the same names, shapes and dtypes on all ranks, but they differ"
        )
    for group in _alike(tensor.detach() for tensor in tensors):
        joined = torch.cat([tensor.reshape(-1) for tensor in group])
        distributed.broadcast(joined, 0)
        _spread(joined, group)


def refuse_wrapper(module: nn.Module, part: str) -> None:
    """Refuse a module that reduces gradients in hooks, which `part`, a gradient part, would leave out or repeat.

    Raises:
        ValueError: The module is a data-parallel wrapper, or FSDP shards it.
    """
    kinds = {kind.__name__ for kind in type(module).__mro__}
    if kinds & {"FSDPModule", "FullyShardedDataParallel"}:
        raise ValueError(f"{part} cannot train a network that FSDP shards, got {type(module).__name__}: use Eager()")
    if kinds & {"DistributedDataParallel", "DataParallel"}:
        raise ValueError(
            f"{part} takes networks without a wrapper, got one in {type(module).__name__}: call the bare network in the terms, "
            "pass no wrapper as `network`, and let AveragedOverRanks average the gradients"
        )


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
    failed = on_any_rank(error is not None, device)
    if error is not None:
        raise error
    if failed:
        raise ValueError("the first call failed on another rank: see the message of that rank")


class Ballot:
    """Whether a graph is compiled, which ranks decide together, before any of them runs it: they may meet in it.

    Args:
        compiler: A backend of ``torch.compile``.
        device: Where ranks exchange a flag.
    """

    def __init__(self, compiler: Callable[..., Any], device: torch.device) -> None:
        self._compiler, self._device = compiler, device
        self._is_open = True

    def compile(self, graph: Any, inputs: Any) -> Callable[..., Any]:
        """Compile the graph: the backend for ranks."""
        function = self._compiler(graph, inputs)
        self.cast(compiled=True)
        return function

    def cast(self, *, compiled: bool) -> None:
        """Say how it went on this rank. Only the first call counts.

        Raises:
            RuntimeError: It was compiled here, but not on another rank.
        """
        is_open, self._is_open = self._is_open, False
        if is_open and on_any_rank(not compiled, self._device) and compiled:
            raise RuntimeError("another rank cannot compile them")


def _check_bare(loss: Loss) -> None:
    for module in () if loss.network is None else loss.network.modules():
        refuse_wrapper(module, "AveragedOverRanks")
    if any(is_sharded(parameter) for parameter in loss.parameters):
        raise ValueError("AveragedOverRanks takes no parameters that FSDP2 shards, which are reduced by FSDP2 itself")


def _check_equal(layout: int, device: torch.device) -> None:
    if not _is_equal(layout, device):
        raise ValueError(
            "an update must have the same costs, and gradients of the same parameters, on all ranks, but they differ"
        )


def _is_equal(number: int, device: torch.device) -> bool:
    ends = torch.tensor([number, -number], dtype=torch.int64, device=device)
    distributed.all_reduce(ends, distributed.ReduceOp.MAX)
    return int(ends[0]) == -int(ends[1])


@torch.no_grad()
def _average_(tensors: Iterable[torch.Tensor]) -> None:
    ranks = world_size()
    for group in _alike(tensors):
        joined = torch.cat([tensor.reshape(-1) for tensor in group])
        distributed.all_reduce(joined)
        _spread(joined.div_(ranks), group)


def _alike(tensors: Iterable[torch.Tensor]) -> list[list[torch.Tensor]]:
    groups: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = {}
    for tensor in tensors:
        groups.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    return list(groups.values())


def _spread(joined: torch.Tensor, tensors: Sequence[torch.Tensor]) -> None:
    parts = joined.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view(tensor.shape))
