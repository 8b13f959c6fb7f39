import collections
import copy
from collections import OrderedDict
from typing import Any, cast

import pytest
import torch
from hypothesis import given, strategies as st
from support.forged import quantized
from torch import nn
from torch.nn.utils import parametrizations

from gankit.training import load_checkpoint, load_network_state, network_state, save_checkpoint
from gankit.training._saving._networks import holds, load_fitting_state


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def _compiled(network: nn.Module) -> nn.Module:
    return cast("nn.Module", torch.compile(network, backend="eager"))


class _Counting(nn.Linear):
    """A layer with extra state."""

    def __init__(self, state: Any) -> None:
        super().__init__(2, 1)
        self.state = state

    def get_extra_state(self) -> Any:
        return self.state

    def set_extra_state(self, state: Any) -> None:
        if state == "bad":
            raise RuntimeError("not this one")
        self.state = state


def test_wrapped_and_compiled_networks_have_the_bare_names() -> None:
    network = _network()
    expected = list(network.state_dict())
    compiled = _compiled(network)
    partly = nn.Sequential(_compiled(network[0]), network[1])
    for wrapped in (network, compiled, nn.DataParallel(network), nn.DataParallel(partly)):
        assert list(network_state(wrapped)) == expected


@pytest.mark.parametrize(
    "wrap",
    [
        _compiled,
        nn.DataParallel,
        lambda n: nn.DataParallel(_compiled(n)),
        lambda n: _compiled(nn.DataParallel(n)),
        lambda n: nn.Sequential(nn.DataParallel(n[0]), n[1]),
        lambda n: nn.Sequential(_compiled(n[0]), nn.DataParallel(n[1])),
    ],
)
def test_states_that_a_wrapped_network_saved_itself_fit(wrap: Any) -> None:
    one, other = _network(), _network()
    load_network_state(other, wrap(one).state_dict())
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
    load_network_state(wrap(other), one.state_dict())


@given(seed=st.integers(0, 2**31 - 1))
def test_a_parametrized_network_goes_there_and_back(seed: int) -> None:
    torch.manual_seed(seed)
    one, other, third = (parametrizations.spectral_norm(nn.Linear(5, 3)) for _ in range(3))
    one(torch.ones(1, 5))
    load_network_state(other, {name: tensor.clone() for name, tensor in network_state(one).items()})
    load_network_state(third, one.state_dict())
    for loaded in (other, third):
        pairs = zip(one.state_dict().values(), loaded.state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    one.eval()
    other.eval()
    assert torch.equal(one(torch.ones(1, 5)), other(torch.ones(1, 5)))


def test_every_fault_is_listed_and_nothing_changes() -> None:
    network = _network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = {f"module.{name}": tensor + 1 for name, tensor in before.items()}
    del state["module.0.bias"]
    state["module.extra"] = torch.ones(1)
    state["module.0.weight"] = torch.ones(7, 2)
    with pytest.raises(
        ValueError,
        match=r"3 faults: '0.bias' is missing; '0.weight' has shape \(7, 2\), not \(3, 2\); 'extra' is unknown",
    ):
        load_network_state(network, state)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    "state", [{"a": 1}, torch.ones(2), [1, {"b": (2.0, "x", None)}], collections.defaultdict(int, a=1), "text"]
)
def test_extra_state_is_kept_and_restored(tmp_path, state: Any) -> None:
    one, other = nn.Sequential(_Counting(state)), nn.Sequential(_Counting(None))
    save_checkpoint(tmp_path / "a.pt", network_state(nn.DataParallel(one)))
    load_network_state(other, load_checkpoint(tmp_path / "a.pt"))
    assert repr(network_state(other)) == repr(network_state(one))
    assert other[0].state is not one[0].state or isinstance(state, str)


def test_extra_state_that_is_not_plain_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"the extra state '0._extra_state' of the network must be a tensor, dict.*object"
    ):
        network_state(nn.Sequential(_Counting(object())))


