"""Whether samples are copies of training pictures."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from examples.anime_faces.metrics._evaluation import Figure
from examples.anime_faces.metrics._intervals import Interval, of_share, of_statistic

CHUNK = 2048
SIDE = 32

QUERIES = 1_000
"""Number of pictures whose nearest training picture is searched."""

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
        interval: Where the median over very many samples probably is. None: unknown.
        copies_interval: The same of the share of copies.
    """

    samples: float
    held_out: float
    copies: float
    interval: Interval | None = None
    copies_interval: Interval | None = None


def nearness(training: torch.Tensor, samples: torch.Tensor, held_out: torch.Tensor | None) -> Nearness:
    """Compare the distances of samples and of other real pictures to the training pictures.

    Args:
        training: Vectors of the training pictures, ``(n, features)``.
        samples: Vectors of samples, ``(m, features)``.
        held_out: Vectors of real pictures that were not trained on, ``(l, features)``. None: there are none; the distance of
            each training picture to the nearest other one stands for them.
    """
    sample_distances = nearest_distances(samples, training)
    real_distances = _between(training) if held_out is None else nearest_distances(held_out, training)
    copies = float((sample_distances < real_distances.quantile(0.01)).float().mean())
    values, median = sample_distances.numpy(), float(sample_distances.median())
    return Nearness(
        samples=median,
        held_out=float(real_distances.median()),
        copies=copies,
        interval=of_statistic(lambda rows: float(np.median(values[rows])), len(values), value=median, seed=0),
        copies_interval=of_share(copies, len(values)),
    )


def _between(points: torch.Tensor) -> torch.Tensor:
    """Return the distance of each of at most 1,000 points to the nearest other one; the first of its copies is left out."""
    rows = torch.linspace(0, len(points) - 1, min(len(points), QUERIES)).round().long()
    nearest = torch.cdist(points[rows].double(), points.double()).topk(2, dim=1, largest=False).values
    return nearest[:, 1].float()


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


def copy_figures(in_pixels: Nearness, in_features: Nearness | None = None) -> dict[str, Figure]:
    """Return the figures in both spaces.

    Args:
        in_pixels: Nearness of pixel vectors.
        in_features: Nearness of the encoder's vectors. None: only pixels are compared, and only the share of copies has a
            bound: in a small data set, samples may well lie nearer than pictures lie to each other.
    """
    figures = {}
    for space, near in (("pixels", in_pixels), ("features", in_features)):
        if near is None:
            continue
        figures[f"nearest_{space}"] = Figure(
            value=near.samples,
            floor=near.held_out,
            at_least=None if in_features is None else NOT_BELOW * near.held_out,
            interval=near.interval,
            about=f"median distance of a sample to the nearest training picture in {space}",
        )
        figures[f"copies_{space}"] = Figure(
            value=near.copies,
            floor=0.01,
            at_most=COPIES_AT_MOST,
            interval=near.copies_interval,
            about=f"share of samples nearer to a training picture in {space} than 99 of 100 other real pictures",
        )
    return figures
