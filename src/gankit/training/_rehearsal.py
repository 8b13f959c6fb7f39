"""The first evaluation of a loss, run eagerly and undone: a compiled form is trusted if it computes the same."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from gankit._core import Scalar
from gankit.training._graphs import (
    Cuts,
    Reached,
    check_differentiable,
    clear_gradients,
    memory_of,
    reached_leaves,
    refuse_filled,
    tensors_in,
)
from gankit.training._loss import Loss, Values
from gankit.training._saving import load_random_state, random_state

_BATCH_STATISTICS = ("running_mean", "running_var")
"""Batch norm writes to these, which its schema does not say."""


class Recorder(TorchDispatchMode):
    """Note, while active, what operations change outside of themselves, so that it can be put back.

    These are tensors that existed before, and random states: the default ones, those of generators that operations are given,
    of Python and of NumPy.

    Attributes:
        lowest: The floating-point type of the lowest precision that an operation returned.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lowest = torch.float64
        self._random = random_state()
        self._generators: dict[torch.Generator, torch.Tensor] = {}
        self._written: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._made: set[int] = set()

    def restore(self) -> None:
        """Put everything back, as often as it is called."""
        for tensor, kept in reversed(self._written):
            tensor.data.copy_(kept)  # by `data`, since the graph of a shared input may have saved the tensor
        for generator, state in self._generators.items():
            generator.set_state(state)
        load_random_state(self._random)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Note what the operation is about to change, and run it."""
        kwargs = kwargs or {}
        declared = func._schema.arguments  # noqa: SLF001 (no public name)
        given: dict[str, Any] = {**dict(zip((each.name for each in declared), args, strict=False)), **kwargs}
        for argument in declared:
            value = given.get(argument.name)
            if argument.is_write or argument.name in _BATCH_STATISTICS:
                self._keep(tensors_in(value))
            if isinstance(value, torch.Generator) and value not in self._generators:
                self._generators[value] = value.get_state()
        earlier = {memory_of(tensor) for tensor in tensors_in((args, kwargs))}
        result = func(*args, **kwargs)
        for tensor in tensors_in(result):
            if tensor.is_floating_point() and torch.finfo(tensor.dtype).eps > torch.finfo(self.lowest).eps:
                self.lowest = tensor.dtype
            if memory_of(tensor) not in earlier:
                self._made.add(memory_of(tensor))
        return result

    def _keep(self, tensors: Sequence[torch.Tensor]) -> None:
        outside = (
            tensor for tensor in tensors if tensor.layout is torch.strided and memory_of(tensor) not in self._made
        )
        self._written += [(tensor, tensor.detach().clone()) for tensor in outside]


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """What the eager evaluation found.

    Args:
        values: Costs and readings, detached.
        gradients: As `Loss.differentiated` returns them.
        modules: All modules that were called.
        recorder: Puts back what the evaluation changed; that is done already, and can be done again.
    """

    values: Values
    gradients: Sequence[torch.Tensor | None]
    modules: Sequence[nn.Module]
    recorder: Recorder


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
    recorder, called = Recorder(), dict[nn.Module, None]()
    others: list[Reached] = []
    try:
        with recorder, _noting_calls(called, look):
            values, gradients = _evaluated(loss, scale, _apart(inputs), others)
        if loss.check is not None:
            refuse_filled(others, inputs)
    finally:
        recorder.restore()
        for parameter, gradient in zip(loss.parameters, kept, strict=True):
            parameter.grad = gradient
        for each in others:
            if each.was_empty and (leaf := each.leaf()) is not None:
                leaf.grad = None
    return Rehearsal(values, gradients, list(called), recorder)


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


@contextmanager
def _noting_calls(called: dict[nn.Module, None], look: Callable[[nn.Module], None]) -> Iterator[None]:
    def note(module: nn.Module, _: object) -> None:
        if module not in called:
            look(module)
            called[module] = None

    handle = register_module_forward_pre_hook(note)
    try:
        with warnings.catch_warnings():  # a module that is compiled by itself is noted twice, which does no harm
            warnings.filterwarnings("ignore", "Using `torch.compile.*global hooks on modules")
            yield
    finally:
        handle.remove()
