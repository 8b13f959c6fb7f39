"""From a recipe to its outline: everything is read from the objects that train, built on torch's ``meta`` device."""

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.systems._constants import constants_of
from examples.anime_faces.systems._description import Description
from examples.anime_faces.systems._hardware import Hardware
from examples.anime_faces.systems._labels import Selection
from examples.anime_faces.systems._outline import Fact, Layer, NetworkOutline, Outline, Section, used_notation
from examples.anime_faces.systems._players import Player, joined
from examples.anime_faces.systems._recipe import Batch, Recipe
from examples.anime_faces.systems._training import Training, assemble

Inputs: TypeAlias = dict[nn.Module, tuple[Any, ...]]

NOT_DESCRIBED = "(the recipe does not give its formula)"


def outline_of(recipe: Recipe, description: Description, options: Any, selection: Selection, *, steps: int) -> Outline:
    """Build a recipe without any numbers, call its losses once for their shapes, and say what is there.

    It takes little time and memory, whatever the sizes, and neither the random state nor what trains is changed.

    Args:
        recipe: The recipe.
        description: What the networks are built for.
        options: The recipe's options.
        selection: The pictures in use; only shapes and kinds of its conditions matter.
        steps: The length of the plan.
    """
    with _without_numbers():
        training = _on_meta(recipe, description, options, steps)
        inputs, costs = _called_once(training, _example(selection, training.system.batch_size))
        networks = [
            NetworkOutline(name, name in training.blueprint.drawing, _layers(network, inputs))
            for name, network in training.networks.items()
        ]
        losses = [
            section
            for players in training.players.values()
            for player in players.values()
            for section in _losses(player, costs)
        ]
        formulas = [fact.value for section in losses for fact in section.facts]
        return Outline(
            networks=networks,
            losses=losses,
            notation=used_notation(formulas, training.system.notation),
            constants=constants_of(training, steps),
        )


def costs_of_updates(
    recipe: Recipe, description: Description, options: Any, selection: Selection, *, steps: int
) -> dict[str, tuple[str, ...]]:
    """Return the names of the costs of each update, such as ``critic/real``, without computing anything."""
    with _without_numbers():
        training = _on_meta(recipe, description, options, steps)
        return _called_once(training, _example(selection, training.system.batch_size))[1]


def training_on_meta(recipe: Recipe, description: Description, options: Any, *, steps: int) -> Training:
    """Return what a recipe trains on torch's ``meta`` device: with sizes and plans, but without any numbers."""
    with _without_numbers():
        return _on_meta(recipe, description, options, steps)


def _on_meta(recipe: Recipe, description: Description, options: Any, steps: int) -> Training:
    return assemble(recipe, description, options, steps=steps, hardware=Hardware(device="meta"))


@contextmanager
def _without_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]), torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # training gives the same ones
        yield


def _example(selection: Selection, count: int) -> Batch:
    size = selection.description.size
    images = torch.empty(count, 3, size, size, device="meta")
    if selection.conditions is None:
        return images, None
    rows = [row % len(selection.conditions) for row in range(count)]
    condition = torch.from_numpy(selection.conditions[rows])
    return images, (condition if selection.vectors is None else selection.vectors[condition.cpu()]).to("meta")


def _called_once(training: Training, batch: Batch) -> tuple[Inputs, dict[str, tuple[str, ...]]]:
    """Call the losses of every update; return the first inputs of each module, and the names of each update's costs."""
    inputs: Inputs = {}
    costs: dict[str, tuple[str, ...]] = {}

    def note(module: nn.Module, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
        if module not in inputs:
            inputs[module] = inspect.signature(module.forward).bind(*positional, **named).args

    modules = dict.fromkeys(module for network in training.networks.values() for module in network.modules())
    hooks = [module.register_forward_pre_hook(note, with_kwargs=True) for module in modules]
    try:
        training.system.plan(0)
        given = batch if training.system.prepare is None else training.system.prepare(batch)
        for name, update in training.updates.items():
            result = update.loss.terms(*given)
            costs[name] = tuple(result[0] if isinstance(result, tuple) else result)
    finally:
        for hook in hooks:
            hook.remove()
    return inputs, costs


def _layers(network: nn.Module, inputs: Inputs) -> list[Layer]:
    """Return the layers of a network; parts that losses call by themselves, beside the network, come last."""
    if network not in inputs:  # no loss calls it
        total = sum(parameter.numel() for parameter in network.parameters())
        return [Layer("(itself)", type(network).__name__, "-", total)]
    rows = _rows(network, "", inputs)
    found = [row for row in rows if row.output]
    uncalled = {row.name for row in rows if not row.output}
    for name, part in network.named_modules():
        missing = any(f"{row}.".startswith(f"{name}.") for row in uncalled)
        called = any(f"{row.name}.".startswith(f"{name}.") for row in found)
        if name and part in inputs and missing and not called:
            found += [row for row in _rows(part, name, inputs) if row.output]
            uncalled -= {row.name for row in found}
    found += [row for row in rows if row.name in uncalled]
    return [
        Layer(row.name or "(itself)", row.kind, _shape(row.output), row.parameters, _arguments(network, row.name))
        for row in found
    ]


def _rows(module: nn.Module, name: str, inputs: Inputs) -> list[gk.networks.LayerRow]:
    """Return the layers of a part of a network under their names in it."""
    rows = gk.networks.layer_table(module, *inputs[module]).rows
    return [row._replace(name=".".join(part for part in (name, row.name) if part)) for row in rows]


def _shape(output: tuple[int, ...]) -> str:
    """Return the shape of a result without the batch, in which a single number for each picture is 1."""
    return " x ".join(map(str, output[1:] or (1,))) if output else "-"


def _arguments(network: nn.Module, name: str) -> str:
    layer = network.get_submodule(name)
    return "" if any(True for _ in layer.children()) else layer.extra_repr()


def _losses(player: Player, costs: Mapping[str, tuple[str, ...]]) -> list[Section]:
    """Return the costs of a side's updates with their formulas; updates with the same ones are named together."""
    formulas = player.side.formulas
    found: dict[tuple[Fact, ...], list[str]] = {}
    for own in player.updates:
        names = costs[joined(player.name, own)]
        facts = tuple(
            Fact(name, formulas.get(f"{own}/{name}") or formulas.get(name) or NOT_DESCRIBED) for name in names
        )
        found.setdefault(facts, []).append(own)
    several = len(found) > 1
    return [
        Section(f"{player.name}, update {' and '.join(of)}" if several else player.name, list(facts))
        for facts, of in found.items()
    ]
