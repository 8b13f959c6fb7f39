"""The gradient of a large batch in several small passes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from gankit._core import Scalar, batch_in_parts, check_at_least
from gankit.training._sharded import sharded_modules
from gankit.training._terms import Terms, detached, total


@dataclass(frozen=True, slots=True)
class Accumulated:
    """Split the batch into `parts`, one forward and backward pass each, for one step.

    Every tensor among the inputs is split along its first axis; parts may differ by one sample and count by their share,
    so that means over the batch come out as means over the whole batch. What is no tensor, or is 0-d, goes to every part
    as it is. Equal to the whole batch where each term is a mean over samples treated apart. What needs the whole batch at
    once, such as `gankit.losses.relativistic_average_critic_loss`, raises; batch normalization sees one part only. Random
    numbers that the terms draw inside are drawn part by part; pass them as inputs for the same numbers. Data-parallel
    wrappers reduce gradients with the last part alone.

    Args:
        parts: Number of parts, 1 or more.

    Raises:
        ValueError: `parts` is no whole number above 0; or, at a call, no input is a batch, batches differ in size or
            have fewer samples than there are parts.

    Example:
        >>> import torch
        >>> from gankit.training import Accumulated
        >>> weight = torch.tensor(3.0, requires_grad=True)
        >>> Accumulated(2)(lambda x: {"loss": (weight * x).mean()}, (torch.tensor([1.0, 2.0, 6.0]),), None)
        {'loss': tensor(9.)}
        >>> weight.grad
        tensor(3.)
    """

    parts: int

    def __post_init__(self) -> None:
        """Check the number of parts."""
        check_at_least("parts", self.parts, 1)

    def __call__(self, terms: Terms, inputs: tuple[Any, ...], network: nn.Module | None) -> dict[str, Scalar]:
        """Run the terms and their sum backward, part by part, and return the terms of the whole batch."""
        size = _batch_size(inputs, self.parts)
        sums: dict[str, Scalar] = {}
        for position, (part, count) in enumerate(_split(inputs, size, self.parts)):
            last = position == self.parts - 1
            with _as_part(self.parts), nullcontext() if last else _without_reduction(network):
                named = terms(*part)
                (total(named) * (count / size)).backward()
            if sums and sums.keys() != named.keys():
                raise ValueError(f"terms must be the same in each part, got {sorted(sums)} and {sorted(named)}")
            for name, term in detached(named).items():
                share = term * (count / size)
                sums[name] = sums[name] + share if name in sums else share
        return sums


def _as_part(parts: int) -> AbstractContextManager[None]:
    return batch_in_parts() if parts > 1 else nullcontext()


def _is_batch(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim > 0


def _batch_size(inputs: tuple[Any, ...], parts: int) -> int:
    sizes = {len(value) for value in inputs if _is_batch(value)}
    if len(sizes) != 1:
        raise ValueError(f"inputs must hold tensors of one batch size to be split, got sizes {sorted(sizes)}")
    size = sizes.pop()
    if size < parts:
        raise ValueError(f"inputs must hold at least {parts} samples to be split into {parts} parts, got {size}")
    return size


def _split(inputs: tuple[Any, ...], size: int, parts: int) -> Iterator[tuple[tuple[Any, ...], int]]:
    edges = [size * edge // parts for edge in range(parts + 1)]
    for start, stop in pairwise(edges):
        yield tuple(value[start:stop] if _is_batch(value) else value for value in inputs), stop - start


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
