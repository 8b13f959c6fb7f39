"""Distances between the distributions of two sets of vectors: Fréchet and kernel distance.

The kernel distance comes from torchmetrics, which accepts any module as its feature network. The vectors are computed once,
before all figures, so the module given to it returns its input. The Fréchet distance is computed here, because it is needed for
many parts of a picture at once, and many times for its interval.
"""

import warnings

import torch
from torch import nn

SUBSETS = 50
SUBSET_SIZE = 1000


def frechet_distance(real: torch.Tensor, samples: torch.Tensor) -> float:
    """Return the Fréchet distance between Gaussians fitted to two sets of vectors.

    Args:
        real: ``(n, features)``. With fewer vectors than features, the distance of any two sets is large.
        samples: ``(m, features)``.

    Reference:
        Heusel et al. 2017, "GANs trained by a two time-scale update rule", equation 6, here for any features.
    """
    return float(frechet_distances(real[None], samples[None])[0])


def frechet_distances(real: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """Return the Fréchet distance in each of several spaces.

    Args:
        real: ``(spaces, n, features)``, n at least 2.
        samples: ``(spaces, m, features)``, m at least 2.

    Returns:
        float64 ``(spaces,)``.
    """
    real, samples = real.double(), samples.double()
    first, second = _covariance(real), _covariance(samples)
    root = _root(first)
    # The trace of the root of a product of covariances is that of this symmetric matrix.
    cross = torch.linalg.eigvalsh(root @ second @ root).clamp_min(0.0).sqrt().sum(dim=-1)
    shift = (real.mean(dim=1) - samples.mean(dim=1)).square().sum(dim=-1)
    return shift + _trace(first) + _trace(second) - 2.0 * cross


def total_variance(vectors: torch.Tensor) -> torch.Tensor:
    """Return the sum of the variances of all features, ``(spaces,)``, of vectors ``(spaces, n, features)``."""
    return vectors.double().var(dim=1).sum(dim=-1)


def _covariance(vectors: torch.Tensor) -> torch.Tensor:
    centered = vectors - vectors.mean(dim=1, keepdim=True)
    return centered.transpose(1, 2) @ centered / (vectors.shape[1] - 1)


def _root(matrices: torch.Tensor) -> torch.Tensor:
    values, directions = torch.linalg.eigh(matrices)
    return (directions * values.clamp_min(0.0).sqrt()[:, None, :]) @ directions.transpose(1, 2)


def _trace(matrices: torch.Tensor) -> torch.Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(dim=-1)


class _Given(nn.Module):
    """The network that torchmetrics expects; it returns the vectors that it is given."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return vectors


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
    from torchmetrics.image.kid import KernelInceptionDistance  # the only figure that needs it

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