@pytest.mark.parametrize("place", ["before", "after", "own"])
@pytest.mark.parametrize("extra", [False, True])
def test_where_a_hook_refuses_nothing_changes(place: str, extra: bool) -> None:
    class Refusing(nn.Linear):
        def _load_from_state_dict(self, *arguments: Any, **options: Any) -> None:
            super()._load_from_state_dict(*arguments, **options)
            raise RuntimeError("no")

    def refuse(*arguments: Any) -> None:
        raise RuntimeError("no")

    last = Refusing(3, 1) if place == "own" else nn.Linear(3, 1)
    network = nn.Sequential(*_network(), *([_Counting({"a": 1})] if extra else []), last)
    if place == "before":
        last.register_load_state_dict_pre_hook(refuse)
    elif place == "after":
        last.register_load_state_dict_post_hook(refuse)
    before = copy.deepcopy(network_state(network))
    state = {name: value + 1 if isinstance(value, torch.Tensor) else {"a": 2} for name, value in before.items()}
    with pytest.raises(ValueError, match="state must fit the network, which refuses it: RuntimeError: no"):
        load_network_state(network, state)
    now = network_state(network)
    assert all(torch.equal(now[name], value) for name, value in before.items() if isinstance(value, torch.Tensor))
    assert not extra or now["2._extra_state"] == {"a": 1}


def test_where_some_tensors_cannot_be_changed_nothing_changes() -> None:
    with torch.inference_mode():
        fixed = nn.Linear(3, 1)
    free = nn.Linear(2, 3)
    network = nn.Sequential(free, fixed)
    before = copy.deepcopy(free.weight)
    with pytest.raises(ValueError, match="state must fit the network, which refuses it: RuntimeError: Error"):
        load_network_state(network, {name: value + 1 for name, value in network_state(network).items()})
    assert torch.equal(free.weight, before)


def test_where_extra_state_is_refused_nothing_changes() -> None:
    network = nn.Sequential(nn.Linear(2, 2), _Counting({"a": 1}))
    before = {name: tensor.clone() for name, tensor in network.named_parameters()}
    state = {
        name: value + 1 if isinstance(value, torch.Tensor) else "bad" for name, value in network_state(network).items()
    }
    with pytest.raises(ValueError, match="which refuses it: RuntimeError: not this one"):
        load_network_state(network, state)
    assert network_state(network)["1._extra_state"] == {"a": 1}
    assert all(torch.equal(before[name], tensor) for name, tensor in network.named_parameters())


