"""Bare networks on several ranks: equal at the start, one mean gradient, one error for all; ranks are threads here."""

from typing import Any

import pytest
import torch
from support.ranks import as_ranks
from torch import nn

from gankit.training._bare_ranks import average_gradients, broadcast_state, raising_together, refuse_wrapper


def _network(rank: int) -> nn.Module:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(2, 1))
    network[0].weight.data = torch.empty(3, 3, 3, 2).permute(0, 3, 1, 2)  # channels last
    with torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            tensor.fill_(rank + 1)
    network[2].double()
    return network


def test_all_ranks_get_parameters_and_buffers_of_the_first_one() -> None:
    def work(rank: int) -> list[torch.Tensor]:
        network, alone = _network(rank), nn.Parameter(torch.tensor(rank + 5.0))
        # The network and a part of it, as a watched evaluation finds them, and a parameter of no module.
        broadcast_state([network, network[0]], [alone, *network[2].parameters()])  # pyright: ignore[reportIndexIssue]
        return [alone, *network.parameters(), *network.buffers()]

    for alone, *tensors in as_ranks(3, work):
        assert alone == 5
        assert all(bool((tensor == 1).all()) for tensor in tensors)
        assert {tensor.dtype for tensor in tensors} == {torch.float32, torch.float64, torch.int64}


def test_each_gradient_becomes_the_mean_over_the_ranks() -> None:
    def work(rank: int) -> list[nn.Parameter]:
        parameters = [nn.Parameter(torch.zeros(shape)) for shape in ((2, 3), (), (5,))]
        parameters.append(nn.Parameter(torch.zeros(2, dtype=torch.float64)))
        for number, parameter in enumerate(parameters):
            parameter.grad = torch.full_like(parameter, 10.0 * number + rank)
        parameters[2].grad = None
        parameters[0].grad = torch.arange(6.0).reshape(3, 2).T + rank
        average_gradients(parameters)
        return parameters

    for first, second, third, fourth in as_ranks(2, work):
        torch.testing.assert_close(first.grad, torch.arange(6.0).reshape(3, 2).T + 0.5)
        torch.testing.assert_close(second.grad, torch.tensor(10.5))
        assert third.grad is None
        torch.testing.assert_close(fourth.grad, torch.tensor([30.5, 30.5], dtype=torch.float64))


def test_one_rank_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = nn.Parameter(torch.ones(2))
    gradient = parameter.grad = torch.ones(2)
    average_gradients([parameter])
    broadcast_state([nn.Linear(2, 1)], [parameter])
    assert parameter.grad is gradient
    with pytest.raises(KeyError), raising_together(torch.device("cpu")):
        raise KeyError


def test_what_one_rank_raises_all_raise() -> None:
    def work(rank: int) -> str:
        try:
            with raising_together(torch.device("cpu")):
                {0: 0, 2: 0}[rank]
        except (KeyError, ValueError) as error:
            return str(error)
        return ""

    own = "the first call failed on another rank: see the message of that rank"
    assert as_ranks(3, work) == [own, "1", own]


def test_ranks_without_an_error_go_on() -> None:
    def work(rank: int) -> int:
        with raising_together(torch.device("cpu")):
            pass
        return rank

    assert as_ranks(2, work) == [0, 1]


class FSDPModule:
    """Stands for torch's class, whose import takes seconds."""


class FullyShardedDataParallel(nn.Module):
    """The same for the older one."""


def test_wrappers_are_refused_by_type() -> None:
    class Sharded(FSDPModule, nn.Linear):
        pass

    refuse_wrapper(nn.Linear(2, 1), "Compiled")
    wrapper: Any = nn.DataParallel(nn.Linear(2, 1))
    with pytest.raises(
        ValueError, match="Compiled averages gradients over ranks itself, got a network in DataParallel"
    ):
        refuse_wrapper(wrapper, "Compiled")
    for sharded in (Sharded(2, 1), FullyShardedDataParallel()):
        with pytest.raises(
            ValueError, match=r"Compiled cannot train a network that FSDP shards, got .*: use Eager\(\)"
        ):
            refuse_wrapper(sharded, "Compiled")
