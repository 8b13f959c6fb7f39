"""Changes to pictures for training: small ones that keep the labels true, views for the encoder, and ones that corrupt a face.

A judge trained only on clean renders would misread the faint blur and noise of generated pictures. Hue is never changed,
because the color is what is judged.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch.nn import functional


def jitter(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures with small random changes: shifted, blurred, coarse or noisy, brighter or darker, other contrast.

    Args:
        images: ``(n, 3, size, size)`` in -1..1.
        rng: Where the random numbers come from.
    """
    changed = shift(images, rng, most=2).clone()
    third = len(images) // 3
    # A batch is in random order already: its first third is blurred or coarse, its second third gets noise.
    if torch.rand((), generator=rng) < 0.5:
        changed[:third] = blur(changed[:third], deviation=0.3 + 0.6 * float(torch.rand((), generator=rng)))
    else:
        changed[:third] = coarse(changed[:third])
    grain = changed[third : 2 * third]
    grain += 0.08 * torch.rand(len(grain), 1, 1, 1, generator=rng) * torch.randn(grain.shape, generator=rng)
    contrast = 1.0 + 0.2 * _draw(len(images), rng)
    return changed.mul_(contrast).add_(0.1 * _draw(len(images), rng)).clamp_(-1.0, 1.0)


def shift(images: torch.Tensor, rng: torch.Generator, *, most: int) -> torch.Tensor:
    """Return the pictures, all shifted by the same up to ``most`` pixels each way; the border is repeated."""
    down, right = (int(torch.randint(-most, most + 1, (), generator=rng)) for _ in range(2))
    padded = functional.pad(images, (most, most, most, most), mode="replicate")
    height, width = images.shape[2:]
    return padded[:, :, most + down : most + down + height, most + right : most + right + width]


def coarse(images: torch.Tensor) -> torch.Tensor:
    """Return the pictures at half their size, enlarged again."""
    return functional.interpolate(
        functional.avg_pool2d(images, 2), scale_factor=2.0, mode="bilinear", align_corners=False
    )


def blur(images: torch.Tensor, *, deviation: float) -> torch.Tensor:
    """Return the pictures after a Gaussian blur of the given standard deviation in pixels; the border is repeated."""
    reach = max(1, round(3 * deviation))
    offsets = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-(offsets**2) / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).repeat(images.shape[1], 1)
    channels = images.shape[1]
    padded = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel[:, None, None, :], groups=channels)
    return functional.conv2d(rows, kernel[:, None, :, None], groups=channels)


def _draw(count: int, rng: torch.Generator) -> torch.Tensor:
    """Return one number in -1..1 for each picture, of shape ``(count, 1, 1, 1)``."""
    return 2.0 * torch.rand(count, 1, 1, 1, generator=rng) - 1.0


LUMINANCE = (0.299, 0.587, 0.114)


def two_views(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return two views of each picture, ``(2 n, 3, size, size)``, with slightly different crops and lighting.

    Half of the batches are gray in both views. Color alone distinguishes most pictures, and an encoder that always sees it
    learns nothing else. The other half keeps its color, because color is a part of what is compared.

    Args:
        images: ``(n, 3, size, size)`` in -1..1.
        rng: Where the random numbers come from.
    """
    views = torch.cat([_lit(_cut(images, rng), rng), _lit(_cut(images, rng), rng)])
    return gray(views) if torch.rand((), generator=rng) < 0.5 else views


def spoiled_views(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return pictures that are slightly worse than real ones: a little blurred, noisy, with a moved square, or checkered.

    The encoder learns that they differ from the pictures that they were made from, and so learns to see faults.

    Args:
        images: ``(n, 3, size, size)`` in -1..1.
        rng: Where the random numbers come from.
    """
    first, second, third, fourth = torch.tensor_split(images, 4)
    soft = blur(first, deviation=0.8 + 1.6 * float(torch.rand((), generator=rng)))
    rough = second + (0.1 + 0.3 * torch.rand(len(second), 1, 1, 1, generator=rng)) * torch.randn(
        second.shape, generator=rng
    )
    return torch.cat([soft, rough, _one_square_moved(third, rng), _checkered(fourth, rng)]).clamp(-1.0, 1.0)


def gray(images: torch.Tensor) -> torch.Tensor:
    """Return the pictures without color."""
    weights = torch.tensor(LUMINANCE, dtype=images.dtype, device=images.device)[None, :, None, None]
    return (images * weights).sum(dim=1, keepdim=True).expand_as(images)


def _cut(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return a random square crop of each picture, 75 to 100 percent wide, enlarged to full size."""
    count = len(images)
    scale = 0.75 + 0.25 * torch.rand(count, generator=rng)
    room = 1.0 - scale
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0] = place[:, 1, 1] = scale
    place[:, 0, 2] = room * (2.0 * torch.rand(count, generator=rng) - 1.0)
    place[:, 1, 2] = room * (2.0 * torch.rand(count, generator=rng) - 1.0)
    grid = functional.affine_grid(place, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _lit(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    contrast = 1.0 + 0.2 * _draw(len(images), rng)
    return (images * contrast + 0.1 * _draw(len(images), rng)).clamp(-1.0, 1.0)


def _one_square_moved(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures, each with one square, a quarter of the width, replaced by a square of the next picture."""
    side = images.shape[2] // 4
    moved = images.clone()
    down, right, from_down, from_right = (side * int(torch.randint(4, (), generator=rng)) for _ in range(4))
    patch = images.roll(1, dims=0)[:, :, from_down : from_down + side, from_right : from_right + side]
    moved[:, :, down : down + side, right : right + side] = patch
    return moved


def _checkered(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures with a checkerboard, as transposed convolutions leave it."""
    size = images.shape[2]
    steps = torch.arange(size)
    board = (1.0 - 2.0 * ((steps[:, None] + steps[None, :]) % 2)).to(images.dtype)
    return images + (0.1 + 0.2 * torch.rand(len(images), 1, 1, 1, generator=rng)) * board


Spoiler: TypeAlias = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


def spoil(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures, each part of the batch corrupted in another way.

    Args:
        images: ``(n, 3, size, size)`` in -1..1, in no particular order.
        rng: Where the random numbers come from.
    """
    first = int(torch.randint(len(SPOILERS), (), generator=rng))  # so that small batches use every way in turn
    parts = torch.tensor_split(images, len(SPOILERS))
    ways = [*SPOILERS[first:], *SPOILERS[:first]]
    return torch.cat([way(part, rng) for way, part in zip(ways, parts, strict=True) if len(part)])


def shuffled(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures with their sixteen squares in another order."""
    tiles = functional.unfold(images, kernel_size=images.shape[2] // 4, stride=images.shape[2] // 4)
    order = torch.randperm(tiles.shape[2], generator=rng)
    return functional.fold(tiles[:, :, order], images.shape[2:], images.shape[2] // 4, stride=images.shape[2] // 4)


def halves_swapped(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return pictures whose left or upper half comes from another picture."""
    others = images.roll(1, dims=0)
    joined = images.clone()
    half = images.shape[2] // 2
    if torch.rand((), generator=rng) < 0.5:
        joined[:, :, :half] = others[:, :, :half]
    else:
        joined[:, :, :, :half] = others[:, :, :, :half]
    # A single picture has no other to be joined to; upside down it is not a face either.
    return joined if len(images) > 1 else images.flip(2)


def blurred(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures so blurred that only blobs of color remain."""
    return blur(images, deviation=4.0 + 4.0 * float(torch.rand((), generator=rng)))


def noise(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return noise of random coarseness instead of the pictures."""
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
"""Every way in which pictures are corrupted."""
