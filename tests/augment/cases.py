"""Augmentations, images and draws that the tests of this folder share."""

import torch
from hypothesis import strategies as st
from support.strategies import PRIMES, batch_sizes, normal, seeds

from gankit.augment import (
    Augmentation,
    Brightness,
    Composed,
    Contrast,
    Cutout,
    GeometricTransformation,
    HorizontalFlip,
    Saturation,
    Translation,
)

# Each changes some sample in almost every draw, also of small images.
ALL: tuple[Augmentation, ...] = (
    Brightness(),
    Contrast(),
    Saturation(),
    Cutout(),
    Translation(ratio=0.4),
    HorizontalFlip(),
    GeometricTransformation(),
    Composed(parts=(Translation(ratio=0.4), Composed(parts=(Cutout(ratio=0.3), Brightness())), HorizontalFlip())),
)
# Those that happen by one coin, the first number of a row.
WITH_ONE_COIN = ALL[:6]


def name_of(augmentation: Augmentation) -> str:
    return type(augmentation).__name__


def uniform(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Uniform numbers that follow from the seed alone."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


sides = st.sampled_from((1, *PRIMES, 8))


@st.composite
def images(draw: st.DrawFn) -> torch.Tensor:
    """A float64 batch, some with channels innermost in memory, some cut out of larger images."""
    seed, count, channels = draw(seeds), draw(batch_sizes), draw(st.sampled_from((1, 2, 3)))
    height, width = draw(sides), draw(sides)
    layout = draw(st.sampled_from(("contiguous", "channels_last", "strided")))
    if layout == "strided":
        return normal(seed, count, channels, height + 1, 2 * width)[:, :, 1:, ::2]
    batch = normal(seed, count, channels, height, width)
    return batch.contiguous(memory_format=torch.channels_last) if layout == "channels_last" else batch
