"""The figures of how close samples are to real pictures, in the space of the encoder and in that of an untrained network."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from examples.anime_faces.metrics._distances import (
    frechet_distance,
    frechet_distances,
    kernel_distance,
    total_variance,
)
from examples.anime_faces.metrics._evaluation import Figure
from examples.anime_faces.metrics._features import Neighborhoods, neighborhoods
from examples.anime_faces.metrics._intervals import Interval, of_share, of_statistic

COVERAGE_AT_LEAST = 0.6
UNTRAINED_COVERAGE_AT_LEAST = 0.5

DISTANCE_ABOVE_FLOOR = 0.1
"""Largest distance that passes, above that of real pictures, as a share of the variance of real pictures.

If all samples were the average picture, the distance would be 1; if half of the pictures were never drawn, 0.1 to 0.5.
"""

PART_ABOVE_FLOOR = 0.4
"""The same for the worst part of the picture."""


def closeness_figures(
    real: torch.Tensor, samples: torch.Tensor, second: torch.Tensor, *, seed: int, own: bool = False
) -> dict[str, Figure]:
    """Return Fréchet and kernel distance, coverage, precision, recall and density, each with its value for real pictures.

    Args:
        real: Vectors of real pictures, ``(n, features)``.
        samples: Vectors of as many samples.
        second: Vectors of as many other real pictures, which replace the samples in the floors.
        seed: Seed of the subsets of the kernel distance, and of the intervals.
        own: Whether the feature network is the user's own. Its Fréchet distance then has no bound.
    """
    value, floor = frechet_distance(real, samples), frechet_distance(real, second)
    figures = {
        "fid": Figure(
            value=value,
            floor=floor,
            at_most=None if own else floor + DISTANCE_ABOVE_FLOOR * float(total_variance(real[None])),
            interval=_resampled(frechet_distance, real, samples, value, seed),
            about="Fréchet distance to real pictures in the feature space; smaller is better",
        )
    }
    if find_spec("torchmetrics") is not None:
        figures["kid"] = Figure(
            value=kernel_distance(real, samples, seed=seed),
            floor=kernel_distance(real, second, seed=seed),
            about="kernel distance to real pictures in the feature space; smaller is better",
        )
    return figures | _neighborhood_figures("", (real, samples, second), COVERAGE_AT_LEAST)


def parts_figures(
    real: torch.Tensor, samples: torch.Tensor, second: torch.Tensor, *, seed: int
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Return the figures in the space of the untrained network, and the distance of each part of the picture.

    Args:
        real: Vectors of the parts of real pictures, ``(n, parts, features)``.
        samples: Those of as many samples.
        second: Those of as many other real pictures.
        seed: Seed of the intervals.
    """
    real, samples, second = _standardized(real, samples, second)
    value, floor = _distances_of_parts(real, samples), _distances_of_parts(real, second)
    worst = int((value - floor).argmax())
    about = "Fréchet distance of samples to real pictures, as a share of their variance, in an untrained network"
    figures = {
        "parts_distance": Figure(
            value=float(value.mean()),
            floor=float(floor.mean()),
            at_most=float(floor.mean()) + DISTANCE_ABOVE_FLOOR,
            interval=_resampled(
                lambda first, other: float(_distances_of_parts(first, other).mean()),
                real,
                samples,
                float(value.mean()),
                seed,
            ),
            about=f"{about}; the mean over the 16 parts of a picture",
        ),
        "parts_distance_worst": Figure(
            value=float(value[worst]),
            floor=float(floor[worst]),
            at_most=float(floor[worst]) + PART_ABOVE_FLOOR,
            interval=_resampled(
                lambda first, other: float(_distances_of_parts(first, other)[0]),
                real[:, worst : worst + 1],
                samples[:, worst : worst + 1],
                float(value[worst]),
                seed,
            ),
            about=f"{about}; the worst part, row {worst // 4 + 1} and column {worst % 4 + 1} of 4",
        ),
    }
    flat = tuple(vectors.flatten(1) for vectors in (real, samples, second))
    figures |= _neighborhood_figures("untrained_", flat, UNTRAINED_COVERAGE_AT_LEAST)
    return figures, {"parts_distance": {"value": value.tolist(), "floor": floor.tolist()}}


def _standardized(real: torch.Tensor, *others: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return the vectors in units of the spread of real pictures over all parts, so that each feature counts the same."""
    every = real.flatten(0, 1)
    mean, spread = every.mean(dim=0), every.std(dim=0).clamp_min(1e-6)
    return tuple((vectors - mean) / spread for vectors in (real, *others))


def _distances_of_parts(real: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    first, second = real.transpose(0, 1), samples.transpose(0, 1)
    # A part that never changes has no variance of its own; the mean of all parts stands for it.
    variance = total_variance(first)
    return (frechet_distances(first, second) / variance.clamp_min(0.01 * float(variance.mean()) + 1e-9)).cpu()


def _resampled(
    distance: Callable[[torch.Tensor, torch.Tensor], float],
    real: torch.Tensor,
    samples: torch.Tensor,
    value: float,
    seed: int,
) -> Interval:
    def drawn_again(rows: np.ndarray) -> float:
        index = torch.from_numpy(rows).to(real.device)
        return distance(real[index], samples[index])

    return of_statistic(drawn_again, len(real), value=value, seed=seed)


def _neighborhood_figures(prefix: str, sets: tuple[torch.Tensor, ...], least: float) -> dict[str, Figure]:
    """Return coverage first, because a high precision or density means nothing without it."""
    real, samples, second = sets
    where = " in an untrained network" if prefix else ""
    among, floor = neighborhoods(real, samples), neighborhoods(real, second)
    scale = max(floor.coverage, 1e-9)
    covered = of_share(among.coverage, len(real))
    names = {
        "coverage": (f"share of real pictures with a sample close by{where}", len(real)),
        "precision": (f"share of samples among real pictures{where}; means nothing without coverage", len(samples)),
        "recall": (f"share of real pictures among samples{where}", len(real)),
    }
    figures = {
        f"{prefix}coverage_of_real": Figure(
            value=among.coverage / scale,
            floor=1.0,
            at_least=least,
            interval=(covered[0] / scale, covered[1] / scale),
            about=f"coverage divided by that of fresh real pictures{where}",
        )
    }
    for name, (about, count) in names.items():
        share = float(getattr(among, name))
        figures[prefix + name] = Figure(
            value=share, floor=float(getattr(floor, name)), interval=of_share(share, count), about=about
        )
    return figures | {f"{prefix}density": _density(among, floor, where)}


def _density(among: Neighborhoods, floor: Neighborhoods, where: str) -> Figure:
    return Figure(
        value=among.density,
        floor=floor.density,
        interval=among.density_interval,
        about=f"how densely real pictures surround the samples{where}; means nothing without coverage",
    )
