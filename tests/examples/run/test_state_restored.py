"""A state that is collected, restored elsewhere, hashed, and taken from by another run."""

import hashlib
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.tiny_session import tiny_parts, tiny_settings
from torch import nn

import gankit as gk
from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.run import digest
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._state import (
    check_finite_weights,
    collect_state,
    digests,
    restore_state,
    take_networks,
)
from examples.anime_faces.systems import Hardware

Parts = tuple[Any, Any, Record]


def _played(steps: int) -> Parts:
    training, feed = tiny_parts(9)
    record = Record(None, every=1)
    for step in range(steps):
        record.add(step + 1, training.play(step, feed))
    record.read()
    return training, feed, record


def _state(parts: Parts, **settings: Any) -> dict[str, Any]:
    """A copy, since what is collected are the tensors that are trained."""
    return deepcopy(collect_state(*parts, step=2, settings=tiny_settings(**settings).to_dict()))


def _restored(state: dict[str, Any], lost: list[str]) -> Parts:
    parts = _played(0)
    torch.manual_seed(99)
    assert restore_state(state, *parts, on_lost=lost.append) == 2
    return parts


def test_what_is_restored_continues_bit_for_bit() -> None:
    lost: list[str] = []
    first = _played(2)
    state = _state(first)
    values = first[0].play(2, first[1])
    second = _restored(state, lost)
    assert lost == []
    assert second[1].draws == 2
    assert second[2].averages() == first[2].averages() != {}
    torch.testing.assert_close(second[0].play(2, second[1]), values, rtol=0, atol=0)
    assert digest(_state(second)) == digest(_state(first)) != digest(state)


def test_a_state_has_everything_by_name() -> None:
    state = _state(_played(2))
    assert (state["format"], state["step"], state["draws"], state["parts"]) == (2, 2, 2, {})
    assert state["settings"] == tiny_settings().to_dict()
    assert set(state["networks"]) == {"critic", "generator"}
    assert set(state["averages"]) == {"generator"}
    assert set(state["updates"]) == {"critic", "generator"}
    assert set(state["recent"]) >= {"critic/score", "generator/score"}
    assert "python" not in state["random"]


def test_random_numbers_of_another_device_are_lost_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    state = _state(_played(2), hardware=Hardware(device="cuda:1"))
    lost: list[str] = []
    _restored(state, lost)
    assert lost == ["those of cuda:1 cannot continue on cpu"]
    assert restore_state(state, *_played(0)) == 2
    assert capsys.readouterr().out == (
        "note: random numbers: those of cuda:1 cannot continue on cpu; the run continues, but it need not repeat bit for "
        "bit\n"
    )


def test_random_numbers_of_an_earlier_version_are_restored() -> None:
    first = _played(2)
    state = _state(first)
    state["random"] = {"cpu": state["random"]["cpu"], "cuda": []}
    values = first[0].play(2, first[1])
    lost: list[str] = []
    second = _restored(state, lost)
    assert lost == []
    torch.testing.assert_close(second[0].play(2, second[1]), values, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["networks", "averages"])
def test_a_state_without_a_network_is_of_another_version_of_the_recipe(kind: str) -> None:
    state = _state(_played(1))
    del state[kind]["generator"]
    message = f"^the checkpoint holds no generator among its {kind}: it is of another version of the recipe$"
    with pytest.raises(ValueError, match=message):
        restore_state(state, *_played(0))


class _Counting(nn.Linear):
    """With state that is no tensor, and a count."""

    def __init__(self) -> None:
        super().__init__(2, 1)
        self.register_buffer("count", torch.tensor(3))

    def get_extra_state(self) -> int:
        return 7

    def set_extra_state(self, state: int) -> None:
        assert state == 7


