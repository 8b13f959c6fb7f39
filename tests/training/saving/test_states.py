import copy
import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.nn.utils import parametrizations
from torch.optim import SGD, Adagrad, Adam, Optimizer

from gankit.training import Update, load_checkpoint, load_network_state, network_state, save_checkpoint
from gankit.training._saving._states import bare, fitting_optimizer_state, optimizer_state, plain_name


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def _compiled(network: nn.Module) -> nn.Module:
    return cast("nn.Module", torch.compile(network, backend="eager"))


def test_wrapped_and_compiled_networks_have_the_bare_names() -> None:
    network = _network()
    expected = list(network.state_dict())
    compiled = _compiled(network)
    partly = nn.Sequential(_compiled(network[0]), network[1])
    for wrapped in (network, compiled, nn.DataParallel(network), nn.DataParallel(partly)):
        assert list(network_state(wrapped)) == expected
    assert bare(_compiled(nn.DataParallel(network))) is network


def test_a_layer_that_is_called_module_keeps_its_name() -> None:
    network = nn.Module()
    network.module = nn.Linear(2, 1)
    assert list(network_state(network)) == ["module.weight", "module.bias"]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("0.weight", "0.weight"),
        ("_orig_mod.0._orig_mod.weight", "0.weight"),
        ("0.parametrizations.weight.original", "0.weight"),
        ("0.parametrizations.weight.original1", "0.weight.original1"),
        ("0.parametrizations.weight.0._u", "0.weight.0._u"),
        ("original.weight", "original.weight"),
    ],
)
def test_plain_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(seed=st.integers(0, 2**31 - 1))
def test_a_parametrized_network_goes_there_and_back(seed: int) -> None:
    torch.manual_seed(seed)
    one, other = (parametrizations.spectral_norm(nn.Linear(5, 3)) for _ in range(2))
    one(torch.ones(1, 5))
    load_network_state(other, {name: tensor.clone() for name, tensor in network_state(one).items()})
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
    one.eval()
    other.eval()
    assert torch.equal(one(torch.ones(1, 5)), other(torch.ones(1, 5)))


def test_every_fault_is_listed_and_nothing_changes() -> None:
    network = _network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = {name: tensor + 1 for name, tensor in before.items()}
    del state["0.bias"]
    state["extra"] = torch.ones(1)
    state["0.weight"] = torch.ones(7, 2)
    with pytest.raises(
        ValueError,
        match=r"3 faults: '0.bias' is missing; '0.weight' has shape \(7, 2\), not \(3, 2\); 'extra' is unknown",
    ):
        load_network_state(network, state)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_two_entries_of_one_plain_name_are_refused() -> None:
    network = nn.Module()
    network.weight = nn.Parameter(torch.ones(1))
    network._orig_mod = nn.ParameterDict({"weight": torch.ones(1)})
    outer = nn.Sequential(network)
    with pytest.raises(ValueError, match=r"distinct plain names, got '0.weight' twice"):
        network_state(outer)


Make = Callable[[list[nn.Parameter]], Optimizer]
MAKES: list[Make] = [
    lambda parameters: Adam(parameters, lr=0.1, fused=True),
    lambda parameters: Adam(parameters, lr=0.1, amsgrad=True),
    lambda parameters: SGD(parameters, lr=0.1, momentum=0.9, fused=True),
    lambda parameters: Adagrad(parameters, lr=0.1, fused=True),
]


def _weight(memory_format: torch.memory_format, seed: int = 0) -> nn.Parameter:
    rng = torch.Generator().manual_seed(seed)
    return nn.Parameter(torch.randn(3, 5, 2, 2, generator=rng).contiguous(memory_format=memory_format))


