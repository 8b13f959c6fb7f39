from typing import cast

import pytest
import torch
from torch import nn

from gankit.training import network_state
from gankit.training._saving._names import bare, own_spelling, plain_name, plain_names


def _compiled(network: nn.Module) -> nn.Module:
    return cast("nn.Module", torch.compile(network, backend="eager"))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("0.weight", "0.weight"),
        ("_orig_mod.0._orig_mod.weight", "0.weight"),
        ("_fsdp_wrapped_module.0._checkpoint_wrapped_module.weight", "0.weight"),
        ("0.parametrizations.weight.original", "0.weight"),
        ("0.parametrizations.weight.original1", "0.weight.original1"),
        ("0.parametrizations.weight.0._u", "0.weight.0._u"),
        ("original.weight", "original.weight"),
        ("module.weight", "module.weight"),
    ],
)
def test_plain_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_wrappers_are_taken_off_in_any_order() -> None:
    network = nn.Linear(2, 1)
    assert bare(network) is network
    assert bare(_compiled(nn.DataParallel(network))) is network
    assert bare(nn.DataParallel(_compiled(network))) is network
    with pytest.raises(ValueError, match=r"network must be a torch.nn.Module, got partial: pass the module in it"):
        bare(cast("nn.Module", __import__("functools").partial(network)))


def test_data_parallel_parts_leave_no_trace_also_inside_one_another() -> None:
    inner = nn.Sequential(nn.DataParallel(nn.Linear(2, 2)), nn.ReLU())
    network = nn.Sequential(nn.DataParallel(inner), nn.Linear(2, 1))
    assert list(network_state(network)) == ["0.0.weight", "0.0.bias", "1.weight", "1.bias"]
    assert plain_names(network, ["0.module.0.module.weight"]) == {"0.module.0.module.weight": "0.0.weight"}


def test_a_layer_that_is_called_module_keeps_its_name() -> None:
    network = nn.Module()
    network.module = nn.Linear(2, 1)
    assert list(network_state(network)) == ["module.weight", "module.bias"]


def test_two_entries_of_one_plain_name_are_refused() -> None:
    network = nn.Module()
    network.weight = nn.Parameter(torch.ones(1))
    network._orig_mod = nn.ParameterDict({"weight": torch.ones(1)})
    outer = nn.Sequential(network)
    with pytest.raises(ValueError, match=r"distinct plain names, got '0.weight' twice"):
        network_state(outer)


OWN = {"0.weight", "0.bias"}


@pytest.mark.parametrize(
    "given",
    [
        ["0.weight", "0.bias"],
        ["module.0.weight", "module.0.bias"],
        ["module.module.0.weight", "module.module.0.bias"],
        ["_orig_mod.module.0.weight", "_orig_mod.module.0.bias"],
        ["module._orig_mod.0.weight", "module._orig_mod.0.bias"],
        ["0.module.weight", "0.module.bias"],
        ["0._orig_mod.weight", "0.bias"],
        ["_fsdp_wrapped_module.0._checkpoint_wrapped_module.weight", "_fsdp_wrapped_module.0.bias"],
        ["module.0.parametrizations.weight.original", "module.0.bias"],
        ["module.0._orig_mod.module.weight", "module.0._orig_mod.module.bias"],
    ],
)
def test_prefixes_of_wrappers_do_not_matter(given: list[str]) -> None:
    assert own_spelling(OWN, given) == dict(zip(given, ["0.weight", "0.bias"], strict=True))


def test_the_whole_file_is_read_in_one_way_since_a_layer_may_be_called_module() -> None:
    own = {"weight", "module.weight"}
    assert own_spelling(own, ["weight", "module.weight"]) == {"weight": "weight", "module.weight": "module.weight"}
    wrapped = {"module.weight": "weight", "module.module.weight": "module.weight"}
    assert own_spelling(own, list(wrapped)) == wrapped


def test_names_that_would_become_one_are_left_as_they_are() -> None:
    given = ["a.module.weight", "module.a.weight"]
    assert own_spelling({"a.weight"}, given) == {name: name for name in given}


def test_what_is_over_is_counted_after_the_prefix_is_gone() -> None:
    given = ["module.0.weight", "module.1.weight"]
    assert own_spelling(OWN, given) == {"module.0.weight": "0.weight", "module.1.weight": "1.weight"}
    assert own_spelling(OWN, []) == {}
