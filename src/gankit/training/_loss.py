"""What an update differentiates: named costs of its inputs, their sum, and the gradient of that sum."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import nn

from gankit._core import Scalar
from gankit.training._graphs import Cuts, check_differentiable, memory_of, refuse_dropped, send_back, tensors_in
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
        """Return copies cut from their graphs, which change with nothing that the terms read and keep no graph in memory."""
        return Values(*({name: value.detach().clone() for name, value in named.items()} for named in self))

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
        check: A function of the costs and of the `Cuts` of the inputs (or None), which gradient parts that run eagerly call
            before the backward pass; it raises ``ValueError`` if the costs reach wrong parameters. It returns True if this
            backward pass is to fill every leaf: the update looks at them afterwards, or there are none but parameters. None:
            no check.

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
    check: Callable[..., bool | None] | None = None

    def evaluate(self, *inputs: Any) -> Values:
        """Return costs and readings of the inputs, with their graphs.

        Raises:
            ValueError: The terms are not mappings of distinct names to 0-d floating-point tensors, or there is no cost.
        """
        found: Any = self.terms(*inputs)
        pair = isinstance(found, tuple) and len(found) == 2
        if not pair and not isinstance(found, Mapping):
            what = f"a tuple of {len(found)}" if isinstance(found, tuple) else type(found).__name__
            raise ValueError(
                f"terms must return costs, or (costs, readings), as mappings of names to 0-d tensors, got {what}"
            )
        costs: Any
        readings: Any
        costs, readings = found if pair else (found, None)
        check_named("costs", costs)
        if not costs:
            raise ValueError("terms must return at least one named cost, got an empty mapping")
        if not pair:
            return Values(dict(costs), {})
        check_named("readings", readings)
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
            inputs: The update's inputs. Tensors among them that require gradients are cut from their graphs.

        Returns:
            Costs and readings, and one gradient for each parameter, then one for each tensor of the inputs that requires
            gradients, in order; None if the costs do not depend on it. `assign` puts them in place.

        Raises:
            ValueError: The terms are refused as by `evaluate`, or differentiate a compiled module twice.
        """
        cuts = Cuts.of(inputs)
        targets = [*self.parameters, *(leaf for leaf, _ in cuts.pairs)]
        values = self.evaluate(*cuts.inputs)
        total = self.total(values.costs, scale)
        if not torch.compiler.is_compiling():
            check_differentiable(total, values.costs)
            refuse_dropped(total)
        wanted = [target for target in targets if target.requires_grad]
        found = iter(torch.autograd.grad(total, wanted, allow_unused=True))
        return values.detached(), [next(found) if target.requires_grad else None for target in targets]

    def cut(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the inputs with each tensor that requires gradients replaced by a leaf.

        Call a compiled form of `differentiated` with these: ``torch.compile`` warns of inputs that carry a graph.
        """
        return Cuts.of(inputs).inputs

    def assign(self, gradients: Sequence[torch.Tensor | None], inputs: tuple[Any, ...]) -> None:
        """Put gradients that `differentiated` returned in place: the last step of a gradient part of your own.

        ``.grad`` of each parameter is replaced, with the parameter's strides and memory of its own. The gradients of inputs
        that carry a graph, such as a shared fake, go backward into that graph.

        Args:
            gradients: What `differentiated` returned, or the same from a compiled or replayed form of it.
            inputs: The inputs that it was called with.
        """
        count = len(self.parameters)
        own = own_gradients(self.parameters, gradients[:count])
        for parameter, gradient in zip(self.parameters, own, strict=True):
            parameter.grad = gradient
        carriers = [tensor for tensor in tensors_in(inputs) if tensor.requires_grad]
        send_back(zip(carriers, gradients[count:], strict=True))


def own_gradients(
    parameters: Sequence[nn.Parameter], gradients: Sequence[torch.Tensor | None]
) -> list[torch.Tensor | None]:
    """Return the gradients with the strides of their parameters, no two of them in the same memory.

    ``torch.autograd.grad`` returns one tensor for two parameters that are added, and steppers change gradients in place.
    """
    own: list[torch.Tensor | None] = []
    used: set[int] = set()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is None:
            own.append(None)
            continue
        laid_out = _laid_out_as(parameter, gradient)
        own.append(laid_out.clone() if memory_of(laid_out) in used else laid_out)
        used.add(memory_of(laid_out))
    return own


def check_named(what: str, values: object) -> None:
    """Refuse what is not a mapping of names to 0-d floating-point tensors."""
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


def _laid_out_as(parameter: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    if gradient.layout is not parameter.layout or gradient.stride() == parameter.stride() or is_sharded(parameter):
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
