import copy
import math
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gankit.training import WeightAverage, load_checkpoint, save_checkpoint


class _Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(3, 3)
        self.other = nn.Linear(3, 3)
        self.other.weight = self.one.weight
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.other(self.one(x)))


def _compiled(network: nn.Module) -> nn.Module:
    return cast("nn.Module", torch.compile(network, backend="eager"))


def _weight(average: WeightAverage) -> torch.Tensor:
    return average.network.get_parameter("weight")


def _draw(network: nn.Module, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64))


@given(
    seed=st.integers(0, 2**31 - 2),
    decay=st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.999, 1.0]),
    warmup=st.booleans(),
    steps=st.integers(1, 12),
)
def test_the_average_equals_a_loop_in_numpy(seed: int, decay: float, warmup: bool, steps: int) -> None:
    network = nn.Linear(5, 3, dtype=torch.float64)
    _draw(network, seed)
    average = WeightAverage(network, decay=decay, warmup=warmup)
    expected = network.weight.detach().numpy().copy()
    for step in range(1, steps + 1):
        _draw(network, seed + step % 3)
        average.update()
        now = min(decay, (1 + step) / (10 + step)) if warmup else decay
        expected = now * expected + (1 - now) * network.weight.detach().numpy()
        np.testing.assert_allclose(_weight(average).numpy(), expected, rtol=1e-12, atol=1e-14)
    assert average.updates == steps


def test_decay_zero_copies_and_decay_one_stays() -> None:
    network = nn.Linear(5, 3)
    start = network.weight.detach().clone()
    copied, constant = (WeightAverage(network, decay=decay, warmup=False) for decay in (0.0, 1.0))
    _draw(network, 1)
    copied.update()
    constant.update()
    assert torch.equal(_weight(copied), network.weight)
    assert torch.equal(_weight(constant), start)


