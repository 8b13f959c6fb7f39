"""Precision, recall, density and coverage: how the samples lie among the real pictures in a feature space."""

from dataclasses import dataclass

import torch

CHUNK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighborhoods:
    """How far samples and real pictures lie in each other's neighborhoods.

    A neighborhood is the open ball around a point that reaches its k-th nearest neighbor within its own set.

    Args:
        precision: share of samples in the neighborhood of some real picture.
        recall: share of real pictures in the neighborhood of some sample.
        density: mean number of real neighborhoods that a sample lies in, divided by k; may exceed 1.
        coverage: share of real pictures whose neighborhood holds some sample.

    Reference:
        Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models", equations
        1 and 2; Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models", equations 3 and 5.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighborhoods(real: torch.Tensor, samples: torch.Tensor, *, k: int = 5) -> Neighborhoods:
    """Measure how samples lie among real pictures.

    Args:
        real: vectors of real pictures, ``(n, features)`` with n above k.
        samples: vectors of samples, ``(m, features)`` with m above k.
        k: which neighbor a neighborhood reaches.

    Raises:
        ValueError: if a set has no k-th neighbor, or the vectors differ in length.
    """
    _check(real, samples, k)
    # In float64 the shortcut |a|^2 - 2ab + |b|^2 inside cdist keeps its digits even for near twins.
    real, samples = real.double(), samples.double()
    real_reach, sample_reach = _reaches(real, k), _reaches(samples, k)
    inside_any = torch.zeros(len(samples), dtype=torch.bool)
    inside_count = torch.zeros(len(samples), dtype=torch.int64)
    recalled, covered = 0, 0
    for start in range(0, len(real), CHUNK):
        reach = real_reach[start : start + CHUNK]
        distances = torch.cdist(real[start : start + CHUNK], samples)
        inside = distances < reach[:, None]
        inside_any |= inside.any(dim=0)
        inside_count += inside.sum(dim=0)
        covered += int(inside.any(dim=1).sum())
        recalled += int((distances < sample_reach).any(dim=1).sum())
    return Neighborhoods(
        precision=float(inside_any.double().mean()),
        recall=recalled / len(real),
        density=float(inside_count.double().mean()) / k,
        coverage=covered / len(real),
    )


def _check(real: torch.Tensor, samples: torch.Tensor, k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    for name, vectors in (("real", real), ("samples", samples)):
        if vectors.ndim != 2 or len(vectors) <= k:
            raise ValueError(f"{name} must have shape (n, features) with n above k = {k}, got {tuple(vectors.shape)}")
    if real.shape[1] != samples.shape[1]:
        raise ValueError(
            f"real and samples must have vectors of one length, got {real.shape[1]} and {samples.shape[1]}"
        )


def _reaches(points: torch.Tensor, k: int) -> torch.Tensor:
    """Return the distance of each point to its k-th nearest neighbor, the point itself not counted."""
    reaches = []
    for start in range(0, len(points), CHUNK):
        chunk = points[start : start + CHUNK]
        distances = torch.cdist(chunk, points)
        # A point is no neighbor of its own; its twins are.
        distances[torch.arange(len(chunk)), torch.arange(start, start + len(chunk))] = torch.inf
        reaches.append(distances.kthvalue(k, dim=1).values)
    return torch.cat(reaches)
