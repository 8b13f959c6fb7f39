"""Gradients of ranks: those of the whole batch."""

import threading
from typing import Any

import pytest
import torch
from support.ranks import as_ranks
from torch import nn

import gankit as gk
from examples.anime_faces.systems._rank_gradients import AveragedOverRanks, averaged


def _critic() -> nn.Sequential:
    rng = torch.Generator().manual_seed(1)
    critic = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1), nn.Linear(1, 1)).double()
    for parameter in critic.parameters():
        parameter.data = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
    return critic


def _gradients(x: torch.Tensor, part: Any, *, penalty: bool = True) -> tuple[list[Any], gk.training.Values]:
    critic = _critic()

    def terms(x: torch.Tensor) -> Any:
        costs = {"score": critic[:3](x).mean()}  # the last layer gets no gradient
        if penalty:
            costs["penalty"] = gk.constraints.zero_centered_penalty(critic[:3], x)
        return costs, {"scores/real": critic(x).detach().mean()}

    values = part(gk.training.Loss(terms, list(critic.parameters())), (x,))
    return [parameter.grad for parameter in critic.parameters()], values


@pytest.mark.parametrize("gradients", [gk.training.Eager(), gk.training.Accumulated(2)])
def test_equal_those_of_one_process_and_costs_do_too(gradients: Any) -> None:
    x = torch.randn(12, 3, dtype=torch.float64)
    expected, values = _gradients(x, gk.training.Eager())
    for found, own in as_ranks(3, lambda rank: _gradients(x.chunk(3)[rank], AveragedOverRanks(gradients))):
        assert [one is None for one in found] == [one is None for one in expected] == [False] * 4 + [True] * 2
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(own.costs, values.costs)
        torch.testing.assert_close(own.readings, values.readings)


def test_what_is_not_finite_on_one_rank_is_so_on_all() -> None:
    x = torch.ones(4, 3, dtype=torch.float64)
    x[3, 0] = torch.nan
    for found, own in as_ranks(2, lambda rank: _gradients(x.chunk(2)[rank], AveragedOverRanks(gk.training.Eager()))):
        assert found[0].isnan().all()
        assert all(cost.isnan() for cost in own.costs.values())


def test_ranks_with_other_costs_are_refused() -> None:
    def play(rank: int) -> object:
        return _gradients(
            torch.ones(2, 3, dtype=torch.float64), AveragedOverRanks(gk.training.Eager()), penalty=rank == 0
        )

    with pytest.raises(ValueError, match="the same costs, and gradients of the same parameters, on all ranks"):
        as_ranks(2, play)


def test_values_are_averaged_by_type_without_changing_those_that_are_given() -> None:
    lock = threading.Lock()

    def play(rank: int) -> dict[str, torch.Tensor]:
        with lock:
            own = {"a": torch.tensor(1.0 + rank), "b": torch.tensor(3.0 * rank, dtype=torch.float64)}
        found = averaged(own)
        assert float(own["a"]) == 1.0 + rank
        return found

    for found in as_ranks(2, play):
        assert (float(found["a"]), float(found["b"])) == (1.5, 1.5)
        assert (found["a"].dtype, found["b"].dtype) == (torch.float32, torch.float64)
