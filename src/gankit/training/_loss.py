"""What an update differentiates: named costs of its inputs, their sum, and the gradient of that sum."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import nn
from torch.utils import _pytree as pytree

from gankit._core import Scalar
from gankit.training._ranks import is_sharded

NamedScalars: TypeAlias = Mapping[str, Scalar]
"""Several 0-d tensors by name."""
Terms: TypeAlias = Callable[..., NamedScalars | tuple[NamedScalars, NamedScalars]]
"""The update's inputs in, named 0-d tensors out: the costs, or ``(costs, readings)``.

Costs are summed and differentiated, readings are only logged. Terms must be pure: they write nothing outside themselves and
read no Python value that changes between calls, since a compiled or replayed step runs no Python. What changes over time is
a 0-d tensor that is filled in place; what updates share is an input.
"""


class Values(NamedTuple):
    """What the terms of an update returned.

    Args:
        costs: What is summed and differentiated, by name.
        readings: What is only logged, by name.

    Example:
        >>> import torch
        >>> from gankit.training import Values
        >>> Values({"loss": torch.tensor(2.0)}, {"score": torch.tensor(3.0)}).together()
        {'loss': tensor(2.), 'score': tensor(3.)}
    """

    costs: dict[str, Scalar]
    readings: dict[str, Scalar]

    def detached(self) -> "Values":
        """Return the values cut from their graphs, so that logging one keeps no graph in memory."""
        return Values(*({name: value.detach() for name, value in named.items()} for named in self))

    def together(self) -> dict[str, Scalar]:
        """Return costs and readings in one dict."""
        return {**self.costs, **self.readings}


def no_scale() -> None:
    """Return None: the costs are differentiated as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """The terms of an update and the parameters that they are differentiated by.

    A loss holds no optimizer and no gradient, so that any part can differentiate it: eagerly, in parts, or compiled.

    Args:
        terms: The update's terms.
        parameters: What the optimizer holds.
        network: The wrapper that the terms call, or None; see `Update`.
        scale: Returns the factor of the sum of costs, a 0-d tensor, or None for no factor. float16 needs one.
        check: Called by eager gradient parts with the costs, and with the inputs they cut from their graphs, before the
            backward pass; it raises ``ValueError`` where the costs reach wrong parameters. None: no check.

    Example:
        >>> import torch
        >>> from gankit.training import Loss
        >>> weight = torch.nn.Parameter(torch.tensor(3.0))
        >>> loss = Loss(lambda x: ({"cost": (weight * x).mean()}, {"input": x.mean()}), (weight,))
        >>> loss.differentiated(None, torch.tensor([1.0, 3.0]))
        (Values(costs={'cost': tensor(6.)}, readings={'input': tensor(2.)}), [tensor(2.)])
    """

    terms: Terms
    parameters: Sequence[nn.Parameter]
    network: nn.Module | None = None
    scale: Callable[[], Scalar | None] = no_scale
    check: Callable[..., None] | None = None

    def evaluate(self, *inputs: Any) -> Values:
        """Return costs and readings of the inputs, with their graphs.

        Raises:
            ValueError: The terms are not mappings of distinct names to 0-d floating-point tensors, or there is no cost.
        """
        found = self.terms(*inputs)
        costs, readings = found if isinstance(found, tuple) and len(found) == 2 else (found, {})
        _check_named("terms", costs)
        if not costs:
            raise ValueError("terms must return at least one named cost, got an empty mapping")
        _check_named("readings", readings)
        twice = sorted(costs.keys() & readings.keys())
        if twice:
            raise ValueError(f"costs and readings must have different names, got {twice} in both")
        return Values(dict(costs), dict(readings))

    def total(self, costs: NamedScalars, scale: Scalar | None) -> Scalar:
        """Return the sum of the costs, times `scale` if it is not None."""
        first, *others = costs.values()
        for other in others:
            first = first + other
        return first if scale is None else first * scale

    def differentiated(self, scale: Scalar | None, *inputs: Any) -> tuple[Values, list[torch.Tensor | None]]:
        """Return costs and readings, detached, and the gradients of the total: one function without side effects.

        This is what can be traced, compiled and replayed. Nothing is written to ``.grad``, and `check` is not called.

        Args:
            scale: The factor of the sum, an input so that a trace does not freeze it.
            inputs: The update's inputs. Tensors among them that require gradients are treated as leaves.

        Returns:
            Costs and readings, and one gradient for each parameter, then one for each tensor of the inputs that requires
            gradients, in order; None where there is none.
        """
        targets = [*self.parameters, *(tensor for tensor in tensors_in(inputs) if tensor.requires_grad)]
        values = self.evaluate(*inputs)
        wanted = [target for target in targets if target.requires_grad]
        found = iter(torch.autograd.grad(self.total(values.costs, scale), wanted, allow_unused=True))
        return values.detached(), [next(found) if target.requires_grad else None for target in targets]


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Inputs that carry a graph, such as a shared fake, cut so that the graph is walked once at the end.

    Args:
        inputs: The inputs with each such tensor replaced by a leaf.
        pairs: Each leaf and the tensor it replaces.
    """

    inputs: tuple[Any, ...]
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]

    @classmethod
    def of(cls, inputs: tuple[Any, ...]) -> "Cuts":
        """Cut tensors that require gradients, also inside tuples, lists and dicts."""
        pairs: list[tuple[torch.Tensor, torch.Tensor]] = []

        def cut(value: object) -> object:
            if not isinstance(value, torch.Tensor) or not value.requires_grad:
                return value
            pairs.append((value.detach().requires_grad_(), value))
            return pairs[-1][0]

        return cls(pytree.tree_map(cut, inputs), pairs)

    def send_back(self) -> None:
        """Go backward from each leaf's gradient into the graph of the tensor that it replaced."""
        reached = [(tensor, leaf.grad) for leaf, tensor in self.pairs if leaf.grad is not None]
        if reached:
            torch.autograd.backward([tensor for tensor, _ in reached], [gradient for _, gradient in reached])


