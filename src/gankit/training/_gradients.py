"""How the gradient of an update is computed: the part behind ``Update(gradients=...)``."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import torch
from torch import nn

from gankit._core import Scalar, batch_in_parts, check_at_least
from gankit.training._graphs import Cuts, check_differentiable, clear_gradients
from gankit.training._loss import Loss, NamedScalars, Values
from gankit.training._ranks import sharded_modules
from gankit.training._split import part_of, splittable_size


class Gradients(Protocol):
    """Anything that leaves the gradient of a loss in the ``.grad`` of its parameters.

    A part that averages gradients over ranks itself has an attribute ``averages_ranks = True``. The terms then call bare
    networks, and `Update` does not look for a wrapper.
    """

    def __call__(self, loss: Loss, inputs: tuple[Any, ...], /) -> Values:
        """Return costs and readings, detached; afterwards ``.grad`` *is* the gradient of this call's total.

        The part itself clears or overwrites what earlier calls left, so that one may write into fixed memory. A gradient must
        have the strides of its parameter: fused optimizers process both in the order in which they are stored.

        Args:
            loss: What to differentiate.
            inputs: What the update was called with. A tensor among them may carry a graph, such as a fake that two updates
                share; its gradient goes on into that graph.
        """
        ...


@dataclass(frozen=True, slots=True)
class Eager:
    """One forward pass, then one backward pass of the sum of the costs. The default.

    There is one backward pass, since data-parallel wrappers reduce gradients once for each. Once an update has checked what its
    costs reach, the pass computes gradients of the optimizer's parameters only; those of a penalty's points, which nobody
    reads, would take another convolution through the first layer.

    Example:
        >>> import torch
        >>> from gankit.training import Eager, Loss
        >>> weight = torch.nn.Parameter(torch.tensor(3.0))
        >>> Eager()(Loss(lambda x: {"cost": (weight * x).mean()}, (weight,)), (torch.tensor([1.0, 3.0]),))
        Values(costs={'cost': tensor(6.)}, readings={})
        >>> weight.grad
        tensor(2.)
    """

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        """Evaluate the loss and go backward through its total."""
        clear_gradients(loss.parameters)
        values = loss.evaluate(*inputs)
        fills_all = loss.check is None or loss.check(values.costs, None)
        total = loss.total(values.costs, loss.scale())
        check_differentiable(total, values.costs)
        total.backward(inputs=None if fills_all else _targets(loss, inputs))
        return Values(*({name: _own(value) for name, value in named.items()} for named in values))


@dataclass(frozen=True, slots=True)
class Accumulated:
    """Split the batch into `parts`, one forward and one backward pass each, for one step.

    Tensors among the inputs are split along their first axis, also inside tuples, lists and dicts; parts may differ by one
    sample and are weighted by their share, so that a mean over the batch stays the mean over the whole batch. Values that
    are not tensors, and 0-d tensors, go to every part as they are; other objects that hold tensors are refused.

    The result equals that of the whole batch where each term
    is a mean over samples that are treated separately. What needs the whole batch at once, such as
    `gankit.losses.relativistic_average_critic_loss`, raises; batch normalization sees one part only. Random numbers that the
    terms draw are drawn part by part; pass them as inputs to get the same numbers. Data-parallel wrappers reduce gradients
    with the last part only.

    Args:
        parts: Number of parts, 1 or more.

    Raises:
        ValueError: `parts` is not a whole number above 0; or, at a call, the inputs hold no batch or something that cannot be
            split, batches differ in size or have fewer samples than there are parts, or parts return terms of different names.

    Example:
        >>> import torch
        >>> from gankit.training import Accumulated, Loss
        >>> weight = torch.nn.Parameter(torch.tensor(3.0))
        >>> loss = Loss(lambda x: {"cost": (weight * x).mean()}, (weight,))
        >>> Accumulated(2)(loss, (torch.tensor([1.0, 2.0, 6.0]),))
        Values(costs={'cost': tensor(9.)}, readings={})
        >>> weight.grad
        tensor(3.)
    """

    parts: int

    def __post_init__(self) -> None:
        """Check the number of parts."""
        check_at_least("parts", self.parts, 1)

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        """Go forward and backward part by part, and return the terms of the whole batch."""
        size = splittable_size(inputs, self.parts)
        clear_gradients(loss.parameters)
        cuts = Cuts.of(inputs)
        scale = loss.scale()
        means: Values | None = None
        edges = [size * edge // self.parts for edge in range(self.parts + 1)]
        for start, stop in pairwise(edges):
            share, last = (stop - start) / size, stop == size
            with _as_part(self.parts), nullcontext() if last else _without_reduction(loss.network):
                values = loss.evaluate(*part_of(cuts.inputs, start, stop))
                if loss.check is not None:
                    loss.check(values.costs, cuts)
                total = loss.total(values.costs, scale) * share
                check_differentiable(total, values.costs)
                total.backward()
            part = Values(*({name: value * share for name, value in named.items()} for named in values.detached()))
            means = part if means is None else Values(*map(_summed, means, part))
        cuts.send_back()
        assert means is not None  # there is at least one part
        return means


def _targets(loss: Loss, inputs: tuple[Any, ...]) -> list[nn.Parameter] | None:
    """Return the leaves that need a gradient, or None for all: wrappers and inputs with graphs may need those of others."""
    plain = all(value is None or (isinstance(value, torch.Tensor) and not value.requires_grad) for value in inputs)
    if loss.network is not None or not plain:
        return None
    return [parameter for parameter in loss.parameters if parameter.requires_grad]


def _own(value: Scalar) -> Scalar:
    """Return a detached value that does not share memory with a parameter or a tensor that is filled in place."""
    detached = value.detach()
    return detached.clone() if value.is_leaf or value._is_view() else detached  # noqa: SLF001 (no public name)


def _summed(one: NamedScalars, other: NamedScalars) -> dict[str, Scalar]:
    if one.keys() != other.keys():
        raise ValueError(f"terms must be the same in each part, got {sorted(one)} and {sorted(other)}")
    return {name: value + other[name] for name, value in one.items()}


def _as_part(parts: int) -> AbstractContextManager[None]:
    return batch_in_parts() if parts > 1 else nullcontext()


@contextmanager
def _without_reduction(network: nn.Module | None) -> Iterator[None]:
    no_sync: Callable[[], AbstractContextManager[None]] | None = getattr(network, "no_sync", None)
    parts = [] if network is None else sharded_modules(network)
    for part in parts:
        part.set_requires_gradient_sync(False, recurse=False)
    try:
        with nullcontext() if no_sync is None else no_sync():
            yield
    finally:
        for part in parts:
            part.set_requires_gradient_sync(True, recurse=False)
