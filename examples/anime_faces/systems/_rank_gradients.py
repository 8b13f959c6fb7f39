"""Gradients, costs and readings as means over the ranks that train together."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from torch import distributed

import gankit as gk


@dataclass(frozen=True, slots=True)
class AveragedOverRanks:
    """Gradients of another part, averaged over all ranks, with the costs and readings.

    Networks are called as they are. A wrapper such as ``DistributedDataParallel`` reduces each gradient as soon as it is known,
    but needs every forward pass to go through it and every backward pass to reach all parameters. Several recipes have updates
    that do not: a penalty alone, or one of two critic steps, leaves some out. Here all gradients of an update are averaged
    after its backward pass, in one message for each data type.

    A cost that is not finite on one rank is so on all of them then, so that all refuse the step.

    Args:
        gradients: That part.
    """

    gradients: gk.training.Gradients
    _checked: set[int] = field(default_factory=set)

    def __call__(self, loss: gk.training.Loss, inputs: tuple[Any, ...]) -> gk.training.Values:
        """Compute the gradients of this rank's part of the batch, then those of the whole.

        Raises:
            ValueError: Ranks have gradients of other parameters, or costs of other names.
        """
        values = self.gradients(loss, inputs)
        gradients = [parameter.grad for parameter in loss.parameters]
        layout = zlib.crc32(repr([[one is None for one in gradients], *map(list, values)]).encode())
        if layout not in self._checked:
            _check_equal(layout, next(iter(values.costs.values())).device)
            self._checked.add(layout)
        average_([one for one in gradients if one is not None], [*values.costs.values(), *values.readings.values()])
        return values


def averaged(values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return named values as means over all ranks."""
    own = {name: value.detach().clone() for name, value in values.items()}
    average_(list(own.values()))
    return own


@torch.no_grad()
def average_(*groups: Sequence[torch.Tensor]) -> None:
    """Replace tensors by their means over all ranks; every rank must give the same kinds in the same order."""
    tensors = [tensor for group in groups for tensor in group]

    def kind(tensor: torch.Tensor) -> str:
        return f"{tensor.device} {tensor.dtype}"

    for _, of_kind in groupby(sorted(tensors, key=kind), key=kind):
        same = list(of_kind)
        together = torch.cat([tensor.reshape(-1) for tensor in same])
        distributed.all_reduce(together)
        together.div_(distributed.get_world_size())
        for tensor, part in zip(same, together.split([tensor.numel() for tensor in same]), strict=True):
            tensor.copy_(part.view(tensor.shape))


def _check_equal(number: int, device: torch.device) -> None:
    ends = torch.tensor([number, -number], dtype=torch.int64, device=device)
    distributed.all_reduce(ends, distributed.ReduceOp.MAX)
    if int(ends[0]) != -int(ends[1]):
        raise ValueError(
            "an update must have the same costs, and gradients of the same parameters, on all ranks, but they differ"
        )