class _Transposed(nn.Linear):
    """A layer whose state is another form of its weight, by hooks."""

    def __init__(self) -> None:
        super().__init__(3, 2)
        self.register_state_dict_post_hook(self._turn)
        self.register_load_state_dict_pre_hook(self._turn_back)

    @staticmethod
    def _turn(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
        state[f"{prefix}weight"] = state[f"{prefix}weight"].T.contiguous()

    @staticmethod
    def _turn_back(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
        state[f"{prefix}weight"] = state[f"{prefix}weight"].T


def test_hooks_that_change_a_state_are_called_when_it_is_loaded() -> None:
    one, other = _Transposed(), _Transposed()
    assert network_state(one)["weight"].shape == (3, 2)
    load_network_state(other, network_state(one))
    assert torch.equal(one.weight, other.weight)


def test_tied_weights_must_agree_in_the_state() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    network[1].weight = network[0].weight
    state = {name: tensor.clone() for name, tensor in network_state(network).items()}
    state["0.weight"][0, 0] = state["1.weight"][0, 0] = torch.nan
    load_network_state(network, state)
    state["1.weight"][0, 0] = 7.0
    with pytest.raises(
        ValueError, match=r"1 faults: '1.weight' differs from '0.weight', which is the same tensor in this"
    ):
        load_network_state(network, state)
    assert bool(torch.isnan(network.get_parameter("0.weight")).any())


def test_what_has_no_shape_or_no_memory_is_refused() -> None:
    for call in (network_state, lambda network: load_network_state(network, {})):
        with pytest.raises(ValueError, match=r"got the lazy 'weight' without: call the network once before"):
            call(nn.LazyLinear(3))
    with pytest.raises(ValueError, match=r"memory for its values, got tensors on meta: call network.to_empty"):
        load_network_state(nn.Linear(2, 1, device="meta"), nn.Linear(2, 1).state_dict())


@pytest.mark.parametrize("state", [None, [("weight", 1)], nn.Linear(2, 1)])
def test_a_state_must_be_a_mapping(state: Any) -> None:
    with pytest.raises(ValueError, match="state must be a mapping of names to tensors, got"):
        load_network_state(nn.Linear(2, 1), state)


def test_an_ordered_dict_in_another_order_fits() -> None:
    one, other = _network(), _network()
    load_network_state(other, OrderedDict(reversed(network_state(one).items())))
    assert torch.equal(one.get_parameter("0.weight"), other.get_parameter("0.weight"))


def test_parameters_of_every_kind_go_there_and_back() -> None:
    def make(fill: int) -> Any:
        network: Any = nn.Module()
        kinds = (torch.float64, torch.complex64, torch.int32, torch.bool, torch.bfloat16, torch.float8_e4m3fn)
        tensors = [torch.full((2,), fill).to(kind) for kind in kinds] + [torch.full((), float(fill)), torch.empty(0, 3)]
        network.several = nn.ParameterList([nn.Parameter(tensor, requires_grad=False) for tensor in tensors])
        network.named = nn.ParameterDict({"a": torch.full((2,), float(fill))})
        network.register_buffer("none", None)
        network.register_buffer("left_out", torch.full((2,), float(fill)), persistent=False)
        return network

    one, other = make(1), make(0)
    load_network_state(other, network_state(one))
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a.to(torch.complex64), b.to(torch.complex64)) for a, b in pairs)
    assert other.left_out.tolist() == [0.0, 0.0]


def test_names_that_must_be_finite_are() -> None:
    network = nn.Linear(2, 1)
    state = {"weight": torch.tensor([[1.0, torch.nan]]), "bias": torch.tensor([torch.inf])}
    with pytest.raises(ValueError, match=r"1 faults: 'weight' holds 1 NaN of 2 values"):
        load_fitting_state(network, state, finite=["weight", "gone"])
    load_fitting_state(network, state)
    load_fitting_state(network, {**state, "weight": torch.ones(1, 2)}, finite=["weight"])


@pytest.mark.parametrize("kind", ["meta", "sparse", "quantized"])
@pytest.mark.parametrize("tied", [False, True])
def test_a_tensor_without_dense_values_is_refused(kind: str, tied: bool) -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    if tied:
        network[1].weight = network[0].weight
    odd = {
        "meta": torch.ones(2, 2, device="meta"),
        "sparse": torch.ones(2, 2).to_sparse(),
        "quantized": quantized((2, 2)),
    }
    for name in ("0.weight", "1.weight"):
        state = {**network_state(network), name: odd[kind]}
        with pytest.raises(ValueError, match=f"1 faults: '{name}' is no dense tensor with values"):
            load_network_state(network, state)


@pytest.mark.parametrize("name", ["0.weight", "1.weight"])
def test_what_is_no_tensor_is_no_tied_tensor(name: str) -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    network[1].weight = network[0].weight
    with pytest.raises(ValueError, match=f"1 faults: '{name}' is not a tensor"):
        load_network_state(network, {**network_state(network), name: [1.0]})
    with pytest.raises(ValueError, match=rf"1 faults: '{name}' has shape \(3, 2\), not \(2, 2\)"):
        load_network_state(network, {**network_state(network), name: torch.ones(3, 2)})


