"""Shared by tests of recipes that draw from texts: the description of a small data set, a batch, and a list of layers."""

import torch
from torch import nn

from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes._description import Description, TextDescription


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
