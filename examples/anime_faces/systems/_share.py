"""Which part of every batch a process trains on, where several train together as ranks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import distributed

LEAST = 2
"""Pictures of a rank in each batch: a draw of one row is one draw for the whole batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of each batch that belongs to one rank.

    A batch is cut into as many equal blocks as it has pictures of each condition (`System.group`), and each block into as many
    parts as there are ranks: partners of the same condition are on the same rank, at the same places of its blocks.

    Args:
        rank: The number of this rank.
        ranks: How many there are.

    Example:
        >>> Share(rank=1, ranks=2).of(np.arange(12), blocks=2)
        array([ 3,  4,  5,  9, 10, 11])
    """

    rank: int = 0
    ranks: int = 1

    def of(self, rows: np.ndarray, blocks: int = 1) -> np.ndarray:
        """Return this rank's part of the rows of a whole batch."""
        return rows.reshape(blocks, self.ranks, -1)[:, self.rank].reshape(-1)

    def size(self, batch_size: int, blocks: int = 1) -> int:
        """Return the pictures of each rank in a batch.

        Raises:
            ValueError: The batch cannot be divided equally, or a rank would have fewer than two pictures.
        """
        if self.ranks == 1:
            return batch_size
        unit = self.ranks * blocks
        if batch_size % unit or batch_size < LEAST * self.ranks:
            groups = f" and {blocks} pictures of each condition" if blocks > 1 else ""
            least = max(unit, LEAST * self.ranks)
            raise ValueError(
                f"the batch size must be a multiple of {unit}, and at least {least}, for {self.ranks} ranks{groups}, but it is "
                f"{batch_size}: it counts the pictures of all ranks together"
            )
        return batch_size // self.ranks


WHOLE = Share()
"""That of a process that trains alone."""


def of_one_rank(pictures: int) -> int:
    """Return how many of the pictures of all ranks are those of one: for functions that are given the number of their own."""
    return pictures // _ranks()


def of_all_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the rows of all ranks, one rank after the other, differentiable: for what compares the pictures of a batch."""
    if _ranks() == 1:
        return values
    own = distributed.get_rank()
    return sum_over_ranks(torch.cat([values if rank == own else torch.zeros_like(values) for rank in range(_ranks())]))


def _ranks() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


@torch.library.custom_op("anime_faces::sum_over_ranks", mutates_args=())
def sum_over_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of a tensor over all ranks, differentiable through the values of the others.

    Its gradient is summed over the ranks too, and can be differentiated again. It is an operation of torch, so that it can be
    compiled.
    """
    total = values.detach().clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


@sum_over_ranks.register_fake
def _shaped(values: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(values, memory_format=torch.contiguous_format)


def _gradient(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
    del ctx
    return sum_over_ranks(gradient)


sum_over_ranks.register_autograd(_gradient)


def averaged(values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return named 0-d values as means over all ranks, by one message."""
    if not values:
        return {}
    means = sum_over_ranks(torch.stack([value.detach() for value in values.values()])) / _ranks()
    return dict(zip(values, means.unbind(), strict=True))
