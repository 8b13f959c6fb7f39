"""What a recipe costs: parameters and updates, counted without computing anything; and seconds, measured by turns."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from examples.anime_faces.printing import say
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.systems import (
    Outline,
    Recipe,
    Selection,
    outline_of,
    training_on_meta,
    typical_seconds,
)
from examples.anime_faces.trial import trial_round, trial_selection

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
    selection = trial_selection(recipe, options, size)
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
    plays = {name: trial_round(name, size) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(1 + ROUNDS):
        for name, play in plays.items():
            if times[name] and max(times[name]) > LONG:
                continue
            say(f"round {number + 1} of {1 + ROUNDS}: {name}", error=True, flush=True)
            before = time.perf_counter()
            play(number)
            times[name].append(time.perf_counter() - before)
    return {name: typical_seconds(found) for name, found in times.items()}
