"""How the gradient of an update is computed: the part behind ``Update(gradients=...)``."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from gankit._core import Scalar
from gankit.training._graphs import check_differentiable, clear_gradients
from gankit.training._loss import Loss, Values


class Gradients(Protocol):
    """Anything that leaves the gradient of a loss in the ``.grad`` of its parameters.

    A part that averages gradients over ranks itself, as `AveragedOverRanks` does, has an attribute ``averages_ranks = True``.
    The terms then call bare networks, and `Update` does not look for a wrapper.

    Example:
        >>> import torch
        >>> from gankit.training import Eager, Update
        >>> class Noisy:  # gradients with noise, as differentially private training needs
        ...     def __call__(self, loss, inputs):
        ...         values = Eager()(loss, inputs)
        ...         for parameter in loss.parameters:
        ...             parameter.grad += 0.1 * torch.randn_like(parameter)
        ...         return values
        >>> weight = torch.nn.Parameter(torch.tensor(3.0))
        >>> update = Update(torch.optim.SGD([weight]), lambda x: {"loss": (weight * x).mean()}, gradients=Noisy())
        >>> update(torch.tensor([1.0, 3.0]))
        {'loss': tensor(6.)}
    """

    def __call__(self, loss: Loss, inputs: tuple[Any, ...], /) -> Values:
        """Return costs and readings, detached; afterwards ``.grad`` *is* the gradient of this call's total.

        The part itself clears or overwrites what earlier calls left, so that one may write into fixed memory. A gradient must
        have the strides of its parameter: fused optimizers process both in the order in which they are stored. The total has
        the factor `Loss.scale`, unless that returns None: a scale for float16, and the share of a part under `Accumulated`.

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
    reads, would take another convolution through the first layer. (Points of less than 4096 numbers in all get theirs: it takes
    longer to leave them out.)

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
        costs, readings = values
        return Values(
            {name: _own(value) for name, value in costs.items()},
            {name: _own(value) for name, value in readings.items()},
        )


def _targets(loss: Loss, inputs: tuple[Any, ...]) -> list[nn.Parameter] | None:
    """Return the leaves that need a gradient, or None for all: wrappers and inputs with graphs may need those of others."""
    if loss.network is not None:
        return None
    for value in inputs:
        if value is not None and (not isinstance(value, torch.Tensor) or value.requires_grad):
            return None
    return [parameter for parameter in loss.parameters if parameter.requires_grad]


def _own(value: Scalar) -> Scalar:
    """Return a detached value that does not share memory with a parameter or a tensor that is filled in place."""
    detached = value.detach()
    return detached.clone() if value.is_leaf or value._is_view() else detached  # noqa: SLF001 (no public name)
