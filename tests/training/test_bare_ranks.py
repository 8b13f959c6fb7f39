"""Bare networks on several ranks: equal at the start, one mean gradient, one error for all; ranks are threads here."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.ranks import as_ranks
from torch import nn

from gankit.constraints import zero_centered_penalty
from gankit.training import Accumulated, AveragedOverRanks, Compiled, Eager, Loss, Update, Values, broadcast_state
from gankit.training._bare_ranks import Ballot, raising_together, refuse_wrapper

CPU = torch.device("cpu")


def _network(rank: int) -> nn.Sequential:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(2, 1))
    network[0].weight.data = torch.empty(3, 3, 3, 2).permute(0, 3, 1, 2)  # channels last
    with torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            tensor.fill_(rank + 1)
    network[2].double()
    return network


def test_all_ranks_get_parameters_and_buffers_of_the_first_one() -> None:
    def work(rank: int) -> list[torch.Tensor]:
        network, other = _network(rank), nn.Linear(2, 1)
        other.weight.data.fill_(rank + 1)
        other.bias.data.fill_(rank + 1)
        broadcast_state([network, network[0], other])  # a part of it again
        return [*other.parameters(), *network.parameters(), *network.buffers()]

    for tensors in as_ranks(3, work):
        assert all(bool((tensor == 1).all()) for tensor in tensors)
        assert {tensor.dtype for tensor in tensors} == {torch.float32, torch.float64, torch.int64}
        assert [tensor.is_leaf for tensor in tensors] == [True] * len(tensors)


@pytest.mark.parametrize(
    "make",
    [
        lambda rank: nn.Linear(2 + rank, 1),
        lambda rank: nn.Linear(2, 1).to([torch.float32, torch.float64][rank]),
        lambda rank: nn.Sequential(nn.Linear(2, 1)) if rank else nn.Linear(2, 1),
    ],
    ids=["shape", "dtype", "name"],
)
def test_networks_that_are_not_alike_are_refused(make: Callable[[int], nn.Module]) -> None:
    with pytest.raises(ValueError, match="tensors of the same names, shapes and dtypes on all ranks, but they differ"):
        as_ranks(2, lambda rank: broadcast_state([make(rank)]))


def test_what_is_no_sequence_of_whole_networks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    critic: Any = nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"networks must be a sequence of networks, got one Linear: write \[it\]"):
        broadcast_state(critic)
    with pytest.raises(ValueError, match="networks must hold networks, got Parameter"):
        broadcast_state([critic.weight])
    with pytest.raises(ValueError, match="networks must be a sequence of networks, got None"):
        broadcast_state(None)  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr("gankit.training._bare_ranks.is_sharded", lambda tensor: tensor is critic.bias)
    with pytest.raises(ValueError, match="networks must not be sharded by FSDP, got pieces of bias"):
        broadcast_state([critic])


def _critic() -> nn.Sequential:
    rng = torch.Generator().manual_seed(1)
    critic = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1), nn.Linear(1, 1)).double()
    for parameter in critic.parameters():
        parameter.data = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
    return critic


def _loss(critic: nn.Sequential, *, penalty: bool = True) -> Loss:
    def terms(x: torch.Tensor) -> Any:
        costs = {"score": critic[:3](x).mean()}  # the last layer gets no gradient
        if penalty:
            costs["penalty"] = zero_centered_penalty(critic[:3], x)
        return costs, {"scores/real": critic(x).detach().mean(), "narrow": x.mean().float()}

    return Loss(terms, list(critic.parameters()))


def _gradients(x: torch.Tensor, part: Any, *, penalty: bool = True) -> tuple[list[Any], Values]:
    critic = _critic()
    values = part(_loss(critic, penalty=penalty), (x,))
    return [parameter.grad for parameter in critic.parameters()], values


@pytest.mark.parametrize("gradients", [Eager(), Accumulated(2)])
def test_gradients_costs_and_readings_are_those_of_the_whole_batch(gradients: Any) -> None:
    x = torch.randn(12, 3, dtype=torch.float64)
    expected, values = _gradients(x, Eager())
    for found, own in as_ranks(3, lambda rank: _gradients(x.chunk(3)[rank], AveragedOverRanks(gradients))):
        assert [one is None for one in found] == [one is None for one in expected] == [False] * 4 + [True] * 2
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(own.costs, values.costs)
        torch.testing.assert_close(own.readings, values.readings)


def test_gradients_are_averaged_once_also_through_an_update() -> None:
    x = torch.randn(12, 3, dtype=torch.float64)
    alone = _critic()
    Update(torch.optim.SGD(alone.parameters(), lr=0.5), _loss(alone).terms)(x)

    def trained(rank: int) -> list[nn.Parameter]:
        critic = _critic()
        part = AveragedOverRanks(Eager())
        update = Update(torch.optim.SGD(critic.parameters(), lr=0.5), _loss(critic).terms, gradients=part)
        update(x.chunk(2)[rank])
        return list(critic.parameters())

    for parameters in as_ranks(2, trained):
        torch.testing.assert_close(parameters, list(alone.parameters()), rtol=1e-12, atol=1e-12)


def test_gradients_in_other_memory_orders_and_dtypes_are_averaged() -> None:
    def work(rank: int) -> list[nn.Parameter]:
        parameters = [nn.Parameter(torch.zeros(shape)) for shape in ((2, 3), (), (5,))]
        parameters.append(nn.Parameter(torch.zeros(2, dtype=torch.float64)))

        def gradients(loss: Loss, _: object) -> Values:
            for number, parameter in enumerate(loss.parameters):
                parameter.grad = torch.full_like(parameter, 10.0 * number + rank)
            parameters[0].grad = torch.arange(6.0).reshape(3, 2).T + rank
            parameters[2].grad = None
            return Values({"loss": torch.tensor(1.0)}, {})

        AveragedOverRanks(gradients)(Loss(dict, parameters), ())
        return parameters

    for first, second, third, fourth in as_ranks(2, work):
        torch.testing.assert_close(first.grad, torch.arange(6.0).reshape(3, 2).T + 0.5)
        assert first.grad is not None
        assert first.grad.stride() == (1, 2)
        torch.testing.assert_close(second.grad, torch.tensor(10.5))
        assert third.grad is None
        torch.testing.assert_close(fourth.grad, torch.tensor([30.5, 30.5], dtype=torch.float64))


def test_what_is_not_finite_on_one_rank_is_so_on_all() -> None:
    x = torch.ones(4, 3, dtype=torch.float64)
    x[3, 0] = torch.nan
    for found, own in as_ranks(2, lambda rank: _gradients(x.chunk(2)[rank], AveragedOverRanks(Eager()))):
        assert found[0].isnan().all()
        assert all(cost.isnan() for cost in own.costs.values())


def test_other_costs_or_weights_on_a_rank_are_refused_on_all() -> None:
    x = torch.ones(2, 3, dtype=torch.float64)

    def refused(play: Callable[[int], object]) -> list[str]:
        def message(rank: int) -> str:
            with pytest.raises(ValueError, match=r"equal|same") as caught:
                play(rank)
            return str(caught.value)

        return as_ranks(2, message)

    same = "an update must have the same costs, and gradients of the same parameters, on all ranks, but they differ"
    assert refused(lambda rank: _gradients(x, AveragedOverRanks(Eager()), penalty=rank == 0)) == [same] * 2

    def with_other_weights(rank: int) -> None:
        critic = _critic()
        list(critic.parameters())[3].data.add_(rank)
        AveragedOverRanks(Eager())(_loss(critic), (x,))

    other = (
        "weights must be equal on all ranks, got 1 of 6 parameters that differ: call gankit.training.broadcast_state with the "
        "networks before the first update"
    )
    assert refused(with_other_weights) == [other] * 2


def test_an_error_at_the_first_call_is_raised_on_all_ranks() -> None:
    def play(rank: int) -> str:
        x = torch.ones(2, 3 + rank, dtype=torch.float64)
        with pytest.raises((ValueError, RuntimeError)) as caught:
            _gradients(x, AveragedOverRanks(Eager()))
        return str(caught.value)

    first, second = as_ranks(2, play)
    assert first == "the first call failed on another rank: see the message of that rank"
    assert "mat1 and mat2" in second


def test_one_rank_is_left_alone() -> None:
    critic = _critic()
    values = Values({"loss": torch.tensor(1.0)}, {})
    assert AveragedOverRanks(lambda *_: values)(_loss(critic), ()) is values
    broadcast_state([critic])
    with pytest.raises(KeyError), raising_together(CPU):
        raise KeyError
    ballot = Ballot(lambda graph, inputs: (graph, inputs), CPU)
    ballot.cast(compiled=False)
    ballot.cast(compiled=True)


def test_parts_that_cannot_be_averaged_are_refused() -> None:
    part: Any = Eager
    with pytest.raises(ValueError, match="gradients must be callable, and an instance rather than a class, got <class"):
        AveragedOverRanks(part)
    with pytest.raises(
        ValueError, match=r"gradients must not be averaged over the ranks twice, got AveragedOverRanks\("
    ):
        AveragedOverRanks(AveragedOverRanks(Compiled()))


def test_wrappers_and_pieces_are_refused_at_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(network: nn.Module) -> None:
        loss = Loss(lambda x: {"loss": network(x).mean()}, list(network.parameters()), network)
        as_ranks(2, lambda _: AveragedOverRanks(Eager())(loss, (torch.ones(2, 2),)))

    with pytest.raises(ValueError, match="AveragedOverRanks takes networks without a wrapper, got one in DataParallel"):
        play(nn.Sequential(nn.DataParallel(nn.Linear(2, 1))))
    monkeypatch.setattr("gankit.training._bare_ranks.is_sharded", lambda _: True)
    with pytest.raises(ValueError, match="AveragedOverRanks takes no parameters that FSDP2 shards"):
        play(nn.Linear(2, 1))


def test_what_one_rank_raises_all_raise() -> None:
    def work(rank: int) -> str:
        try:
            with raising_together(CPU):
                {0: 0, 2: 0}[rank]
        except (KeyError, ValueError) as error:
            return str(error)
        return ""

    own = "the first call failed on another rank: see the message of that rank"
    assert as_ranks(3, work) == [own, "1", own]


def test_ranks_without_an_error_go_on() -> None:
    def work(rank: int) -> int:
        with raising_together(CPU):
            pass
        return rank

    assert as_ranks(2, work) == [0, 1]


@pytest.mark.parametrize(
    ("failing", "found"), [((), ["graph", "graph"]), ((1,), ["another rank cannot compile them", "own"])]
)
def test_a_graph_is_compiled_on_all_ranks_or_on_none(failing: tuple[int, ...], found: list[str]) -> None:
    def work(rank: int) -> str:
        def compiler(graph: str, _: object) -> str:
            if rank in failing:
                raise RuntimeError("own")
            return graph

        ballot: Any = Ballot(compiler, CPU)
        try:
            return ballot.compile("graph", ())
        except RuntimeError as error:
            return str(error)
        finally:
            ballot.cast(compiled=False)

    assert as_ranks(2, work) == found


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
        ValueError, match="Compiled takes networks without a wrapper, got one in DataParallel: call the"
    ):
        refuse_wrapper(wrapper, "Compiled")
    for sharded in (Sharded(2, 1), FullyShardedDataParallel()):
        with pytest.raises(
            ValueError, match=r"Compiled cannot train a network that FSDP shards, got .*: use Eager\(\)"
        ):
            refuse_wrapper(sharded, "Compiled")
