"""Starting from the networks of another run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes._recipe import System
from examples.anime_faces.run._state import check_format


def load_any_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint file, or the newest checkpoint of a run's folder.

    Raises:
        ValueError: There is no checkpoint there, or it is damaged or of another format.
    """
    if path.is_dir():
        folder = path / "checkpoints" if (path / "checkpoints").is_dir() else path
        found = gk.training.Checkpoints(folder).load_latest()
        if found is None:
            raise ValueError(f"{path} holds no checkpoint; train there first")
        state = found[1]
    elif path.exists():
        saved = gk.training.load_checkpoint(path)
        state = saved.get("state", {}) if isinstance(saved, dict) else {}
    else:
        raise ValueError(f"{path} does not exist; it should be a run's folder or a checkpoint")
    check_format(state)
    return state


def take_networks(state: Mapping[str, Any], system: System) -> list[str]:
    """Copy every weight whose name and shape agree into the networks and the average.

    Returns:
        What was not taken and keeps its fresh start, one line each, with the reason.

    Raises:
        ValueError: Nothing at all agrees.
    """
    left_out: list[str] = []
    taken = 0
    for name, network in system.networks.items():
        count, missing = _take(state["networks"].get(name, {}), network, name)
        taken += count
        left_out += missing
    if taken == 0:
        raise ValueError("no weight of the checkpoint given by --from has the name and shape of one here")
    _, missing = _take(state["average"]["network"], system.average.network, "average")
    return left_out + missing


def _take(source: Mapping[str, torch.Tensor], network: nn.Module, owner: str) -> tuple[int, list[str]]:
    target = network.state_dict()
    left_out: list[str] = []
    taken: dict[str, torch.Tensor] = {}
    for name, tensor in target.items():
        if name not in source:
            left_out.append(f"{owner}.{name}: not in the checkpoint")
        elif source[name].shape != tensor.shape:
            left_out.append(f"{owner}.{name}: shape {tuple(source[name].shape)} there, {tuple(tensor.shape)} here")
        else:
            taken[name] = source[name]
    left_out += [f"{owner}.{name}: not in this network" for name in source if name not in target]
    network.load_state_dict(taken, strict=False)
    return len(taken), left_out
