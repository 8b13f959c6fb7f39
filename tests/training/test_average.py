import copy
import math
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gankit.training import WeightAverage, load_checkpoint, network_state, save_checkpoint


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
    with pytest.raises(ValueError, match=r"keep the modules that it was copied with, got changes in \['2'\]"):
        average.update()
    del network[2]
    network[1] = nn.Tanh()
    with pytest.raises(ValueError, match=r"keep the modules that it was copied with, got changes in \['1'\]"):
        average.update()
    network[1] = nn.BatchNorm1d(3)
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
    with pytest.raises(
        ValueError, match=r"copy.deepcopy can copy, got: .* \(the attribute 'extra' is the result of a comp"
    ):
        WeightAverage(network)
    vars(network)["extra"] = (value for value in [])
    with pytest.raises(ValueError, match=r"copy.deepcopy can copy, got: cannot pickle 'generator' object$"):
        WeightAverage(network)
    with pytest.raises(ValueError, match=r"got the lazy 'weight' without: call the network once before"):
        WeightAverage(nn.LazyLinear(3))


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
        ({"updates": -1, "network": {}}, "must hold updates as a whole number of 0 or more, got -1"),
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
    with pytest.raises(
        ValueError, match=r"got: FSDP does not support deepcopy \(make the average before fully_shard\)"
    ):
        WeightAverage(_Sharded(2, 1))


class _Counting(nn.Linear):
    """A layer with extra state."""

    def __init__(self) -> None:
        super().__init__(2, 1)
        self.state = {"seen": 0}

    def get_extra_state(self) -> dict[str, int]:
        return self.state

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.state = state


def test_extra_state_is_copied_saved_and_restored(tmp_path) -> None:
    network = nn.Sequential(_Counting())
    average = WeightAverage(network)
    counting, copied = network[0], average.network.get_submodule("0")
    assert isinstance(counting, _Counting)
    assert isinstance(copied, _Counting)
    counting.state["seen"] = 5
    average.update()
    assert copied.state == {"seen": 5}
    assert copied.state is not counting.state
    save_checkpoint(tmp_path / "a.pt", average.state_dict())
    other = WeightAverage(nn.Sequential(_Counting()))
    other.load_state_dict(load_checkpoint(tmp_path / "a.pt"))
    assert network_state(other.network)["0._extra_state"] == {"seen": 5}


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_parameters_of_every_kind_have_an_average() -> None:
    kinds = [torch.int64, torch.bool, torch.complex64, torch.complex32, torch.float8_e4m3fn, torch.float64]
    network = nn.ParameterList([nn.Parameter(torch.zeros(2).to(kind), requires_grad=False) for kind in kinds])
    network.append(nn.Parameter(torch.empty(0, 3)))
    average = WeightAverage(network, decay=0.5, warmup=False)
    for parameter in network:
        parameter.data = torch.ones(parameter.shape).to(parameter.dtype)
    average.update()
    found = [parameter.to(torch.complex64).real.tolist() for parameter in average.network.parameters()]
    assert found == [[1.0, 1.0], [1.0, 1.0], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5], []]


def test_weights_that_are_tied_later_or_no_more_are_refused() -> None:
    network = _Tied()
    average = WeightAverage(network)
    network.other.weight = nn.Parameter(torch.ones(3, 3))
    with pytest.raises(ValueError, match=r"got changes in \['other.weight'\]"):
        average.update()
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    average = WeightAverage(network)
    network[1].weight = network[0].weight
    with pytest.raises(ValueError, match=r"got changes in \['1.weight'\]"):
        average.update()


def test_a_part_that_is_compiled_later_is_looked_through() -> None:
    network = nn.Sequential(nn.Linear(2, 1), nn.Tanh())
    average = WeightAverage(network, decay=0.0, warmup=False)
    weight = network.get_parameter("0.weight")
    network[0] = _compiled(network[0])
    _draw(network, 1)
    average.update()
    assert torch.equal(average.network.get_parameter("0.weight"), weight)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is")
def test_scripted_networks_have_an_average() -> None:
    network = cast("nn.Module", torch.jit.script(nn.Linear(2, 1)))
    average = WeightAverage(network, decay=0.0, warmup=False)
    _draw(network, 1)
    average.update()
    assert all(map(torch.equal, average.network.parameters(), network.parameters()))
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_the_decay_may_change_between_updates() -> None:
    network = nn.Linear(5, 3, dtype=torch.float64)
    average = WeightAverage(network, decay=0.0, warmup=False)
    expected = network.weight.detach().clone()
    for step, decay in enumerate((0.0, 0.5, 0.9)):
        _draw(network, step)
        average.decay = decay
        average.update()
        expected = decay * expected + (1 - decay) * network.weight.detach()
    torch.testing.assert_close(_weight(average), expected)


def test_a_changed_decay_is_checked() -> None:
    average = WeightAverage(nn.Linear(5, 3))
    average.decay = 1.5
    with pytest.raises(ValueError, match=r"decay must .* got 1\.5"):
        average.update()
    assert average.updates == 0


def test_a_lack_of_memory_for_the_copy_is_no_fault_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(copy, "deepcopy", fail)
    with pytest.raises(torch.OutOfMemoryError):
        WeightAverage(nn.Linear(1, 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("is_fixed", [False, True])
def test_an_average_that_is_made_in_inference_mode_can_be_updated_outside(dtype: torch.dtype, is_fixed: bool) -> None:
    network = nn.Sequential(nn.Linear(2, 2, dtype=dtype), nn.BatchNorm1d(2))
    with torch.inference_mode():
        network = nn.Linear(2, 2, dtype=dtype) if is_fixed else network
        average = WeightAverage(network)
    average.update()
    average.load_state_dict(average.state_dict())
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