def tensors_in(inputs: object) -> list[torch.Tensor]:
    """Return all tensors of the inputs, also those inside tuples, lists and dicts."""
    return [leaf for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, torch.Tensor)]


def clear_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Drop the gradients of earlier calls."""
    for parameter in parameters:
        parameter.grad = None


def check_reach(costs: NamedScalars, parameters: Sequence[nn.Parameter], cuts: Cuts | None = None) -> None:
    """Refuse costs that would leave gradients in parameters of another network, or none in the optimizer's own.

    Args:
        costs: Costs with their graphs.
        parameters: What the optimizer holds.
        cuts: Inputs that were cut; the walk goes on in the graphs of those that the costs reach.

    Raises:
        ValueError: A parameter is reached that the optimizer does not hold, or none is reached.
    """
    if any(is_sharded(parameter) for parameter in parameters):
        return  # sharded parameters are gathered into other tensors before the forward pass: the graph ends in those
    own = {id(parameter) for parameter in parameters}
    reached = list(_reached(costs, {} if cuts is None else {id(leaf): tensor for leaf, tensor in cuts.pairs}))
    # Leaves that are not parameters are points of a penalty; their gradients go away with the graph.
    foreign = [leaf for leaf in reached if id(leaf) not in own and isinstance(leaf, nn.Parameter)]
    if foreign:
        shapes = ", ".join(str(tuple(parameter.shape)) for parameter in foreign[:3])
        raise ValueError(
            f"terms must reach only parameters of the optimizer, got gradients for {len(foreign)} others (shapes {shapes}"
            f"{', ...' if len(foreign) > 3 else ''}): name their network in `frozen`, or draw the fake samples under "
            "torch.no_grad() or detach them"
        )
    if not any(id(leaf) in own for leaf in reached):
        raise ValueError(
            f"terms must depend on a parameter of the optimizer, got {sorted(costs)} without any: is the network in "
            "`frozen`, or called under torch.no_grad()?"
        )


def _check_named(what: str, values: object) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} must be a mapping of names to 0-d tensors, got {type(values).__name__}")
    for name, value in values.items():
        if not isinstance(name, str):
            raise ValueError(f"{what} must be named by strings, got {name!r}")
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"{what}[{name!r}] must be a 0-d tensor, got {type(value).__name__}")
        if value.ndim != 0:
            raise ValueError(f"{what}[{name!r}] must be a 0-d tensor, got shape {tuple(value.shape)}")
        if not value.is_floating_point():
            raise ValueError(f"{what}[{name!r}] must be a floating-point tensor, got dtype {value.dtype}")


def _reached(costs: NamedScalars, replaced: Mapping[int, torch.Tensor]) -> Iterator[torch.Tensor]:
    waiting: list[Any] = [cost.grad_fn for cost in costs.values() if cost.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        following = [function for function, _ in node.next_functions]
        variable = getattr(node, "variable", None)
        if id(variable) in replaced:
            following.append(replaced[id(variable)].grad_fn)
        elif variable is not None:
            yield variable
        for function in following:
            if function is not None and function not in seen:
                seen.add(function)
                waiting.append(function)
