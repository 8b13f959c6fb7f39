"""What tests of recipes share: descriptions of small data sets, a batch, systems that are built, layers at a glance."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.systems import Description, Hardware, TextDescription, Training, assemble

FACES = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))


def assembled(
    recipe: str, description: Description, *, steps: int = 10, options: Mapping[str, Any] | None = None, **more: Any
) -> Training:
    """What this recipe trains, on the CPU."""
    chosen = find_options(recipe)(**(options or {}), **more)
    return assemble(find_recipe(recipe), description, chosen, steps=steps, hardware=Hardware())


def prepared(training: Training, *batch: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
    """What the updates are given for a batch of pictures and conditions."""
    return batch if training.system.prepare is None else training.system.prepare(batch)


def described(*, size: int = 32, features: int = 11, pictures: int = 70) -> Description:
    text = TextDescription(encoder="a test's", features=features, pictures=pictures, examples=("a", "b"))
    return Description(size=size, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False), text=text)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Seven pictures of that size, and vectors of their texts."""
    return torch.rand(7, 3, 32, 32) * 2 - 1, torch.randn(7, 11)


def shapes(network: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    """Each layer that learns, with the shape of its weight."""
    learned = nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d
    return [
        (type(one).__name__, tuple(one.state_dict()["weight"].shape))
        for one in network.modules()
        if isinstance(one, learned)
    ]
