"""What a recipe costs: parameters and updates, counted without computing anything; and seconds, measured by turns."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from examples.anime_faces.data import FACE_ATTRIBUTES, Dataset
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import Feed, choose_store
from examples.anime_faces.systems import (
    Description,
    Outline,
    Recipe,
    Selection,
    assemble,
    hardware_choices,
    outline_of,
    training_on_meta,
    typical_seconds,
    wait_for,
)

PICTURES = 20_000  # of the data set that is supposed: as many as `prepare` renders
HELD = 256  # of them, in memory
ROUNDS = 3  # of each recipe, by turns, after one that is not counted
LONG = 20.0  # seconds of a round; where one takes longer, no more are played


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a recipe is and costs, at its default options.

    Args:
        recipe: The recipe.
        options: Its options.
        selection: The pictures that it would use of rendered faces.
        generator: Parameters of the networks that draw.
        critic: Parameters of all others.
        critic_updates: Updates of critics in a round, on average over the plan.
        generator_updates: Updates of generators.
    """

    recipe: Recipe
    options: Any
    selection: Selection
    generator: int
    critic: int
    critic_updates: float
    generator_updates: float

    def outline(self) -> Outline:
        """Return networks, losses and constants."""
        steps, selection = self.recipe.steps, self.selection
        return outline_of(self.recipe, selection.description, self.options, selection, steps=steps)


def costs_of(name: str, size: int) -> Costs:
    """Count what a recipe costs for pictures of a size.

    Raises:
        ValueError: There is no such recipe, or it does not work at this size.
    """
    recipe, options = find_recipe(name), find_options(name)()
    selection = _selection(recipe, options, size)
    training = training_on_meta(recipe, selection.description, options, steps=recipe.steps)
    numbers = {of: sum(one.numel() for one in network.parameters()) for of, network in training.networks.items()}
    rounds = [training.system.schedule(step) for step in range(recipe.steps)]
    critics, generators = (
        sum(training.updates_in(turn, step) * getattr(one, turn) for step, one in enumerate(rounds)) / len(rounds)
        for turn in ("critic", "generator")
    )
    return Costs(
        recipe=recipe,
        options=options,
        selection=selection,
        generator=sum(numbers[of] for of in training.blueprint.drawing),
        critic=sum(number for of, number in numbers.items() if of not in training.blueprint.drawing),
        critic_updates=critics,
        generator_updates=generators,
    )


def measured(names: Sequence[str], size: int) -> Mapping[str, float]:
    """Return the seconds of a round of each recipe: rounds of all of them by turns, the faster half of each counted.

    Args:
        names: The recipes.
        size: Width and height of the pictures.
    """
    plays = {name: _player(name, size) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(1 + ROUNDS):
        for name, play in plays.items():
            if times[name] and max(times[name]) > LONG:
                continue
            print(f"round {number + 1} of {1 + ROUNDS}: {name}", file=sys.stderr, flush=True)
            before = time.perf_counter()
            play(number)
            times[name].append(time.perf_counter() - before)
    return {name: typical_seconds(found) for name, found in times.items()}


def _player(name: str, size: int) -> Callable[[int], object]:
    """Build a training and return what plays one of its rounds, from the middle of the plan on."""
    recipe, options, hardware = find_recipe(name), find_options(name)(), hardware_choices()[0]
    torch.set_num_threads(hardware.threads)
    selection = _selection(recipe, options, size)
    training = assemble(recipe, selection.description, options, steps=recipe.steps, hardware=hardware)
    store = choose_store(_faces(size).images, hardware)
    feed = Feed.of_system(training.system, store, selection, seed=0, hardware=hardware)

    def play(number: int) -> None:
        training.play(recipe.steps // 2 + 1 + number, feed)
        wait_for(hardware.device)

    return play


def _selection(recipe: Recipe, options: Any, size: int) -> Selection:
    """Return what the recipe would use of rendered faces."""
    selection = recipe.conditioning(options).select(_faces(size))
    return replace(selection, description=_of_many(selection.description))


def _of_many(description: Description) -> Description:
    text = None if description.text is None else replace(description.text, pictures=PICTURES)
    return replace(description, pictures=PICTURES, text=text)


def _faces(size: int) -> Dataset:
    """Return a data set with the labels of rendered faces, in memory; its pictures are noise, which takes as long to learn."""
    rng = np.random.default_rng(0)
    classes = [len(attribute.classes) for attribute in FACE_ATTRIBUTES]
    labels = [np.eye(count, dtype=np.uint8)[(np.arange(HELD) + place) % count] for place, count in enumerate(classes)]
    return Dataset(
        path=Path(),
        images=rng.integers(0, 256, (HELD, size, size, 3), dtype=np.uint8),
        labels=np.concatenate(labels, axis=1),
        attributes=FACE_ATTRIBUTES,
        kind="rendered",
        factors={},
        skipped=(),
        info={"size": size, "fingerprint": ""},
    )
