"""The two networks: the judge, which reads what a picture shows, and the encoder, which turns it into a vector."""

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from examples.anime_faces.data.render import EXPRESSIONS, EYE_COLORS, HAIR_COLORS, HAIR_STYLES

CLASS_HEADS: dict[str, int] = {
    "hair": len(HAIR_COLORS),
    "eyes": len(EYE_COLORS),
    "style": len(HAIR_STYLES),
    "expression": len(EXPRESSIONS),
    "pose": 3,
    "background": 8,
    "fringe": 6,
    "skin": 5,
    "clothes": 3,
}
"""Factors with exactly one class, and the number of classes of each."""

BINARY_HEADS: tuple[str, ...] = ("glasses", "ribbon", "highlight", "face")
"""Questions with the answer yes or no; ``face`` asks whether the picture shows a whole face."""

NUMBER_HEADS: dict[str, float] = {"x": 3.5, "y": 2.5, "yaw": 1.0, "tilt": 8.0}
"""Factors that are numbers, and the size by which each is divided so that it lies in about -1..1."""


def head_sizes() -> dict[str, int]:
    """Return the number of outputs of each head, in the order of the network's outputs."""
    return dict(CLASS_HEADS) | dict.fromkeys(BINARY_HEADS, 1) | dict.fromkeys(NUMBER_HEADS, 1)


RESOLUTION = 64
"""Pictures of other sizes are resized to this one first."""


def prepare(images: torch.Tensor) -> torch.Tensor:
    """Turn pictures into the input of a trunk.

    Args:
        images: uint8 tensor of shape ``(n, 3, height, width)``.

    Returns:
        Float tensor of shape ``(n, 3, 64, 64)`` in -1..1, channels last.

    Raises:
        ValueError: ``images`` is not a uint8 tensor of shape ``(n, 3, height, width)``.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(
            f"images must be uint8 of shape (n, 3, height, width), got {images.dtype} of shape {tuple(images.shape)}"
        )
    scaled = images.to(dtype=torch.float32, memory_format=torch.channels_last) / 127.5 - 1.0
    if scaled.shape[2:] == (RESOLUTION, RESOLUTION):
        return scaled
    size = (RESOLUTION, RESOLUTION)
    return functional.interpolate(scaled, size, mode="bilinear", align_corners=False, antialias=True).clamp(-1.0, 1.0)


def to_bytes(images: torch.Tensor) -> torch.Tensor:
    """Return pictures in -1..1 as uint8, the inverse of `prepare` at its resolution."""
    return ((images + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)


WIDTHS = (32, 64, 96, 128)


class Trunk(nn.Module):
    """The convolutions that the judge and the encoder share: they halve a 64x64 picture four times; a linear layer follows.

    The first layer already has a stride of 2. It still keeps an iris, which is about five pixels wide, and costs a quarter of
    a layer at full resolution.

    Args:
        features: Length of the output vector.
        widths: Channels after each halving.

    Shape:
        - images: ``(n, 3, 64, 64)`` in -1..1
        - output: ``(n, features)``
    """

    def __init__(self, features: int, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.layers = nn.Sequential(
            _layer(3, first, kernel=4, stride=2),
            _layer(first, second, kernel=3, stride=2),
            _layer(second, second, kernel=3, stride=1),
            _layer(second, third, kernel=3, stride=2),
            _layer(third, fourth, kernel=3, stride=2),
            nn.Flatten(),
            nn.Linear(fourth * (RESOLUTION // 16) ** 2, features),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return one vector for each picture."""
        return self.layers(images)


def _layer(in_channels: int, out_channels: int, *, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class Judge(nn.Module):
    """A small convolutional network with one head for each factor.

    Args:
        heads: Number of outputs of each head. Default: ``head_sizes()``.
        features: Length of the vector that the heads share.
        widths: Channels after each halving.

    Shape:
        - images: ``(n, 3, 64, 64)`` in -1..1, as ``prepare`` makes them
        - output: for each head its logits (or numbers) of shape ``(n, outputs)``
    """

    def __init__(
        self,
        heads: Mapping[str, int] | None = None,
        features: int = 160,
        widths: tuple[int, int, int, int] = WIDTHS,
    ) -> None:
        super().__init__()
        self.head_sizes = dict(head_sizes() if heads is None else heads)
        self.trunk = Trunk(features, widths)
        self.neck = nn.Sequential(nn.BatchNorm1d(features), nn.ReLU())
        self.head = nn.Linear(features, sum(self.head_sizes.values()))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the outputs of every head by its name."""
        outputs = self.head(self.neck(self.trunk(images)))
        parts = outputs.split(list(self.head_sizes.values()), dim=1)
        return dict(zip(self.head_sizes, parts, strict=True))


class Encoder(nn.Module):
    """A small convolutional network whose vectors distinguish pictures; it was trained without labels.

    Attributes:
        num_features: Length of a vector.

    Shape:
        - images: ``(n, 3, 64, 64)`` in -1..1, as ``prepare`` makes them
        - output: ``(n, num_features)``
    """

    def __init__(self, num_features: int = 128) -> None:
        super().__init__()
        self.num_features = num_features
        self.trunk = Trunk(num_features)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return one vector for each picture."""
        return self.trunk(images)
