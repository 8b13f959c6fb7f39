"""Saved states: what is accepted, found and refused, and how those of the first format are read."""

from pathlib import Path
from typing import Any

import pytest
import torch

import gankit as gk
from examples.anime_faces.run import Settings, load_any_checkpoint
from examples.anime_faces.run._formats import checked_state, in_current_format
from examples.anime_faces.systems import Description, Hardware

SETTINGS = Settings(
    recipe="acgan",
    options={"width": 4},
    seed=0,
    steps=7,
    minutes=None,
    data="faces",
    fingerprint="a",
    description=Description(size=2, kind="unlabeled"),
    pictures=9,
    start=None,
    grid_every=None,
    hardware=Hardware(),
    versions={},
).to_dict()
EVERY: dict[str, Any] = {
    "settings": SETTINGS,
    "step": 3,
    "networks": {"critic": {"0.weight": torch.ones(2)}, "generator": {"generator.0.weight": torch.zeros(2)}},
    "draws": 6,
    "random": {"cpu": torch.zeros(1)},
    "recent": {"loss": [0.5]},
}
FIRST: dict[str, Any] = {
    "format": 1,
    **EVERY,
    "average": {"network": {"generator.0.weight": torch.ones(2)}, "updates": 3},
    "optimizers": {"critic": {"lr": 0.5}, "generator": {"lr": 0.25}},
}
NOW: dict[str, Any] = {
    "format": 2,
    **EVERY,
    "averages": {"generator": {"network": {"0.weight": torch.ones(2)}}},
    "updates": {"critic": {}},
    "parts": {},
}


def without(state: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize("state", [FIRST, NOW], ids=["1", "2"])
def test_states_of_both_formats_are_accepted_and_whatever_they_lack_is_named(state: dict[str, Any]) -> None:
    assert checked_state(state, Path("run")) is state
    for name in state:
        with pytest.raises(ValueError, match=f"^run holds no checkpoint of a run: {name} is missing$"):
            checked_state(without(state, name), Path("run"))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([1, 2], "^run holds no checkpoint of a run: it must be an object, but it is a list$"),
        ({**NOW, "format": "2"}, "^run holds no checkpoint of a run: format must be a whole number, but it is a text$"),
        ({**NOW, "format": 3}, "^run: the checkpoint has format 3, but this version reads the formats 1 and 2$"),
        ({**NOW, "settings": {**SETTINGS, "steps": 0}}, "^run holds no checkpoint of a run: steps must be above 0,"),
        ({**NOW, "recent": {"loss": ["x"]}}, r"^run holds .*: recent\.loss\[0\] must be a number, but it is a text$"),
        ({**NOW, "averages": {"generator": {}}}, r"^run holds .*: averages\.generator\.network is missing$"),
        ({**FIRST, "average": {}}, r"^run holds no checkpoint of a run: average\.network is missing$"),
    ],
)
def test_what_is_no_state_of_a_run_is_refused(state: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_state(state, Path("run"))


def test_a_checkpoint_is_found_by_the_run_by_its_folder_and_by_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "checkpoints"
    with gk.training.Checkpoints(folder) as checkpoints:
        checkpoints.save(2, {**NOW, "step": 2})
        checkpoints.save(3, NOW)
    for place, step in ((tmp_path / "run", 3), (folder, 3), (folder / "checkpoint-2.pt", 2)):
        state = load_any_checkpoint(place)
        assert state["step"] == step
        assert state.keys() == NOW.keys()
        torch.testing.assert_close(dict(state["networks"]), NOW["networks"])


def test_where_there_is_no_checkpoint_it_is_said_what_is_near(tmp_path: Path) -> None:
    empty, gone = tmp_path / "empty", tmp_path / "gone"
    empty.mkdir()
    with pytest.raises(ValueError, match=f"^{empty} holds no checkpoint; train there first$"):
        load_any_checkpoint(empty)
    with pytest.raises(ValueError, match=f"^{gone} does not exist; it should be a run's folder or a checkpoint$"):
        load_any_checkpoint(gone)
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "settings.json").touch()
    with pytest.raises(
        ValueError, match=f"^{gone} .* should be a run's folder or a checkpoint; a run beside it: {run}$"
    ):
        load_any_checkpoint(gone)


@pytest.mark.parametrize("saved", [{"weights": [1]}, [1]])
def test_a_file_of_another_program_is_no_checkpoint_of_a_run(tmp_path: Path, saved: Any) -> None:
    path = tmp_path / "state.pt"
    gk.training.save_checkpoint(path, saved)
    with pytest.raises(
        ValueError, match=f"^{path} holds no checkpoint of a run: it must be an object, but it is null$"
    ):
        load_any_checkpoint(path)


def test_the_current_format_stays_as_it_is() -> None:
    assert in_current_format(NOW) is NOW
    for version in (3, None):
        with pytest.raises(
            ValueError, match=f"^the checkpoint has format {version}, but this version reads the formats"
        ):
            in_current_format({**NOW, "format": version})


def test_the_first_format_had_one_average_and_names_of_a_wrapper() -> None:
    state = in_current_format(FIRST)
    changed = ("networks", "averages", "updates", "parts")
    assert {name: state[name] for name in FIRST if name != "networks"} == without(FIRST, "networks")
    assert {name: list(network) for name, network in state["networks"].items()} == {
        "critic": ["0.weight"],
        "generator": ["0.weight"],
    }
    assert state["networks"]["generator"]["0.weight"] is EVERY["networks"]["generator"]["generator.0.weight"]
    assert state["averages"] == {
        "generator": {"network": {"0.weight": FIRST["average"]["network"]["generator.0.weight"]}, "updates": 3}
    }
    assert (state["updates"], state["parts"]) == ({}, {})
    assert state.keys() == {*FIRST, *changed}
    assert in_current_format({**FIRST, "parts": {"queue": {}}})["parts"] == {"queue": {}}
    some = {"critic": {"generator.a": torch.ones(1), "b": torch.ones(1)}}  # not all of them: it is no wrapper
    assert in_current_format({**FIRST, "networks": some})["networks"] == some


def test_updates_of_the_first_format_share_the_optimizer_of_their_turn() -> None:
    updates: Any = dict.fromkeys(("critic", "generator", "critic/penalty", "generator/extra"))
    of_turn = FIRST["optimizers"]
    assert in_current_format(FIRST, updates)["updates"] == {
        "critic": {"version": 1, "updates": 0, "optimizer": of_turn["critic"]},
        "generator": {"version": 1, "updates": 0, "optimizer": of_turn["generator"]},
        "critic/penalty": {"version": 1, "updates": 0, "optimizer": {"shared_with": "critic"}},
        "generator/extra": {"version": 1, "updates": 0, "optimizer": {"shared_with": "generator"}},
    }
    parts: Any = dict.fromkeys(("critic/first", "critic/second"))  # the first one of a turn has its optimizer
    assert [one["optimizer"] for one in in_current_format(FIRST, parts)["updates"].values()] == [
        of_turn["critic"],
        {"shared_with": "critic/first"},
    ]
    with pytest.raises(ValueError, match=r"^the checkpoint holds no encoder among its optimizers: it is of another"):
        in_current_format(FIRST, updates | {"encoder": None})
