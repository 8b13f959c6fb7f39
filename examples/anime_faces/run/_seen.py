"""Prompts beside those of the training: which a run has seen, and a few of both kinds to compare."""

from collections.abc import Sequence

import numpy as np

from examples.anime_faces.data import Dataset, parse_prompt
from examples.anime_faces.run._generator import LoadedGenerator
from examples.anime_faces.systems import cleaned_texts

COLOR_PROMPTS = ("blue hair blue eyes", "blue hair green eyes", "blue hair red eyes", "green hair blue eyes")
"""The prompts of report A's table; its fifth one is a text of the training."""

SEEN, UNSEEN = "in training", "not in training"
ROWS = 5


def training_data(generator: LoadedGenerator) -> Dataset:
    """Open the data set that a run was trained on, in its folder or in the one that was given for it.

    Raises:
        ValueError: It is not there.
    """
    path = generator.data or generator.settings.data
    try:
        dataset = Dataset.open(path)
    except ValueError as error:
        raise ValueError(f"{error}; if the data of the run was moved, give its folder by --data") from error
    if dataset.fingerprint != generator.settings.fingerprint:
        raise ValueError(f"{path} is not the data set that the run was trained on: give its folder by --data")
    return dataset


def marks_of(prompts: Sequence[str], generator: LoadedGenerator, dataset: Dataset) -> list[str]:
    """Return for each prompt whether it was in the training, in words."""
    return [SEEN if is_seen else UNSEEN for is_seen in seen(prompts, generator, dataset)]


def seen(prompts: Sequence[str], generator: LoadedGenerator, dataset: Dataset) -> list[bool]:
    """Return whether each prompt was in the training.

    For a recipe that reads texts, it was where exactly this text stands beside a picture, cleaned as texts of the data are. For
    a recipe that reads labels, it was where a picture has all classes that the prompt names.

    Args:
        prompts: What is requested.
        generator: Of the run.
        dataset: The one that it was trained on.

    Raises:
        ValueError: A prompt cannot be read.
    """
    for prompt in prompts:
        generator.check_text(prompt)
    if generator.example_texts is not None:
        known = set(generator.texts_of(dataset).values())
        return [text in known for text in cleaned_texts(prompts, generator.settings.description)]
    ids = dataset.class_ids_of(generator.attributes)
    asked = [np.array(parse_prompt(prompt, generator.attributes)) for prompt in prompts]
    return [bool(((ids == wanted) | (wanted < 0)).all(axis=1).any()) for wanted in asked]


def table_prompts(generator: LoadedGenerator, dataset: Dataset) -> list[str]:
    """Return the prompts of report A's table as far as the run understands them, and one of the training beside them.

    Where it understands none of them, prompts of its own grid take their places.

    Raises:
        ValueError: The run draws without prompts.
    """
    if not generator.reads_labels:
        raise ValueError(
            f"--table compares prompts, but {generator.settings.recipe} draws without any: leave --table out"
        )
    readable = [prompt for prompt in COLOR_PROMPTS if _is_readable(prompt, generator)]
    own = list(generator.example_texts or generator.conditioning.grid(generator.settings.description, ROWS).names)
    if not readable:
        return [prompt for prompt in own if prompt][:ROWS]
    others = [prompt for prompt in own if prompt and prompt not in readable]
    known = [prompt for prompt, is_seen in zip(others, seen(others, generator, dataset), strict=True) if is_seen]
    return [*readable, *known[:1]]


def _is_readable(prompt: str, generator: LoadedGenerator) -> bool:
    try:
        generator.check_text(prompt)
    except ValueError:
        return False
    return True
