"""Loading networks of a run: only those that its recipe has, and only recipes that may be imported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes import find_recipe, is_outside, saved_options
from examples.anime_faces.run._formats import in_current_format, load_any_checkpoint
from examples.anime_faces.run._settings import Settings


def load_network(run_or_checkpoint: Path | str, name: str, *, recipe: str | None = None) -> nn.Module:
    """Load one network of a run's newest checkpoint, as it was trained, such as the critic.

    Args:
        run_or_checkpoint: The run's folder, or a checkpoint in it.
        name: What the recipe calls it.
        recipe: The recipe of the run, if it is from outside.

    Returns:
        The network, on the CPU and in evaluation mode.

    Raises:
        ValueError: There is no checkpoint, or it is damaged, or the recipe has no such network.
    """
    state = in_current_format(load_any_checkpoint(Path(run_or_checkpoint)))
    settings = Settings.from_dict(state["settings"])
    check_recipe(settings.recipe, recipe)
    blueprint = find_recipe(settings.recipe).networks(
        settings.description, saved_options(settings.recipe, settings.options)
    )
    if name not in blueprint.makers:
        raise ValueError(f"{settings.recipe} has the networks {', '.join(blueprint.makers)}, but no {name!r}")
    with torch.random.fork_rng(devices=[]):
        network = blueprint.makers[name]()
    gk.training.load_network_state(network, saved_network(state["networks"], name, run_or_checkpoint))
    return network.eval()


def check_recipe(used: str, given: str | None) -> None:
    """Refuse a recipe that is not that of the run, or that is from outside and was not named.

    Raises:
        ValueError: It is.
    """
    if given is None and is_outside(used):
        raise ValueError(
            f"the run was trained with the recipe {used}, which is not part of this program: give --recipe {used} to "
            "import it (a checkpoint alone must not run code)"
        )
    if given is not None and given != used:
        raise ValueError(f"--recipe must be that of the run, {used}, but it is {given}")


def saved_network(networks: Mapping[str, Any], name: str, where: Path | str) -> Any:
    """Return what is saved of a network.

    Raises:
        ValueError: There is no such network.
    """
    if name not in networks:
        raise ValueError(
            f"{where} holds no {name!r}, which this version of the recipe draws with: it is of another version"
        )
    return networks[name]
