"""Pictures that are no faces any more, made of pictures that are."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch.nn import functional

from examples.anime_faces.judge._augment import blur

Spoiler: TypeAlias = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


def spoil(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures, each part of the batch spoiled in a way of its own.

    Args:
        images: ``(n, 3, size, size)`` in -1..1, in no particular order.
        rng: where the draws come from.
    """
    first = int(torch.randint(len(SPOILERS), (), generator=rng))  # small batches meet every way in turn
    parts = torch.tensor_split(images, len(SPOILERS))
    ways = [*SPOILERS[first:], *SPOILERS[:first]]
    return torch.cat([way(part, rng) for way, part in zip(ways, parts, strict=True) if len(part)])


def shuffled(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures with their sixteen squares in another order."""
    tiles = functional.unfold(images, kernel_size=images.shape[2] // 4, stride=images.shape[2] // 4)
    order = torch.randperm(tiles.shape[2], generator=rng)
    return functional.fold(tiles[:, :, order], images.shape[2:], images.shape[2] // 4, stride=images.shape[2] // 4)


def halves_swapped(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the left or upper halves of pictures joined to the other halves of others."""
    others = images.roll(1, dims=0)
    joined = images.clone()
    half = images.shape[2] // 2
    if torch.rand((), generator=rng) < 0.5:
        joined[:, :, :half] = others[:, :, :half]
    else:
        joined[:, :, :, :half] = others[:, :, :, :half]
    # A picture alone in its part has no other to be joined to; upside down it is no face either.
    return joined if len(images) > 1 else images.flip(2)


def blurred(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures so blurred that only blobs of color are left."""
    return blur(images, deviation=4.0 + 4.0 * float(torch.rand((), generator=rng)))


def noise(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return noise of a random grain in place of the pictures."""
    grain = 2 ** int(torch.randint(0, 5, (), generator=rng))
    size = images.shape[2]
    coarse = 2.0 * torch.rand(len(images), 3, size // grain, size // grain, generator=rng) - 1.0
    return functional.interpolate(coarse, (size, size), mode="bilinear", align_corners=False)


def noisy(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures under strong noise."""
    return (images + 0.8 * torch.randn(images.shape, generator=rng)).clamp(-1.0, 1.0)


def upside_down(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures upside down."""
    del rng
    return images.flip(2)


SPOILERS: tuple[Spoiler, ...] = (shuffled, halves_swapped, blurred, noise, noisy, upside_down)
"""Every way in which pictures are spoiled."""
