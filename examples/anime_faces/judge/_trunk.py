"""The convolutions that the judge and the encoder share."""

import torch
from torch import nn
from torch.nn import functional

RESOLUTION = 64
"""Pictures of any other size are resized to this one before a network sees them."""


def prepare(images: torch.Tensor) -> torch.Tensor:
    """Turn pictures into the input of a trunk.

    Args:
        images: uint8 tensor of shape ``(n, 3, height, width)``.

    Returns:
        Float tensor of shape ``(n, 3, 64, 64)`` in -1..1, channels last.

    Raises:
        ValueError: if ``images`` is not a uint8 tensor of shape ``(n, 3, height, width)``.
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


class Trunk(nn.Module):
    """Four halvings of a 64x64 picture and a linear layer.

    The first layer strides already: it keeps an iris, which is about five pixels wide, and costs a quarter of a full
    resolution layer.

    Args:
        features: length of the vector that comes out.
        widths: channels after each halving.

    Shape:
        - images: ``(n, 3, 64, 64)`` in -1..1
        - output: ``(n, features)``
    """

    def __init__(self, features: int, widths: tuple[int, int, int, int] = (32, 64, 96, 128)) -> None:
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
        """Return one vector a picture."""
        return self.layers(images)


def _layer(in_channels: int, out_channels: int, *, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
