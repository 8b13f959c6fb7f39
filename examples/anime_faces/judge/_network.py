"""The network that reads the factors of a face from its picture."""

from collections.abc import Mapping

import torch
from torch import nn

from examples.anime_faces.judge._heads import head_sizes
from examples.anime_faces.judge._trunk import Trunk


class Judge(nn.Module):
    """A small convolutional network with one head for each factor.

    Args:
        heads: outputs of each head; by default all that ``head_sizes`` lists.
        features: length of the vector that the heads share.

    Shape:
        - images: ``(n, 3, 64, 64)`` in -1..1, as ``prepare`` makes them
        - output: for each head its logits (or numbers) of shape ``(n, outputs)``
    """

    def __init__(self, heads: Mapping[str, int] | None = None, features: int = 160) -> None:
        super().__init__()
        self.head_sizes = dict(head_sizes() if heads is None else heads)
        self.trunk = Trunk(features)
        self.neck = nn.Sequential(nn.BatchNorm1d(features), nn.ReLU())
        self.head = nn.Linear(features, sum(self.head_sizes.values()))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the outputs of every head by its name."""
        outputs = self.head(self.neck(self.trunk(images)))
        parts = outputs.split(list(self.head_sizes.values()), dim=1)
        return dict(zip(self.head_sizes, parts, strict=True))


class Encoder(nn.Module):
    """A small convolutional network whose vectors tell pictures apart without having been told any label.

    Attributes:
        num_features: length of a vector.

    Shape:
        - images: ``(n, 3, 64, 64)`` in -1..1, as ``prepare`` makes them
        - output: ``(n, num_features)``
    """

    def __init__(self, num_features: int = 128) -> None:
        super().__init__()
        self.num_features = num_features
        self.trunk = Trunk(num_features)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return one vector a picture."""
        return self.trunk(images)
