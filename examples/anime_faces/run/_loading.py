"""Loading networks of a run: only those that its recipe has, and only recipes that may be imported."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

import gankit as gk
from examples.anime_faces.recipes import find_recipe, is_outside, own_name, saved_options
from examples.anime_faces.run._formats import in_current_format, load_any_checkpoint
from examples.anime_faces.run._settings import Settings

MOST_TIMES = 2
"""How many times the saved numbers a network may register: a parameter that gets a parametrization is registered twice."""


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
    blueprint = find_recipe(settings.recipe).blueprint_for(
        settings.description, saved_options(settings.recipe, settings.options)
    )
    if name not in blueprint.makers:
        raise ValueError(f"{settings.recipe} has the networks {', '.join(blueprint.makers)}, but no {name!r}")
    return filled(blueprint.makers[name], saved_network(state["networks"], name, run_or_checkpoint), run_or_checkpoint)


def filled(make: Callable[[], nn.Module], saved: Any, where: Path | str) -> nn.Module:
    """Build a network and load a saved state into it, in evaluation mode; nobody finds the random numbers moved.

    The settings in a checkpoint say how large its networks are, and anybody may have written them: one that would be larger
    than what is saved of it is refused before it takes memory.

    Args:
        make: Builds the network.
        saved: Its state.
        where: The checkpoint, for errors.

    Raises:
        ValueError: The network does not fit the state.
    """
    numbers = sum(one.numel() for one in saved.values() if isinstance(one, torch.Tensor))
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"), _at_most(MOST_TIMES * numbers):
                make()
        except (ValueError, RuntimeError, OverflowError) as error:  # of torch, where a product of sizes has no room
            raise ValueError(f"{where}: {error}") from error
        network = make()
    try:
        gk.training.load_network_state(network, saved)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    return network.eval()


@contextmanager
def _at_most(numbers: int) -> Iterator[None]:
    """Refuse to build networks with more than so many numbers in their parameters.

    Raises:
        ValueError: There are more.
    """
    left = numbers

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal left
        del module, name
        left -= 0 if parameter is None else max(1, parameter.numel())
        if left < 0:
            raise ValueError("the network that its settings describe is larger than the one that it holds")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def check_recipe(used: str, given: str | None) -> None:
    """Refuse a recipe that is not that of the run, or that is from outside and was not named.

    Raises:
        ValueError: It is.
    """
    if given is None and is_outside(used):
        raise ValueError(
            f"the run was trained with the recipe {used}, which is not part of this program: give --recipe {used} to "
            "import it, if you trust that code (a checkpoint alone must not run code)"
        )
    if given is not None and own_name(given) != used:
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
