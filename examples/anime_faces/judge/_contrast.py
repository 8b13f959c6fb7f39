"""What the encoder is trained to make small: views of one picture meet, views of different ones part."""

import torch
from torch.nn import functional

from examples.anime_faces.judge._augment import blur

TEMPERATURE = 0.2
LUMINANCE = (0.299, 0.587, 0.114)


def two_views(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return each picture twice, ``(2 n, 3, size, size)``, each time cut and lit a little differently.

    Half of the batches are gray in both views. Color alone tells most pictures apart, and an encoder that has it
    always looks at nothing else; in the other half the color stays as it is, for it is a part of what is compared.

    Args:
        images: ``(n, 3, size, size)`` in -1..1.
        rng: where the draws come from.
    """
    views = torch.cat([_lit(_cut(images, rng), rng), _lit(_cut(images, rng), rng)])
    return gray(views) if torch.rand((), generator=rng) < 0.5 else views


def contrast_loss(vectors: torch.Tensor, pairs: int) -> torch.Tensor:
    """Return the mean cross-entropy of finding the other view of a picture among all other pictures.

    Args:
        vectors: ``(2 pairs + m, features)``: first views, second views, and m vectors that belong to nothing.
        pairs: number of pictures with two views.

    Reference:
        Chen et al. 2020, "A simple framework for contrastive learning of visual representations", equation 1; the
        extra pictures that nothing is alike to are from Ge et al. 2021, "Robust contrastive learning using negative
        samples with diminished semantics", equation 3.
    """
    unit = functional.normalize(vectors.float(), dim=1)
    likeness = unit[: 2 * pairs] @ unit.T / TEMPERATURE
    itself = torch.eye(2 * pairs, len(vectors), dtype=torch.bool, device=vectors.device)
    partner = torch.arange(2 * pairs, device=vectors.device).roll(pairs)
    return functional.cross_entropy(likeness.masked_fill(itself, -torch.inf), partner)


def spoiled_views(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return pictures that are slightly worse than real ones: a little blurred, noisy, or with swapped squares.

    As strangers to the pictures that they were made of, they teach the encoder to see faults.

    Args:
        images: ``(n, 3, size, size)`` in -1..1.
        rng: where the draws come from.
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
    """Return a random square of each picture, 75 to 100 percent wide, at full size."""
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
    contrast = 1.0 + 0.2 * (2.0 * torch.rand(len(images), 1, 1, 1, generator=rng) - 1.0)
    brightness = 0.1 * (2.0 * torch.rand(len(images), 1, 1, 1, generator=rng) - 1.0)
    return (images * contrast + brightness).clamp(-1.0, 1.0)


def _one_square_moved(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures, each with one square of a quarter's width from the next picture at another place."""
    side = images.shape[2] // 4
    moved = images.clone()
    down, right, from_down, from_right = (side * int(torch.randint(4, (), generator=rng)) for _ in range(4))
    patch = images.roll(1, dims=0)[:, :, from_down : from_down + side, from_right : from_right + side]
    moved[:, :, down : down + side, right : right + side] = patch
    return moved


def _checkered(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures with the checkerboard that transposed convolutions leave."""
    size = images.shape[2]
    steps = torch.arange(size)
    board = (1.0 - 2.0 * ((steps[:, None] + steps[None, :]) % 2)).to(images.dtype)
    return images + (0.1 + 0.2 * torch.rand(len(images), 1, 1, 1, generator=rng)) * board