@pytest.mark.parametrize(
    ("dtype", "values", "held"),
    [
        (torch.int32, torch.tensor([2.0, -3.0]), True),
        (torch.int32, torch.tensor([2.5]), False),
        (torch.int32, torch.tensor([1 << 40]), False),
        (torch.bool, torch.tensor([0, 1]), True),
        (torch.bool, torch.tensor([2]), False),
        (torch.float16, torch.tensor([0.1]), True),
        (torch.float16, torch.tensor([1e6]), False),
        (torch.float16, torch.tensor([torch.inf]), True),
        (torch.float32, torch.tensor([1j]), False),
        (torch.complex64, torch.tensor([1e6]), True),
    ],
)
def test_a_dtype_holds_what_is_neither_cut_off_nor_too_large(
    dtype: torch.dtype, values: torch.Tensor, held: bool
) -> None:
    assert holds(dtype, values) == held


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.int8, torch.complex64])
def test_tied_weights_of_any_dtype_are_compared(dtype: torch.dtype) -> None:
    network: Any = nn.Module()
    network.one = network.two = nn.Parameter(torch.ones(2).to(dtype), requires_grad=False)
    state = {"one": torch.tensor([2.0, 3.0]).to(dtype), "two": torch.tensor([2.0, 3.0]).to(dtype)}
    load_network_state(network, state)
    assert network.one.to(torch.complex64).tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match="'two' differs from 'one'"):
        load_network_state(network, {**state, "two": torch.tensor([2.0, 4.0]).to(dtype)})
    with pytest.raises(ValueError, match="'two' differs from 'one'"):
        load_network_state(network, {**state, "two": torch.tensor([2.0, 3.0], dtype=torch.float64)})


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (7, "'weight' is not a tensor"),
        (torch.zeros(1, 2, device="meta"), "'weight' is no dense tensor with values"),
        (torch.zeros(1, 2).to_sparse(), "'weight' is no dense tensor with values"),
        (quantized((1, 2)), "'weight' is no dense tensor with values"),
        (
            torch.full((1, 2), 1e300, dtype=torch.float64),
            "'weight' of torch.float64 has values that torch.float32 does not",
        ),
        (
            torch.ones(1, 2, dtype=torch.complex64),
            "'weight' of torch.complex64 has values that torch.float32 does not hold",
        ),
    ],
)
def test_tensors_that_a_network_cannot_hold_are_refused(value: Any, fault: str) -> None:
    network = nn.Linear(2, 1, bias=False)
    with pytest.raises(ValueError, match=fault):
        load_network_state(network, {"weight": value})


@pytest.mark.parametrize("count", [0.5, 1e30, torch.nan])
def test_whole_numbers_are_not_rounded(count: float) -> None:
    network = nn.BatchNorm1d(2)
    state = network_state(network)
    with pytest.raises(
        ValueError, match=r"'num_batches_tracked' of torch.float32 has values that torch.int64 does not hold"
    ):
        load_network_state(network, {**state, "num_batches_tracked": torch.tensor(count)})
    load_network_state(network, {**state, "num_batches_tracked": torch.tensor(3.0)})
    assert network.get_buffer("num_batches_tracked").item() == 3


def test_values_that_were_infinite_before_are_held() -> None:
    network = nn.Linear(1, 1, bias=False)
    load_network_state(network, {"weight": torch.full((1, 1), torch.inf, dtype=torch.float64)})
    assert network.weight.item() == torch.inf


def test_a_network_that_refuses_its_state_says_so() -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("not today")

    network = nn.Linear(1, 1)
    state = network_state(network)
    network.register_load_state_dict_pre_hook(refuse)
    with pytest.raises(ValueError, match="state must fit the network, which refuses it: RuntimeError: not today"):
        load_network_state(network, state)


@pytest.mark.parametrize("other", [torch.zeros(2, 2, device="meta"), torch.zeros(2, 2).to_sparse(), torch.zeros(3)])
def test_a_tied_weight_of_another_form_is_one_fault(other: torch.Tensor) -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    network[1].weight = network[0].weight
    with pytest.raises(ValueError, match=r"got 1 faults: '1.weight' "):
        load_network_state(network, {"0.weight": torch.zeros(2, 2), "1.weight": other})


def test_a_lack_of_memory_is_no_fault_of_the_state() -> None:
    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    network = nn.Linear(1, 1)
    state = network_state(network)
    network.register_load_state_dict_pre_hook(fail)
    with pytest.raises(torch.OutOfMemoryError):
        load_network_state(network, state)
