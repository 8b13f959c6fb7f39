"""Feature vectors of pictures, and how samples lie among real pictures: precision, recall, density, coverage."""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from torch import nn

from examples.anime_faces.metrics._intervals import Interval, of_mean

Features: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Turns uint8 pictures ``(n, 3, size, size)`` into vectors ``(n, features)``."""

CHUNK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighborhoods:
    """How samples and real pictures lie in each other's neighborhoods.

    The neighborhood of a point is the open ball around it, whose radius is the distance to its k-th nearest neighbor in its own
    set.

    Args:
        precision: Share of samples in the neighborhood of at least one real picture.
        recall: Share of real pictures in the neighborhood of at least one sample.
        density: Mean number of real neighborhoods that a sample lies in, divided by k; can be above 1.
        coverage: Share of real pictures with at least one sample in their neighborhood.
        density_interval: Where the density for very many samples probably is.

    Reference:
        Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models", equations
        1 and 2; Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models", equations 3 and 5.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    density_interval: Interval


def neighborhoods(real: torch.Tensor, samples: torch.Tensor, *, k: int = 5) -> Neighborhoods:
    """Measure how samples lie among real pictures.

    Args:
        real: Vectors of real pictures, ``(n, features)`` with n above k.
        samples: Vectors of samples, ``(m, features)`` with m above k.
        k: Number of the neighbor that decides the radius.

    Raises:
        ValueError: A set has at most k vectors, or the vectors differ in length.
    """
    _check(real, samples, k)
    # In float64, the formula |a|^2 - 2ab + |b|^2 inside cdist is exact enough for nearly equal vectors too.
    real, samples = real.double(), samples.double()
    real_reach, sample_reach = _reaches(real, k), _reaches(samples, k)
    inside_any = torch.zeros(len(samples), dtype=torch.bool, device=samples.device)
    inside_count = torch.zeros(len(samples), dtype=torch.int64, device=samples.device)
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
        density_interval=of_mean(inside_count.double().cpu().numpy() / k),
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
        # A point is not its own neighbor, but equal points are neighbors.
        distances[torch.arange(len(chunk)), torch.arange(start, start + len(chunk))] = torch.inf
        reaches.append(distances.kthvalue(k, dim=1).values)
    return torch.cat(reaches)


def load_features(name: str, device: torch.device | str = "cpu") -> Features:
    """Return the callable that ``package.module:callable`` names.

    It must take uint8 pictures of shape ``(n, 3, size, size)`` and return vectors of shape ``(n, features)``. A module is moved
    to the device and set to evaluation mode. The current folder is searched too.

    Args:
        name: The name, as ``package.module:callable``.
        device: Device of the network.

    Raises:
        ValueError: There is no such module, or it has no such callable.
    """
    place, colon, attribute = name.partition(":")
    if not (place and colon and attribute):
        raise ValueError(f"features must be given as package.module:callable, got {name!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = getattr(importlib.import_module(place), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"features {name!r} cannot be loaded: {error}") from error
    if isinstance(found, nn.Module):
        return found.to(device).eval()
    if not callable(found):
        raise ValueError(f"features {name!r} must be callable, got {type(found).__name__}")
    return cast("Features", found)