def _step(optimizer: Optimizer, parameter: nn.Parameter, times: int) -> None:
    for turn in range(times):
        rng = torch.Generator().manual_seed(turn)
        parameter.grad = torch.empty_like(parameter).copy_(torch.randn(3, 5, 2, 2, generator=rng))
        optimizer.step()


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("after", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("before", [torch.contiguous_format, torch.channels_last])
def test_a_run_goes_on_in_another_memory_format(
    tmp_path, make: Make, before: torch.memory_format, after: torch.memory_format
) -> None:
    parameter = _weight(before)
    optimizer = make([parameter])
    _step(optimizer, parameter, 2)
    save_checkpoint(tmp_path / "a.pt", {"weight": parameter, "optimizer": optimizer_state(optimizer, {})})
    _step(optimizer, parameter, 3)
    state = load_checkpoint(tmp_path / "a.pt")
    resumed = _weight(after, seed=7)
    resumed.data.copy_(state["weight"])
    other = make([resumed])
    other.load_state_dict(fitting_optimizer_state(other, state["optimizer"]))
    _step(other, resumed, 3)
    # Vectorized loops round elements by their place, so that only the same format gives the same bits.
    allowed = 0.0 if before == after else 1e-6
    torch.testing.assert_close(resumed, parameter, rtol=allowed, atol=allowed)


def test_a_loaded_state_is_a_copy() -> None:
    parameters = [_weight(torch.contiguous_format), _weight(torch.contiguous_format)]
    one, other = (Adam([parameter], lr=0.1) for parameter in parameters)
    _step(one, parameters[0], 2)
    state = optimizer_state(one, {})
    other.load_state_dict(fitting_optimizer_state(other, state))
    expected = copy.deepcopy(state)
    _step(other, parameters[1], 3)
    assert all(torch.equal(value, expected["state"][0][key]) for key, value in one.state[parameters[0]].items())


def test_shapes_that_do_not_fit_are_refused_and_nothing_changes() -> None:
    network, larger = nn.Linear(2, 3), nn.Linear(2, 5)
    update, other = (Update(Adam(n.parameters()), lambda x, n=n: {"loss": n(x).mean()}) for n in (network, larger))
    for one in (update, other):
        one(torch.ones(7, 2))
    before = repr(update.state_dict())
    with pytest.raises(
        ValueError,
        match=r"fit the optimizer's parameters, got 4 faults: 'exp_avg' of parameter 0 has shape \(5, 2\), not \(3, 2\)",
    ):
        update.load_state_dict(other.state_dict())
    assert repr(update.state_dict()) == before


@pytest.mark.parametrize(("faults", "listed", "end"), [(4, 4, "not (3,)"), (5, 5, "not (3,)"), (6, 5, "and 1 more")])
def test_many_faults_are_counted(faults: int, listed: int, end: str) -> None:
    parameters = [nn.Parameter(torch.ones(3)) for _ in range(faults)]
    state = {
        "state": {number: {"momentum_buffer": torch.ones(2)} for number in range(faults)},
        "param_groups": [{**SGD(parameters).state_dict()["param_groups"][0], "params": list(range(faults))}],
    }
    with pytest.raises(ValueError, match=f"got {faults} faults: 'momentum_buffer' of parameter 0 has shape") as caught:
        fitting_optimizer_state(SGD(parameters), state)
    assert str(caught.value).count("has shape") == listed
    assert str(caught.value).endswith(end)


def test_another_number_of_parameters_is_refused() -> None:
    network = nn.Linear(2, 3)
    optimizer = Adam(network.parameters())
    state = optimizer_state(Adam([network.weight]), {})
    with pytest.raises(ValueError, match="group"):
        optimizer.load_state_dict(fitting_optimizer_state(optimizer, state))


def test_factored_moments_and_lists_come_through() -> None:
    for make in (torch.optim.Adafactor, torch.optim.LBFGS):
        network, twin = nn.Linear(3, 2), nn.Linear(3, 2)
        twin.load_state_dict(network.state_dict())
        optimizers: list[Any] = [make(n.parameters(), lr=0.1) for n in (network, twin)]

        def step(number: int, n: nn.Module, optimizer: Any) -> None:
            def closure() -> torch.Tensor:
                optimizer.zero_grad()
                loss = n(torch.arange(12.0).reshape(4, 3) + number).square().mean()
                loss.backward()
                return loss

            optimizer.step(closure)

        step(0, network, optimizers[0])
        twin.load_state_dict(network.state_dict())
        optimizers[1].load_state_dict(fitting_optimizer_state(optimizers[1], optimizer_state(optimizers[0], {})))
        step(1, network, optimizers[0])
        step(1, twin, optimizers[1])
        assert torch.equal(network.weight, twin.weight)


def test_entries_of_no_parameter_are_kept_as_torch_keeps_them() -> None:
    parameter = _weight(torch.contiguous_format)
    optimizer = Adam([parameter], lr=0.1)
    _step(optimizer, parameter, 1)
    state = optimizer_state(optimizer, {})
    state["state"][99] = {"exp_avg": torch.ones(7), "text": "more"}
    optimizer.load_state_dict(fitting_optimizer_state(optimizer, state))
    loaded = optimizer.state_dict()["state"]
    assert loaded[99]["exp_avg"].tolist() == [1.0] * 7
    assert loaded[0]["exp_avg"].shape == parameter.shape


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (1, 1, 4, 3), (12,)])
def test_elementwise_moments_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    parameter = nn.Parameter(torch.ones(4, 3))
    optimizer = Adam([parameter], lr=0.1)
    parameter.grad = torch.ones(4, 3)
    optimizer.step()
    state = optimizer_state(optimizer, {})
    state["state"][0]["exp_avg_sq"] = torch.ones(shape)
    with pytest.raises(ValueError, match=r"'exp_avg_sq' of parameter 0 has shape .*, not \(4, 3\)"):
        fitting_optimizer_state(optimizer, state)
    for bad in ({"row_var": torch.ones(4, 2)}, {"col_var": torch.ones(2, 3)}, {"own": torch.ones(2, 2)}):
        with pytest.raises(ValueError, match=r"of parameter 0 has shape .*, not \(4, 3\)"):
            fitting_optimizer_state(optimizer, {**state, "state": {0: bad}})
    state["state"][0] = {"preconditioner": torch.ones(7, 7, 7), "row_var": torch.ones(4, 1), "step": torch.tensor(3.0)}
    fitting_optimizer_state(optimizer, state)


@pytest.mark.parametrize(
    "makes", list(itertools.permutations([Adam, SGD, torch.optim.RMSprop, torch.optim.Adagrad], 2))
)
def test_the_state_of_another_kind_of_optimizer_is_refused(makes: tuple[Any, Any]) -> None:
    parameter = nn.Parameter(torch.ones(2))
    one, other = (make([parameter], lr=0.1) for make in makes)
    with pytest.raises(ValueError, match=f"same kind of optimizer, {type(other).__name__}, got one without \\['"):
        fitting_optimizer_state(other, one.state_dict())


def test_flags_that_an_older_torch_did_not_save_may_be_missing() -> None:
    parameter = nn.Parameter(torch.ones(2))
    state = Adam([parameter], lr=0.1).state_dict()
    for flag in ("fused", "decoupled_weight_decay", "capturable"):
        state["param_groups"][0].pop(flag, None)
    fitting_optimizer_state(Adam([parameter], lr=0.1), state)
    fitting_optimizer_state(torch.optim.AdamW([parameter], lr=0.1), state)
