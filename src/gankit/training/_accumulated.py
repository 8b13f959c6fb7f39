"""The gradient of a batch that is split into parts, each differentiated alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from gankit._core import Scalar, batch_in_parts, check_at_least
from gankit.training._gradients import Eager, Gradients
from gankit.training._graphs import Cuts, check_differentiable, clear_gradients
from gankit.training._loss import Loss, NamedScalars, Values
from gankit.training._ranks import sharded_modules
from gankit.training._split import part_of, splittable_size


@dataclass(frozen=True, slots=True)
class Accumulated:
    """Gradient accumulation: split the batch into `parts`, one forward and one backward pass each, for one step.

    Tensors among the inputs are split along their first axis, also inside tuples, lists and dicts; parts may differ by one
    sample and are weighted by their share, so that a mean over the batch stays the mean over the whole batch. Values that
    are not tensors, and 0-d tensors, go to every part as they are; other objects that hold tensors are refused.

    The result equals that of the whole batch where each term
    is a mean over samples that are treated separately. What needs the whole batch at once, such as
    `gankit.losses.relativistic_average_critic_loss`, raises; batch normalization sees one part only. Random numbers that the
    terms draw are drawn part by part; pass them as inputs to get the same numbers.

    With `Eager`, data-parallel wrappers reduce gradients with the last part only. Another gradient part is called once for each
    part of the batch, and the gradients that it leaves are added up. Put `AveragedOverRanks` around: inside, ranks would
    exchange gradients at each of these calls.

    Args:
        parts: Number of parts, 1 or more.
        gradients: What differentiates each part of the batch: `Eager()`, `Compiled()`, `Graphed()` or your own.

    Raises:
        ValueError: `parts` is not a whole number above 0, or `gradients` cannot be called; or, at a call, the inputs hold no
            batch or something that cannot be split, batches differ in size or have fewer samples than there are parts, or
            parts return terms of different names, or `gradients` ignores the loss's scale.

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
    gradients: Gradients = field(default=Eager(), kw_only=True)
    _losses: dict[Loss, "_LossOfParts"] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the arguments."""
        check_at_least("parts", self.parts, 1)
        if not callable(self.gradients) or isinstance(self.gradients, type):
            raise ValueError(f"gradients must be callable, and an instance rather than a class, got {self.gradients!r}")

    @property
    def averages_ranks(self) -> bool:
        """Whether the gradients of the parts are averaged over ranks without a wrapper."""
        return getattr(self.gradients, "averages_ranks", False)

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        """Go forward and backward part by part, and return the terms of the whole batch."""
        size = splittable_size(inputs, self.parts)
        clear_gradients(loss.parameters)
        cuts = Cuts.of(inputs)
        means: Values | None = None
        edges = [size * edge // self.parts for edge in range(self.parts + 1)]
        for start, stop in pairwise(edges):
            share, last = (stop - start) / size, stop == size
            part = Cuts(part_of(cuts.inputs, start, stop), cuts.pairs)
            with _as_part(self.parts):
                values = self._add(loss, part, share, last=last)
            weighted = Values(*({name: value * share for name, value in named.items()} for named in values.detached()))
            means = weighted if means is None else Values(*map(_summed, means, weighted))
        cuts.send_back()
        assert means is not None  # there is at least one part
        return means

    def __reduce__(self) -> Any:
        """Copy and pickle the arguments; what was made for losses belongs to the original."""
        return partial(Accumulated, self.parts, gradients=self.gradients), ()

    def _add(self, loss: Loss, part: Cuts, share: float, *, last: bool) -> Values:
        """Add the gradients of a part of the batch to those of the parts before it."""
        if not isinstance(self.gradients, Eager):
            if loss not in self._losses:
                self._losses[loss] = _LossOfParts(loss)
            return self._losses[loss].add(self.gradients, part, share)
        with nullcontext() if last else _without_reduction(loss.network):
            values = loss.evaluate(*part.inputs)
            if loss.check is not None:
                loss.check(values.costs, part)
            total = loss.total(values.costs, loss.scale()) * share
            check_differentiable(total, values.costs)
            total.backward()
        return values


class _LossOfParts:
    """The loss of one part of a batch after another: the same for all, since gradient parts keep what they made of a loss.

    The share of a part is a factor of its total, like the scale, so that it also weights what ranks average, and what goes on
    into the graphs of inputs.
    """

    def __init__(self, whole: Loss) -> None:
        self._whole = whole
        self._cuts: Sequence[tuple[torch.Tensor, torch.Tensor]] = ()
        self._share = 1.0
        self._weighted = False
        check = None if whole.check is None else self._check
        self._loss = Loss(whole.terms, whole.parameters, whole.network, self._scale, check)

    def add(self, gradients: Gradients, part: Cuts, share: float) -> Values:
        """Let `gradients` differentiate a part of the batch, and add what was in ``.grad`` before."""
        parameters = self._loss.parameters
        before = [parameter.grad for parameter in parameters]
        clear_gradients(parameters)  # a part that empties its gradient in place must not empty the sum
        self._cuts, self._share, self._weighted = part.pairs, share, False
        try:
            values = gradients(self._loss, part.inputs)
        finally:
            self._cuts = ()
        if not self._weighted:
            raise ValueError(
                "gradients must multiply the total by loss.scale(), which holds the share of a part of the batch, got "
                f"{gradients!r}, which did not ask for it: give it to Loss.differentiated"
            )
        for parameter, sum_before in zip(parameters, before, strict=True):
            parameter.grad = _sum(sum_before, parameter.grad)
        return values

    def _scale(self) -> Scalar:
        self._weighted = True
        scale, parameter = self._whole.scale(), self._loss.parameters[0]
        dtype = torch.promote_types(parameter.dtype, torch.float32)
        share = torch.full((), self._share, dtype=dtype, device=parameter.device)
        return share if scale is None else scale * share

    def _check(self, costs: NamedScalars, cuts: Cuts | None) -> bool | None:
        """Check as the whole loss does: the graphs of inputs were cut here, and perhaps again by the gradient part."""
        assert self._whole.check is not None  # else this is not called
        return self._whole.check(costs, Cuts((), [*(cuts.pairs if cuts is not None else ()), *self._cuts]))


def _sum(before: torch.Tensor | None, gradient: torch.Tensor | None) -> torch.Tensor | None:
    """Add a gradient that may be in memory which the next call overwrites."""
    if gradient is None:
        return before
    return gradient.clone() if before is None else before.add_(gradient)


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
