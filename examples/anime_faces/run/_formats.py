"""What a saved state holds, by its format: read, checked, and brought into the layout of the current one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.asked_runs import instead_of_run, runs_near
from examples.anime_faces.records import ANY, check_form
from examples.anime_faces.run._settings import Settings

FORMAT = 2
_OF_EVERY_FORMAT = {
    "settings": dict,
    "step": int,
    "networks": {ANY: dict},
    "draws": int,
    "random": {"cpu": object},
    "recent": {ANY: [float]},
}
FORMS = {
    1: {**_OF_EVERY_FORMAT, "average": {"network": dict}, "optimizers": {ANY: dict}},
    FORMAT: {**_OF_EVERY_FORMAT, "averages": {ANY: {"network": dict}}, "updates": {ANY: dict}, "parts": dict},
}
"""What a state holds, by its format."""


def load_any_checkpoint(path: Path) -> Mapping[str, Any]:
    """Load a checkpoint file, or the newest checkpoint of a run's folder, in the format in which it was written.

    Raises:
        ValueError: There is no checkpoint there, or it is damaged or of another format.
    """
    if path.is_dir():
        folder = path / "checkpoints" if (path / "checkpoints").is_dir() else path
        found = gk.training.Checkpoints(folder).load_latest()
        if found is None:
            raise ValueError(f"{path} holds no checkpoint; {instead_of_run(path)}")
        state = found[1]
    elif path.exists():
        saved = gk.training.load_checkpoint(path)
        state = saved.get("state") if isinstance(saved, dict) else None
    else:
        near = runs_near(path)
        raise ValueError(
            f"{path} does not exist; it should be a run's folder or a checkpoint{f'; {near}' if near else ''}"
        )
    return checked_state(state, path)


def checked_state(state: Any, where: Path) -> Mapping[str, Any]:
    """Return a state that was read, if it is one of a run in a format that is known here.

    Raises:
        ValueError: It is something else, such as what another program saved by `gankit.training.save_checkpoint`.
    """
    try:
        check_form(state, {"format": int})
        if state["format"] in FORMS:
            check_form(state, FORMS[state["format"]])
            Settings.from_dict(state["settings"])
    except ValueError as error:
        raise ValueError(f"{where} holds no checkpoint of a run: {error}") from error
    if state["format"] not in FORMS:
        raise ValueError(f"{where}: {_unknown(state['format'])}")
    return state


def _unknown(version: object) -> str:
    return f"the checkpoint has format {version!r}, but this version reads the formats 1 and {FORMAT}"


def in_current_format(
    state: Mapping[str, Any], updates: Mapping[str, gk.training.Update] | None = None
) -> Mapping[str, Any]:
    """Return a state in the layout of the current format.

    Format 1 had one average, of the generator, and the states of optimizers by ``"critic"`` and ``"generator"``. Where the
    generator drew in 0..1, it had a wrapper, so that its names began with ``generator.``.

    Args:
        state: What was saved.
        updates: The updates that continue from the state; None if only networks are taken from it.

    Raises:
        ValueError: The format is not known here, or an optimizer of the updates was not saved.
    """
    if state.get("format") == FORMAT:
        return state
    if state.get("format") != 1:
        raise ValueError(_unknown(state.get("format")))
    average = state["average"]
    return {
        **state,
        "networks": {name: _unwrapped(network) for name, network in state["networks"].items()},
        "averages": {"generator": {**average, "network": _unwrapped(average["network"])}},
        "updates": {} if updates is None else _updates_of_format_1(state["optimizers"], updates),
        "parts": state.get("parts", {}),
    }


def _unwrapped(network: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    wrapped = all(name.startswith("generator.") for name in network)
    return {name.removeprefix("generator.") if wrapped else name: tensor for name, tensor in network.items()}


def _updates_of_format_1(optimizers: Mapping[str, Any], updates: Mapping[str, gk.training.Update]) -> dict[str, Any]:
    owners: dict[str, str] = {}
    states: dict[str, Any] = {}
    for name in updates:
        turn = name.split("/")[0]
        owner = owners.setdefault(turn, name)
        if turn not in optimizers:
            raise ValueError(
                f"the checkpoint holds no {turn} among its optimizers: it is of another version of the recipe"
            )
        optimizer = optimizers[turn] if owner == name else {"shared_with": owner}
        states[name] = {"version": 1, "updates": 0, "optimizer": optimizer}  # updates were not counted
    return states
