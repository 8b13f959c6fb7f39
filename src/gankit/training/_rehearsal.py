"""An evaluation of a loss, run eagerly and undone: a compiled form is trusted if it computes the same."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from gankit._core import Scalar
from gankit.training._graphs import (
    Cuts,
    Reached,
    check_differentiable,
    clear_gradients,
    reached_leaves,
    refuse_filled,
)
from gankit.training._loss import Loss, Values
from gankit.training._observer import Observer


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """What the eager evaluation found.

    Args:
        values: Costs and readings, detached.
        gradients: As `Loss.differentiated` returns them.
        written: Copies of what the evaluation wrote to, such as batch statistics, as it left them.
        observer: Knows the modules that were called and the precision, and puts back what the evaluation changed; that is
            done already, and can be done again.
    """

    values: Values
    gradients: Sequence[torch.Tensor | None]
    written: Sequence[torch.Tensor]
    observer: Observer

    def refuse_other(
        self, values: Values, gradients: Sequence[torch.Tensor | None], tolerance: float | None = None
    ) -> None:
        """Refuse values, gradients and buffers that differ; call it before `observer.restore`.

        Values and gradients that are not finite are the stepper's.

        Args:
            values: What a compiled form of the loss returned.
            gradients: Its gradients.
            tolerance: The largest difference of a gradient, as a share of its length. None: by the lowest precision.

        Raises:
            ValueError: They differ.
        """
        usual, least = _limits(self.observer.lowest)
        tolerance = usual if tolerance is None else tolerance
        lengths = [_length(gradient) for gradient in self.gradients]
        shortest = least * math.hypot(*lengths)
        if not math.isfinite(shortest):
            return
        for position, (eager, compiled) in enumerate(zip(self.gradients, gradients, strict=True)):
            difference = _length(_difference(eager, compiled))
            if not difference <= tolerance * max(lengths[position], shortest):
                raise ValueError(_message(f"{self._which(position)}, of length {lengths[position]:.3g},", difference))
        costs = [(f"cost {name!r}", eager, values.costs[name]) for name, eager in self.values.costs.items()]
        buffers = [
            (f"a buffer of shape {tuple(eager.shape)}", eager, now)
            for eager, now in zip(self.written, self.observer.written, strict=True)
        ]
        for what, eager, now in (*costs, *buffers):
            difference, length = _length(_difference(eager, now)), _length(eager)
            if math.isfinite(length) and not difference <= tolerance * max(length, 1.0):
                raise ValueError(_message(f"{what}, of length {length:.3g},", difference))

    def _which(self, position: int) -> str:
        """Return whose gradient one is: parameters come first, in the order of the optimizer, then inputs."""
        gradient = self.gradients[position]
        shape = "" if gradient is None else f", of shape {tuple(gradient.shape)}"
        return f"the gradient number {position} (parameters of the optimizer, then inputs){shape}"


def rehearse(
    loss: Loss, scale: Scalar | None, inputs: tuple[Any, ...], look: Callable[[nn.Module], None] = lambda _: None
) -> Rehearsal:
    """Evaluate the loss eagerly, call its check, go backward, and put back what that changed, also after an error.

    The whole graph is walked by ``.backward()``. To ask for the gradients of parameters alone would hide an error: torch then
    silently drops a second derivative of modules that are compiled by themselves and have parametrized weights only.

    Args:
        loss: The loss.
        scale: The factor of the sum of its costs.
        inputs: The inputs of its terms.
        look: Called with each module before the module runs; it may raise.

    Raises:
        ValueError: The terms are refused, by themselves, by the loss or by its check.
    """
    kept = [parameter.grad for parameter in loss.parameters]
    observer = Observer(keep=True, look=look)
    others: list[Reached] = []
    try:
        with observer:
            values, gradients = _evaluated(loss, scale, _apart(inputs), others)
        written = [tensor.clone() for tensor in observer.written]
        if loss.check is not None:
            refuse_filled(others, inputs)
    finally:
        observer.restore()
        for parameter, gradient in zip(loss.parameters, kept, strict=True):
            parameter.grad = gradient
        for each in others:
            if each.was_empty and (leaf := each.leaf()) is not None:
                leaf.grad = None
    return Rehearsal(values, gradients, written, observer)


def _evaluated(
    loss: Loss, scale: Scalar | None, cuts: Cuts, others: list[Reached]
) -> tuple[Values, list[torch.Tensor | None]]:
    """Return values and gradients; note leaves that neither the optimizer nor the inputs hold in `others`."""
    clear_gradients(loss.parameters)
    values = loss.evaluate(*cuts.inputs)
    if loss.check is not None:
        loss.check(values.costs, cuts)
    total = loss.total(values.costs, scale)
    check_differentiable(total, values.costs)
    targets = [*loss.parameters, *(leaf for leaf, _ in cuts.pairs)]
    own = {id(target) for target in targets}
    reached = reached_leaves(values.costs, {})
    others += [Reached.now(leaf) for leaf in reached if leaf.is_leaf and id(leaf) not in own]
    total.backward()
    return values.detached(), [target.grad for target in targets]


def _apart(inputs: tuple[Any, ...]) -> Cuts:
    """Cut all tensors of the inputs from their owners, since terms may call ``requires_grad_()`` on one."""
    pairs: list[tuple[torch.Tensor, torch.Tensor]] = []

    def cut(value: object) -> object:
        if not isinstance(value, torch.Tensor):
            return value
        leaf = value.detach().requires_grad_(value.requires_grad)
        pairs.extend([(leaf, value)] if value.requires_grad else [])
        return leaf

    return Cuts(pytree.tree_map(cut, inputs), pairs)


def _limits(lowest: torch.dtype) -> tuple[float, float]:
    """Return how far a gradient may be off, as a share of its length, and how short one may be, as a share of all together."""
    if lowest is torch.float64:
        return 1e-6, 1e-3
    return (1e-2, 1e-2) if lowest is torch.float32 else (0.2, 1.0)


def _difference(eager: torch.Tensor | None, compiled: torch.Tensor | None) -> torch.Tensor | None:
    return (eager if compiled is None else compiled) if eager is None or compiled is None else compiled - eager


def _length(tensor: torch.Tensor | None) -> float:
    return 0.0 if tensor is None else float(torch.linalg.vector_norm(tensor.double()))


def _message(what: str, difference: float) -> str:
    return (
        f"the compiled form must compute what the terms compute eagerly, got {what} that differs by {difference:.3g}. "
        "Usual causes: a torch.autograd.Function under a penalty, which torch compiles wrongly; a hook of a parameter; terms "
        "that change what they read, such as a counter or a list. Write it with torch's operations and without these, or use "
        "gradients=Eager(). If the difference is rounding, give Compiled a larger tolerance"
    )
