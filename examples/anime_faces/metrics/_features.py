"""Comparisons of two sets of feature vectors: Fréchet and kernel distance, precision, recall, density, coverage.

Both distances come from torchmetrics, which accepts any module as its feature network. The vectors are computed once, before
all figures, so the module given to it returns its input.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from examples.anime_faces.judge import encode, encode_with, load_encoder
from examples.anime_faces.metrics._evaluation import Figure

Features: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Turns uint8 pictures ``(n, 3, size, size)`` into vectors ``(n, features)``."""

SUBSETS = 50
SUBSET_SIZE = 1000


class _Given(nn.Module):
    """The network that torchmetrics expects; it returns the vectors that it is given."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return vectors


def frechet_distance(real: torch.Tensor, samples: torch.Tensor) -> float:
    """Return the Fréchet distance between Gaussians fitted to two sets of vectors.

    Args:
        real: ``(n, features)``. With fewer vectors than features, the distance of any two sets is large.
        samples: ``(m, features)``.

    Reference:
        Heusel et al. 2017, "GANs trained by a two time-scale update rule", equation 6, here for any features.
    """
    metric = FrechetInceptionDistance(feature=_Given(real.shape[1])).set_dtype(torch.float64)
    metric.update(real.double(), real=True)
    metric.update(samples.double(), real=False)
    return float(metric.compute())


def kernel_distance(real: torch.Tensor, samples: torch.Tensor, *, seed: int) -> float:
    """Return the squared maximum mean discrepancy under a cubic kernel, the mean over random subsets.

    Args:
        real: ``(n, features)``, n at least 2.
        samples: ``(m, features)``, m at least 2.
        seed: Seed of the subsets. The global random state of torch does not change.

    Reference:
        Bińkowski et al. 2018, "Demystifying MMD GANs", equation 4 with the kernel of section 4; unbiased, so it may be
        slightly negative.
    """
    size = min(SUBSET_SIZE, len(real), len(samples))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Metric `Kernel Inception Distance`")  # the vectors are small
        metric = KernelInceptionDistance(feature=_Given(real.shape[1]), subsets=SUBSETS, subset_size=size)
    metric.update(real, real=True)
    metric.update(samples, real=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mean, _ = metric.compute()
    return float(mean)


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
        # A point is not its own neighbor, but equal points are neighbors.
        distances[torch.arange(len(chunk)), torch.arange(start, start + len(chunk))] = torch.inf
        reaches.append(distances.kthvalue(k, dim=1).values)
    return torch.cat(reaches)


COVERAGE_AT_LEAST = 0.6


def vectors_of(
    parts: Sequence[torch.Tensor], features: Features | None, device: torch.device | str
) -> tuple[torch.Tensor, ...]:
    """Return the vectors of each set of pictures.

    Args:
        parts: Sets of pictures, each uint8 ``(n, 3, size, size)``.
        features: Feature network. None: the encoder.
        device: Device of the network.
    """
    if features is not None:
        return tuple(encode_with(features, part, device) for part in parts)
    encoder = load_encoder(device)
    return tuple(encode(encoder, part) for part in parts)


def closeness_figures(
    real: torch.Tensor, samples: torch.Tensor, second: torch.Tensor, *, seed: int
) -> dict[str, Figure]:
    """Return Fréchet and kernel distance, precision, recall, density and coverage, each with its value for real pictures.

    Args:
        real: Vectors of real pictures, ``(n, features)``.
        samples: Vectors of as many samples.
        second: Vectors of as many other real pictures, which replace the samples in the floors.
        seed: Seed of the subsets of the kernel distance.
    """
    among, floor = neighborhoods(real, samples), neighborhoods(real, second)
    return {
        "fid": Figure(
            value=frechet_distance(real, samples),
            floor=frechet_distance(real, second),
            about="Fréchet distance to real pictures in the feature space; smaller is better",
        ),
        "kid": Figure(
            value=kernel_distance(real, samples, seed=seed),
            floor=kernel_distance(real, second, seed=seed),
            about="kernel distance to real pictures in the feature space; smaller is better",
        ),
        "precision": Figure(value=among.precision, floor=floor.precision, about="share of samples among real pictures"),
        "recall": Figure(value=among.recall, floor=floor.recall, about="share of real pictures among samples"),
        "density": Figure(
            value=among.density, floor=floor.density, about="how densely real pictures surround the samples"
        ),
        "coverage": Figure(
            value=among.coverage, floor=floor.coverage, about="share of real pictures with a sample close by"
        ),
        "coverage_of_real": Figure(
            value=among.coverage / max(floor.coverage, 1e-9),
            floor=1.0,
            at_least=COVERAGE_AT_LEAST,
            about="coverage divided by that of fresh real pictures",
        ),
    }
