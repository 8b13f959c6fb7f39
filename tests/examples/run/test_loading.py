"""Networks of checkpoints: built only where they are as large as what is saved of them, whatever the settings say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules.module import _global_parameter_registration_hooks as hooks
from torch.nn.utils.parametrizations import spectral_norm

import gankit as gk
from examples.anime_faces.run import load_any_checkpoint, load_generator, load_network
from examples.anime_faces.run._loading import check_recipe, filled, saved_network

LARGER = "the network that its settings describe is larger than the one that it holds"


def _network(width: int) -> nn.Module:
    return nn.Sequential(spectral_norm(nn.Linear(3, width)), nn.BatchNorm1d(width), nn.Linear(width, 1))


def test_a_network_is_filled_and_random_numbers_stay() -> None:
    network = _network(5)
    before = torch.get_rng_state()
    again = filled(lambda: _network(5), gk.training.network_state(network), "a.pt")
    assert torch.equal(torch.get_rng_state(), before)
    assert not again.training
    x = torch.ones(2, 3)
    torch.testing.assert_close(again(x), network.eval()(x))


@pytest.mark.parametrize("width", [30, 10**6, 10**17])
def test_one_that_would_be_larger_takes_no_memory(width: int) -> None:
    state = gk.training.network_state(_network(5))
    with pytest.raises(ValueError, match=f"a.pt: {LARGER}"):
        filled(lambda: _network(width), state, "a.pt")
    assert not hooks


def test_one_of_many_layers_is_refused_before_all_are_built() -> None:
    built: list[int] = []

    def make() -> nn.Module:
        return nn.Sequential(*(built.append(number) or nn.Linear(2, 2) for number in range(10**6)))

    with pytest.raises(ValueError, match=LARGER):
        filled(make, {"0.weight": torch.zeros(2, 2)}, "a.pt")
    assert len(built) < 10


def test_a_product_of_sizes_that_has_no_room_is_an_error_with_the_file() -> None:
    with pytest.raises(ValueError, match=r"^a\.pt: "):
        filled(lambda: nn.Linear(2**40, 2**40), {}, "a.pt")


def test_another_shape_is_an_error_with_the_file() -> None:
    with pytest.raises(ValueError, match=r"^a\.pt: state must fit the network"):
        filled(lambda: nn.Linear(2, 3), {"weight": torch.zeros(2, 3), "bias": torch.zeros(3)}, "a.pt")


@pytest.mark.parametrize(
    "load", [load_generator, lambda path: load_network(path, "critic")], ids=["generator", "critic"]
)
def test_the_settings_of_a_checkpoint_do_not_say_how_much_memory_it_takes(
    load: Callable[[Path], Any], trained_folder: Path, tmp_path: Path
) -> None:
    state = dict(load_any_checkpoint(trained_folder))
    state["settings"] = state["settings"] | {"options": state["settings"]["options"] | {"width": 10**6}}
    path = tmp_path / "checkpoint-7.pt"
    gk.training.save_checkpoint(path, {"version": 1, "step": 7, "state": state})
    with pytest.raises(ValueError, match=f"{path}: {LARGER}"):
        load(path)


def test_a_network_as_it_was_trained_is_loaded_by_its_name(trained_folder: Path) -> None:
    for name in ("critic", "generator"):
        network = load_network(trained_folder, name, recipe="ACGAN")
        saved = load_any_checkpoint(trained_folder)["networks"][name]
        torch.testing.assert_close(gk.training.network_state(network), dict(saved))
        assert not network.training
    with pytest.raises(ValueError, match=r"^acgan has the networks .*critic.*, but no 'encoder'$"):
        load_network(trained_folder, "encoder")
    with pytest.raises(ValueError, match=r"^--recipe must be that of the run, acgan, but it is dcgan$"):
        load_network(trained_folder, "critic", recipe="dcgan")


def test_a_recipe_from_outside_is_imported_only_if_it_was_named() -> None:
    outside = "somebody.hinge:RECIPE"
    for used, given in (("acgan", None), ("acgan", "ACGAN"), (outside, outside), (outside, "somebody.hinge")):
        check_recipe(used, given)
    with pytest.raises(
        ValueError, match=f"^the run was trained with the recipe {outside}, .*: give --recipe {outside} to"
    ):
        check_recipe(outside, None)
    for used, given in (("acgan", "dcgan"), (outside, "acgan"), ("acgan", outside), (outside, "somebody.hinge:SMALL")):
        with pytest.raises(ValueError, match=f"^--recipe must be that of the run, {used}, but it is {given}$"):
            check_recipe(used, given)


def test_a_network_that_was_not_saved_is_named_with_the_place() -> None:
    networks = {"generator": {"weight": 1}}
    assert saved_network(networks, "generator", "a.pt") is networks["generator"]
    with pytest.raises(
        ValueError, match=r"^a\.pt holds no 'encoder', which this version of the recipe draws with: it is"
    ):
        saved_network(networks, "encoder", "a.pt")


def test_a_network_may_have_twice_as_many_numbers_as_are_saved_of_it() -> None:
    """A parameter with a parametrization is registered twice; the buffers of a state count too."""
    saved = {"weight": torch.zeros(3, 2)}
    assert filled(lambda: nn.Linear(2, 3, bias=False), saved, "a.pt").state_dict().keys() == {"weight"}
    with pytest.raises(ValueError, match=r"^a\.pt: state must fit the network"):  # 6 + 6 numbers, which is let through
        filled(lambda: nn.Linear(2, 6, bias=False), saved, "a.pt")
    with pytest.raises(ValueError, match=f"^a.pt: {LARGER}$"):  # 6 + 7
        filled(lambda: nn.Linear(13, 1, bias=False), saved, "a.pt")


def test_parameters_without_numbers_count_too_and_those_that_are_none_do_not() -> None:
    """A million of them would take memory all the same."""

    def make(count: int) -> nn.Module:
        network = nn.Module()
        network.register_parameter("none", None)
        for number in range(count):
            network.register_parameter(f"empty{number}", nn.Parameter(torch.empty(0)))
        return network

    saved = {f"empty{number}": torch.empty(0) for number in range(4)} | {"number": torch.ones(2)}
    with pytest.raises(ValueError, match=r"^a\.pt: state must fit the network"):
        filled(lambda: make(4), saved, "a.pt")
    with pytest.raises(ValueError, match=LARGER):
        filled(lambda: make(5), saved, "a.pt")
