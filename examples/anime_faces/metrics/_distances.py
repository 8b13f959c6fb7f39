"""Distances between two sets of feature vectors: Fréchet and kernel.

Both come from torchmetrics, which takes any module as its feature network. The vectors are computed beforehand, once
for all figures, so the module given to it only hands them through.
"""

import warnings

import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

SUBSETS = 50
SUBSET_SIZE = 1000


class _Given(nn.Module):
    """Stands where torchmetrics expects a network, and returns the vectors that it is given."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return vectors


def frechet_distance(real: torch.Tensor, samples: torch.Tensor) -> float:
    """Return the Fréchet distance between Gaussians fitted to two sets of vectors.

    Args:
        real: ``(n, features)``; fewer vectors than features make the distance large for any two sets.
        samples: ``(m, features)``.

    Reference:
        Heusel et al. 2017, "GANs trained by a two time-scale update rule", equation 6; here with the features given.
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
        seed: of the subsets; torch's own random state is left as it was.

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