@given(seed=st.integers(0, 2**31 - 1), decay=st.floats(0, 1), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_equal_weights_stay_bitwise_and_others_stay_between(seed: int, decay: float, scale: float) -> None:
    network = nn.Linear(7, 5)
    _draw(network, seed)
    with torch.no_grad():
        network.weight.mul_(scale)
    average = WeightAverage(network, decay=decay, warmup=False)
    start = network.weight.detach().clone()
    average.update()
    assert torch.equal(_weight(average), start)
    _draw(network, (seed + 1) % 2**31)
    average.update()
    low, high = torch.minimum(start, network.weight), torch.maximum(start, network.weight)
    below, above = torch.full_like(low, -math.inf), torch.full_like(low, math.inf)
    assert bool((_weight(average) >= torch.nextafter(low, below)).all())
    assert bool((_weight(average) <= torch.nextafter(high, above)).all())


@given(decay=st.floats(0, 1), steps=st.integers(1, 20))
def test_the_distance_to_constant_weights_shrinks_by_the_decay(decay: float, steps: int) -> None:
    network = nn.Linear(3, 2, dtype=torch.float64)
    average = WeightAverage(network, decay=decay, warmup=False)
    start = network.weight.detach().clone()
    _draw(network, 3)
    for _ in range(steps):
        average.update()
    expected = network.weight.detach() + (start - network.weight.detach()) * decay**steps
    torch.testing.assert_close(_weight(average), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_averaged_in_float32(dtype: torch.dtype) -> None:
    network = nn.Linear(1, 1).to(dtype)
    nn.init.ones_(network.weight)
    average = WeightAverage(network, decay=0.999, warmup=False)
    with torch.no_grad():
        network.weight.fill_(1.1)
    for _ in range(5000):
        average.update()
    assert _weight(average).dtype == torch.float32
    target = network.weight.item()
    assert _weight(average).item() == pytest.approx(target + (1 - target) * 0.999**5000, abs=1e-4)
    assert network.weight.dtype == dtype


def test_buffers_are_copied_and_tied_parameters_averaged_once() -> None:
    network = _Tied().double()
    average = WeightAverage(network, decay=0.5, warmup=False)
    start = network.one.weight.detach().clone()
    network(torch.randn(7, 3, dtype=torch.float64))
    _draw(network, 1)
    average.update()
    averaged = average.network
    assert isinstance(averaged, _Tied)
    assert averaged.one.weight is averaged.other.weight
    torch.testing.assert_close(averaged.one.weight, (start + network.one.weight.detach()) / 2)
    for name, buffer in network.named_buffers():
        assert torch.equal(dict(averaged.named_buffers())[name], buffer)
    assert averaged.norm.num_batches_tracked is not None
    assert averaged.norm.num_batches_tracked.item() == 1


def test_tied_half_parameters_stay_tied() -> None:
    averaged = WeightAverage(_Tied().half()).network
    assert isinstance(averaged, _Tied)
    assert averaged.one.weight is averaged.other.weight
    assert {tensor.dtype for tensor in averaged.state_dict().values()} == {torch.float32, torch.int64}


def test_the_network_is_not_touched_and_the_average_takes_no_gradient() -> None:
    network = _Tied()
    before = copy.deepcopy(network.state_dict())
    average = WeightAverage(network)
    average.update()
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert network.training
    assert not average.network.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    own = {tensor.data_ptr() for tensor in network.state_dict().values()}
    assert own.isdisjoint(tensor.data_ptr() for tensor in average.network.state_dict().values())


def test_wrappers_are_looked_through() -> None:
    network = nn.Linear(2, 1)
    average = WeightAverage(_compiled(network), decay=0.0, warmup=False)
    _draw(network, 1)
    average.update()
    assert type(average.network) is nn.Linear
    assert torch.equal(_weight(average), network.weight)


def test_a_round_trip_continues_exactly_also_in_the_warm_up(tmp_path) -> None:
    network = _Tied()
    average = WeightAverage(network, decay=0.9)
    for seed in range(3):
        _draw(network, seed)
        average.update()
    save_checkpoint(tmp_path / "a.pt", average.state_dict())
    other = WeightAverage(network, decay=0.9)
    other.load_state_dict(load_checkpoint(tmp_path / "a.pt"))
    _draw(network, 7)
    average.update()
    other.update()
    pairs = zip(average.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    assert all(torch.equal(one, another) for one, another in pairs)
    assert other.updates == 4


def test_a_network_that_changes_is_refused() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    average = WeightAverage(network)
    network.append(nn.Linear(3, 1))
    with pytest.raises(ValueError, match=r"keep the parameters that it was copied with, got changes in \['2.bias'"):
        average.update()
    network[2] = nn.Identity()
    network[0] = nn.Linear(5, 3)
    with pytest.raises(ValueError, match=r"got changes in \['0.weight'\]"):
        average.update()
    network[0] = nn.Linear(2, 3)
    network[1].register_buffer("more", torch.ones(1))
    with pytest.raises(ValueError, match=r"keep the buffers .* \['1.more'\]"):
        average.update()
    assert average.updates == 0


@pytest.mark.parametrize("decay", [-0.1, 1.1, math.nan])
def test_decay_must_be_a_fraction(decay: float) -> None:
    with pytest.raises(ValueError, match="decay must"):
        WeightAverage(nn.Linear(1, 1), decay=decay)


def test_a_network_that_cannot_be_copied_is_refused() -> None:
    network = nn.Linear(2, 1)
    network.extra = network.weight * 2
    with pytest.raises(ValueError, match=r"network must be one that copy.deepcopy can copy"):
        WeightAverage(network)


def test_states_that_do_not_fit_are_refused() -> None:
    average = WeightAverage(nn.Linear(2, 1))
    with pytest.raises(ValueError, match="state of a weight average must have version 1, got 2"):
        average.load_state_dict({"version": 2})
    with pytest.raises(ValueError, match="'bias' is missing; 'weight' has shape"):
        average.load_state_dict({"version": 1, "updates": 0, "network": {"weight": torch.ones(1)}})


def test_by_default_the_average_warms_up() -> None:
    network = nn.Linear(5, 3, dtype=torch.float64)
    average, start = WeightAverage(network), network.weight.detach().clone()
    _draw(network, 1)
    average.update()
    torch.testing.assert_close(_weight(average), torch.lerp(network.weight.detach(), start, 2 / 11))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, r"must hold \['updates', 'network'\], got none of \['updates', 'network'\]"),
        ({"updates": -1, "network": {}}, "updates must be at least 0, got -1"),
        ({"updates": 1, "network": {"weight": None, "bias": torch.ones(1)}}, "1 faults: 'weight' is not a tensor"),
    ],
)
def test_a_state_with_holes_is_refused(state: dict[str, object], message: str) -> None:
    average = WeightAverage(nn.Linear(2, 1))
    with pytest.raises(ValueError, match=message):
        average.load_state_dict({"version": 1, **state})
    assert average.updates == 0


class _Sharded(nn.Linear):
    def __deepcopy__(self, memo: object) -> None:
        raise AssertionError("FSDP does not support deepcopy")


def test_a_network_that_is_sharded_already_is_refused() -> None:
    with pytest.raises(ValueError, match=r"FSDP does not support deepcopy .* make the average before fully_shard"):
        WeightAverage(_Sharded(2, 1))
