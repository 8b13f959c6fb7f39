"""A network that was never trained: random convolutions at several scales, the same on every machine and for every data set.

The encoder learned what tells rendered faces apart, so pictures of other things, and faults that renders never have, may look
alike to it. Random filters have no such habit: a blob without details lies far from every real picture.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from examples.anime_faces.judge._network import prepare

SEED = 2019
SCALES = (64, 32, 16)
FILTERS = 8
KERNEL = 5
CELLS = 4
"""The picture is divided into 4 x 4 cells, and each is described by its own vector."""


class Untrained(nn.Module):
    """Mean responses of random filters in each cell of a picture, at three scales, and the mean color of the cell.

    Every filter is zero on a flat color, so it responds only to edges and texture. The weights are made from the raw output of
    numpy's PCG64, which is fixed for all versions; torch's random numbers are not.

    Attributes:
        version: Changes whenever the vectors change.
        part_features: Length of the vector of one cell.

    Shape:
        - images: uint8 ``(n, 3, height, width)``
        - output: ``(n, 16, part_features)``, the cells row by row
    """

    version: ClassVar[int] = 1
    part_features: ClassVar[int] = 3 + len(SCALES) * FILTERS

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterList(
            nn.Parameter(_filters(SEED + index), requires_grad=False) for index in range(len(SCALES))
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return one vector for each cell of each picture."""
        pictures = prepare(images)
        parts = [functional.adaptive_avg_pool2d(pictures, CELLS)]
        for size, weight in zip(SCALES, self.weights, strict=True):
            scaled = functional.adaptive_avg_pool2d(pictures, size)
            padded = functional.pad(scaled, [KERNEL // 2] * 4, mode="replicate")
            parts.append(functional.adaptive_avg_pool2d(functional.conv2d(padded, weight).relu(), CELLS))
        return torch.cat(parts, dim=1).flatten(2).transpose(1, 2)


def _filters(seed: int) -> torch.Tensor:
    """Return filters of shape ``(filters, 3, kernel, kernel)`` without a mean in any channel, each of length 1."""
    shape = (FILTERS, 3, KERNEL, KERNEL)
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    uniform = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53 - 0.5
    centered = uniform.reshape(shape)
    centered -= centered.mean(axis=(2, 3), keepdims=True)
    centered /= np.sqrt((centered**2).sum(axis=(1, 2, 3), keepdims=True))
    return torch.from_numpy(centered).float()
