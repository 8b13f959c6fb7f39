"""The pictures that a generator was given, for generators that change pictures."""

import torch

from examples.anime_faces.run._generator import LoadedGenerator
from examples.anime_faces.systems import to_pixels

ORIGINAL = "original"
"""The label of pictures that were not changed."""


def originals_of(generator: LoadedGenerator, count: int, *, seed: int) -> torch.Tensor | None:
    """Return the pictures that `generate_prompt` changes for this number and seed. None: the generator draws from noise.

    Args:
        generator: The generator.
        count: How many.
        seed: As for `generate_prompt`.

    Returns:
        uint8 ``(n, 3, size, size)``.
    """
    if not generator.drawer.changes_pictures:
        return None
    return to_pixels(generator.inputs(count, torch.Generator().manual_seed(seed)))


def seed_of_prompt(generator: LoadedGenerator, seed: int, place: int) -> int:
    """Return the seed of a prompt among others: one more for each, so that noise differs; the same where pictures are changed.

    Args:
        generator: The generator.
        seed: The seed of the first prompt.
        place: The place of the prompt, from 0.
    """
    return seed if generator.drawer.changes_pictures else seed + place
