from typing import cast

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.nn.utils import parametrizations

from gankit.training import load_network_state, network_state
from gankit.training._network_state import bare, plain_name


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
