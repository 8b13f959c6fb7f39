"""Whether samples are copies of training pictures."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from examples.anime_faces.metrics._evaluation import Figure

CHUNK = 2048
SIDE = 32

NOT_BELOW = 0.9
"""Smallest allowed distance of samples, as a share of that of held-out renders: samples are a little smoother than renders."""

COPIES_AT_MOST = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """Distances to the nearest training picture.

    Args:
        samples: Median over samples.
        held_out: Median over real pictures that were not trained on.
        copies: Share of samples that are nearer to a training picture than 99 of 100 held-out pictures are.
    """

    samples: float
    held_out: float
    copies: float


def nearness(training: torch.Tensor, samples: torch.Tensor, held_out: torch.Tensor) -> Nearness:
    """Compare the distances of samples and of held-out pictures to the training pictures.

    Args:
        training: Vectors of the training pictures, ``(n, features)``.
        samples: Vectors of samples, ``(m, features)``.
        held_out: Vectors of real pictures that were not trained on, ``(l, features)``.
    """
    sample_distances = nearest_distances(samples, training)
    real_distances = nearest_distances(held_out, training)
    close = real_distances.quantile(0.01)
    return Nearness(
        samples=float(sample_distances.median()),
        held_out=float(real_distances.median()),
        copies=float((sample_distances < close).float().mean()),
    )


def nearest_distances(queries: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean distance of each query to the nearest of the points.

    Args:
        queries: ``(n, features)``.
        points: ``(m, features)``, m at least 1.
    """
    nearest = torch.full((len(queries),), torch.inf)
    for chunk in points.split(CHUNK):
        nearest = torch.minimum(nearest, torch.cdist(queries, chunk).min(dim=1).values)
    return nearest


def pixel_vectors(images: torch.Tensor) -> torch.Tensor:
    """Return pictures as vectors of brightness in 0..1, reduced to at most 32 pixels in width.

    The means over small squares keep what makes two pictures the same, and discard what a shift by one pixel changes.

    Args:
        images: uint8 tensor of shape ``(n, channels, size, size)``.
    """
    parts = []
    for batch in images.split(CHUNK):
        pixels = batch.float() / 255.0
        if pixels.shape[2] > SIDE:
            pixels = functional.adaptive_avg_pool2d(pixels, SIDE)
        parts.append(pixels.flatten(1))
    return torch.cat(parts)


def copy_figures(in_pixels: Nearness, in_features: Nearness) -> dict[str, Figure]:
    """Return the figures in both spaces.

    Args:
        in_pixels: Nearness of pixel vectors.
        in_features: Nearness of the encoder's vectors.
    """
    figures = {}
    for space, near in (("pixels", in_pixels), ("features", in_features)):
        figures[f"nearest_{space}"] = Figure(
            value=near.samples,
            floor=near.held_out,
            at_least=NOT_BELOW * near.held_out,
            about=f"median distance of a sample to the nearest training picture in {space}",
        )
        figures[f"copies_{space}"] = Figure(
            value=near.copies,
            floor=0.01,
            at_most=COPIES_AT_MOST,
            about=f"share of samples nearer to a training picture in {space} than 99 of 100 held-out renders",
        )
    return figures
