"""Rounds of a recipe on pictures of noise, to time them; nothing of them is kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from examples.anime_faces.data import FACE_ATTRIBUTES, Dataset
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import Feed, choose_store
from examples.anime_faces.systems import (
    Description,
    Hardware,
    Recipe,
    Selection,
    assemble,
    hardware_choices,
    wait_for,
)

PICTURES = 20_000
"""Pictures of the data set that is supposed: as many as `prepare` renders."""
HELD = 256
"""Pictures of it in memory."""


def trial_round(
    name: str, size: int, *, options: Any = None, hardware: Hardware | None = None
) -> Callable[[int], object]:
    """Build a training and return what plays one of its rounds, from the middle of the plan on, and waits for the device.

    Args:
        name: The recipe.
        size: Width and height of the pictures.
        options: Its options. Default: the defaults.
        hardware: What it computes on; torch has its number of threads afterwards. Default: the first of `hardware_choices`.
    """
    recipe, hardware = find_recipe(name), hardware or hardware_choices()[0]
    options = find_options(name)() if options is None else options
    torch.set_num_threads(hardware.threads)
    selection = trial_selection(recipe, options, size)
    training = assemble(recipe, selection.description, options, steps=recipe.steps, hardware=hardware)
    store = choose_store(_faces(size).images, hardware)
    feed = Feed.of_system(training.system, store, selection, seed=0, hardware=hardware)

    def play(number: int) -> None:
        training.play(recipe.steps // 2 + 1 + number, feed)
        wait_for(hardware.device)

    return play


def trial_selection(recipe: Recipe, options: Any, size: int) -> Selection:
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