@pytest.mark.parametrize("number", [float("nan"), float("-inf")])
def test_one_number_that_is_not_finite_is_found(number: float) -> None:
    networks = {"generator": nn.Linear(2, 2), "critic": _Counting()}
    training: Any = SimpleNamespace(networks=networks)
    check_finite_weights(training, 4)
    with torch.no_grad():
        networks["critic"].weight[0, 1] = number
    with pytest.raises(TrainingDivergedError, match=r"^step 4: critic\.weight is not finite$"):
        check_finite_weights(training, 4)


def test_a_digest_is_of_names_types_shapes_and_bytes() -> None:
    state = {"settings": {"out": "a"}, "step": 3, "loss": [0.5], "w": torch.tensor([1.0, 2.0])}
    expected = hashlib.sha256(b"/loss/0=0.5;/step=3;/w:torch.float32:(2,):" + state["w"].numpy().tobytes())
    assert digest(state) == expected.hexdigest()


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (nn.Parameter(torch.tensor([1.0, 2.0])), torch.tensor([1.0, 2.0])),
        (torch.arange(6.0)[::2], torch.tensor([0.0, 2.0, 4.0])),
        ({0: 1, "a": 2}, {"a": 2, 0: 1}),
        ({"\udcff": (1,)}, {"\udcff": [1]}),
    ],
)
def test_equal_values_have_equal_digests(value: object, same: object) -> None:
    assert digest({"x": value}) == digest({"x": same})


def test_numbers_of_any_format_have_a_digest() -> None:
    assert digest({"x": torch.tensor([1.0, 2.0]).bfloat16()}) != digest({"x": torch.tensor([1.0, 3.0]).bfloat16()})


def test_ranks_compare_all_but_settings_and_the_random_numbers_of_devices() -> None:
    numbers = torch.tensor([1, 2], dtype=torch.uint8)
    state = {
        "settings": {"out": "a"},
        "step": 3,
        "parts": {},
        "random": {"cpu": numbers, "devices": {"cuda": [numbers]}},
    }
    assert digests(state) == {
        "step": digest({"step": 3}),
        "parts": digest({"parts": {}}),
        "random numbers": digest({"": numbers}),
    }


def _training(**networks: nn.Module) -> Any:
    average = SimpleNamespace(network=nn.Linear(2, 3))
    return SimpleNamespace(networks=networks, averages={"generator": average})


def _saved(networks: dict[str, nn.Module], averages: dict[str, nn.Module]) -> dict[str, Any]:
    return {
        "format": 2,
        "networks": {name: gk.training.network_state(one) for name, one in networks.items()},
        "averages": {name: {"network": gk.training.network_state(one)} for name, one in averages.items()},
    }


def test_networks_and_averages_are_taken_and_the_rest_is_named() -> None:
    source, average = nn.Linear(2, 3), nn.Linear(2, 3)
    training = _training(generator=nn.Linear(2, 3), critic=nn.Linear(3, 1))
    taken, left_out = take_networks(_saved({"generator": source}, {"generator": average}), training)
    assert (taken, left_out) == (2, ["critic.weight: not in the checkpoint", "critic.bias: not in the checkpoint"])
    assert torch.equal(training.networks["generator"].weight, source.weight)
    assert torch.equal(training.averages["generator"].network.bias, average.bias)


def test_one_weight_is_enough_to_start_from() -> None:
    source = nn.Linear(5, 3)
    training = _training(generator=nn.Linear(2, 3))
    taken, left_out = take_networks(_saved({"generator": source}, {}), training)
    assert (taken, left_out) == (
        1,
        [
            "generator.weight: shape (3, 5) there, (3, 2) here",
            "average of generator.weight: not in the checkpoint",
            "average of generator.bias: not in the checkpoint",
        ],
    )
    assert torch.equal(training.networks["generator"].bias, source.bias)


def test_a_checkpoint_of_which_nothing_fits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^no weight of the checkpoint given by --from has the name and shape of one"):
        take_networks(_saved({"critic": nn.Linear(2, 3)}, {}), _training(generator=nn.Linear(2, 3)))
