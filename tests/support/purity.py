"""Training by traces of its losses: what terms do outside their traced operations is lost, so only pure ones train alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing import assert_close
from torch.utils import _pytree as pytree

from gankit.training import Loss, Values
from gankit.training._loss import Cuts


@dataclass
class Replayed:
    """A gradient part that traces its loss at the first call, and from then on replays the trace: no Python of the terms runs.

    Args:
        buffers: What a forward pass may change; put back after tracing, as is the random state.
    """

    buffers: Sequence[torch.Tensor] = ()
    replays: int = 0
    _graph: Callable[..., Any] | None = field(default=None, init=False)

    def __call__(self, loss: Loss, inputs: tuple[Any, ...], /) -> Values:
        """Replay the loss on the inputs; the gradients of inputs that carry a graph go on into it."""
        cuts = Cuts.of(inputs)
        tensors = [one for one in pytree.tree_leaves(cuts.inputs) if isinstance(one, torch.Tensor)]
        if self._graph is None:
            self._graph = self._traced(loss, cuts.inputs, tensors)
        with torch.no_grad():
            values, gradients = self._graph(*tensors)
        self.replays += 1
        leaves = [leaf for leaf, _ in cuts.pairs]
        for target, gradient in zip([*loss.parameters, *leaves], gradients, strict=True):
            # Laid out as the parameter: fused optimizers walk both as they are in memory.
            target.grad = None if gradient is None else torch.empty_like(target, requires_grad=False).copy_(gradient)
        cuts.send_back()
        return values

    def _traced(self, loss: Loss, inputs: tuple[Any, ...], tensors: list[torch.Tensor]) -> Callable[..., Any]:
        flat, structure = pytree.tree_flatten(inputs)

        def whole(*given: torch.Tensor) -> Any:
            following = iter(given)
            rebuilt = [
                next(following).detach().requires_grad_(one.requires_grad) if isinstance(one, torch.Tensor) else one
                for one in flat
            ]
            return loss.differentiated(loss.scale(), *pytree.tree_unflatten(rebuilt, structure))

        random, kept = torch.get_rng_state(), [(buffer, buffer.clone()) for buffer in self.buffers]
        graph = make_fx(whole)(*tensors)
        torch.set_rng_state(random)
        for buffer, before in kept:
            buffer.data.copy_(before)  # by `data`, since the graph of a shared input may have saved the buffer
        return graph


def assert_trains_alike(
    eager: Mapping[str, nn.Module],
    replayed: Mapping[str, nn.Module],
    rounds: Sequence[tuple[Callable[[], object], Callable[[], object]]],
    tolerance: float = 1e-12,
) -> None:
    """Play each round of both trainings with the same draws; afterwards all weights must be equal, and have moved."""
    before = {name: [one.clone() for one in network.parameters()] for name, network in eager.items()}
    for number, both in enumerate(rounds):
        for play in both:
            torch.manual_seed(number)
            play()
    for name, network in eager.items():
        assert_close(dict(replayed[name].state_dict()), dict(network.state_dict()), rtol=tolerance, atol=tolerance)
        moved = [not torch.equal(old, new) for old, new in zip(before[name], network.parameters(), strict=True)]
        assert any(moved), f"{name} was not trained"
