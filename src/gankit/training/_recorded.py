"""A recorded step: fixed memory for inputs, values and gradients, and one call that fills it anew."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch.utils import _pytree as pytree

from gankit._core import Scalar
from gankit.training._graphs import memory_of, send_back, tensors_in
from gankit.training._loss import Loss, Values, own_gradients
from gankit.training._observer import Observer
from gankit.training._recorders import Recorder, same_random_numbers

TOLERANCES = {torch.float64: 1e-8, torch.float32: 5e-2}
"""Largest relative difference of a replay from the eager step, by the lowest precision of the step: some CUDA operations add
in another order each time."""
TOLERANCE = 0.2
"""That of lower precisions."""


class Result(NamedTuple):
    """What a step leaves.

    Args:
        names: Names of the costs, then of the readings.
        values: The values of costs and readings in one tensor for each dtype.
        places: For each name the position of its dtype, and its own among the values of that dtype.
        gradients: One for each parameter, then for each input that carries a graph.
    """

    names: tuple[tuple[str, ...], tuple[str, ...]]
    values: tuple[torch.Tensor, ...]
    places: dict[str, tuple[int, int]]
    gradients: list[torch.Tensor | None]

    def copied(self) -> Values:
        """Return costs and readings in memory of their own."""
        copies = [values.clone().unbind() for values in self.values]
        parts = [{name: copies[self.places[name][0]][self.places[name][1]] for name in names} for names in self.names]
        return Values(*parts)


class Recorded:
    """The step of a loss, recorded on fixed memory.

    Args:
        recorder: What records.
        loss: What is differentiated.
        inputs: Inputs of the form and sizes that the recording is for. They are copied.
        state: Tensors that the step may write to: buffers of networks.
    """

    def __init__(self, recorder: Recorder, loss: Loss, inputs: tuple[Any, ...], state: Iterable[torch.Tensor]) -> None:
        self._device = loss.parameters[0].device
        self._loss = loss
        self._state = list({memory_of(tensor): tensor for tensor in state}.values())
        leaves, self._form = pytree.tree_flatten(inputs)
        self._leaves = [leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        self._carries = [isinstance(leaf, torch.Tensor) and leaf.requires_grad for leaf in leaves]
        self._tensors = tensors_in(self._leaves)
        scale = loss.scale()
        self._scale = None if scale is None else scale.clone()
        self._observer = Observer(self._device)
        self._proven = False
        # Casts that autocast keeps belong to the memory of the recording or to an earlier step: neither may be used again.
        torch.clear_autocast_cache()
        try:
            with self._observer:
                self._replay, self._result = recorder.record(self._step)
        except RuntimeError as error:
            raise ValueError(f"terms cannot be recorded: {error}") from error
        finally:
            torch.clear_autocast_cache()

    def __call__(self, inputs: tuple[Any, ...], *, compare: bool = False) -> Values:
        """Replay the step on inputs; afterwards the gradients are in place.

        Args:
            inputs: Inputs of the form and sizes of the recorded ones.
            compare: Run the same step eagerly too, as is always done until a step whose numbers are all finite. Waits for
                the device.

        Raises:
            ValueError: The two differ. Random states and buffers are those from before.
        """
        given = tensors_in(inputs)
        with torch.no_grad():
            self._fill(given)
        if compare or not self._proven:
            self._replay_and_compare()
        else:
            self._replay()
        gradients = self._result.gradients
        count = len(self._loss.parameters)
        for parameter, gradient in zip(self._loss.parameters, gradients[:count], strict=True):
            parameter.grad = gradient
        carriers = [tensor for tensor in given if tensor.requires_grad]
        send_back(zip(carriers, gradients[count:], strict=True))
        return self._result.copied()

    def _replay_and_compare(self) -> None:
        with same_random_numbers(self._device) as restore_random:
            before = [tensor.detach().clone() for tensor in self._state]
            self._replay()
            replayed = [value.clone() for value in self._compared(self._result)]
            self._put_back(before)
            restore_random()
            eager = self._step()
            names = [*eager.places, *(f"gradient {n}" for n, g in enumerate(eager.gradients) if g is not None)]
            names += [f"a buffer of shape {tuple(tensor.shape)}" for tensor in self._state]
            tolerance = TOLERANCES.get(self._observer.lowest, TOLERANCE)
            found = self._compared(eager)
            difference, self._proven = _difference(names, replayed, found, len(eager.places), tolerance)
            if difference is not None:
                self._put_back(before)
                raise ValueError(
                    f"terms must be pure to be replayed, but a replay and the eager step differ in {difference}: terms read "
                    "something in Python that changes, or draw from another generator than the device's own"
                )

    def _put_back(self, values: Sequence[torch.Tensor]) -> None:
        with torch.no_grad():
            for tensor, value in zip(self._state, values, strict=True):
                tensor.data.copy_(value)  # by `data`, since the graph of an input may have saved the buffer

    def _fill(self, given: Sequence[torch.Tensor]) -> None:
        if self._tensors:
            torch._foreach_copy_(self._tensors, [tensor.detach() for tensor in given])
        if self._scale is not None:
            scale = self._loss.scale()
            assert scale is not None
            self._scale.copy_(scale)

    def _step(self) -> Result:
        leaves = [
            leaf.detach().requires_grad_() if carries else leaf
            for leaf, carries in zip(self._leaves, self._carries, strict=True)
        ]
        values, gradients = self._loss.differentiated(self._scale, *pytree.tree_unflatten(leaves, self._form))
        count = len(self._loss.parameters)
        own = own_gradients(self._loss.parameters, gradients[:count])
        together = values.together()
        groups: dict[torch.dtype, list[Scalar]] = {}
        places: dict[str, tuple[int, int]] = {}
        for name, value in together.items():
            group = groups.setdefault(value.dtype, [])
            places[name] = list(groups).index(value.dtype), len(group)
            group.append(value)
        stacked = tuple(torch.stack(group) for group in groups.values())
        return Result((tuple(values.costs), tuple(values.readings)), stacked, places, [*own, *gradients[count:]])

    def _compared(self, result: Result) -> list[torch.Tensor]:
        values = [result.values[group][position] for group, position in result.places.values()]
        return [*values, *(g for g in result.gradients if g is not None), *self._state]


def _difference(
    names: Sequence[str], replayed: Sequence[torch.Tensor], eager: Sequence[torch.Tensor], values: int, tolerance: float
) -> tuple[str | None, bool]:
    """Return where the two differ, and whether all was finite, so that nothing was passed over."""
    if len(replayed) != len(eager):
        return f"the number of values and gradients, {len(replayed)} and {len(eager)}", False
    numbers = torch.stack([_norms(one, other) for one, other in zip(replayed, eager, strict=True)]).tolist()
    finite = [math.isfinite(size) for _, size in numbers]
    largest = max(
        (size for (_, size), usable in zip(numbers[values:], finite[values:], strict=True) if usable), default=0.0
    )
    for position, (name, (difference, size)) in enumerate(zip(names, numbers, strict=True)):
        # A gradient of rounding alone, such as that of a bias before a norm, is compared with the others.
        allowed = tolerance * (size + (1e-2 * largest if position >= values else 1e-2))
        if finite[position] and not difference <= allowed:
            return f"{name} (relative difference {difference / max(size, 1e-30):.1e})", False
    return None, all(finite)


def _norms(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    wide = torch.promote_types(other.dtype, torch.float32)
    one, other = one.detach().to(wide), other.detach().to(wide)
    return torch.stack([torch.linalg.vector_norm(one - other), torch.linalg.vector_norm(other)]).double()
