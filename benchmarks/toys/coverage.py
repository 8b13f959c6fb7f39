"""How many modes samples reach, how many samples are good, and how evenly the modes are hit."""

from dataclasses import dataclass

import torch

from benchmarks.toys.mixtures import Mixture


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The three numbers of the published tables.

    Attributes:
        modes: Modes with at least one good sample.
        high_quality: Share of samples that are good: closer than 3 standard deviations to the nearest center.
        reverse_divergence: Kullback-Leibler divergence from the good samples' shares of the modes to the true, even ones, in
            nats; infinite where no sample is good.
    """

    modes: int
    high_quality: float
    reverse_divergence: float


def coverage(mixture: Mixture, samples: torch.Tensor) -> Coverage:
    """Measure samples ``(count, 2)`` as the program of PacGAN does.

    Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial networks", section 4.1. A perfect sampler has
    ``1 - exp(-9 / 2)``, which is 98.9 %, of its samples within 3 deviations.
    """
    counts = good_counts(mixture, samples)
    return Coverage(
        modes=int(counts.count_nonzero()),
        high_quality=float(counts.sum()) / len(samples),
        reverse_divergence=divergence_from_even(counts),
    )


def good_counts(mixture: Mixture, samples: torch.Tensor) -> torch.Tensor:
    """Count the good samples of each mode."""
    distances = torch.cdist(samples.double(), mixture.centers.double(), compute_mode="donot_use_mm_for_euclid_dist")
    nearest = distances.min(dim=1)
    good = nearest.indices[nearest.values < 3 * mixture.deviation]
    return torch.bincount(good, minlength=len(mixture.centers))


def divergence_from_even(counts: torch.Tensor) -> float:
    """Return ``sum(q log(q / p))`` of the shares q of `counts` to the even shares p, with ``0 log 0 = 0``."""
    total = counts.sum()
    if total == 0:
        return float("inf")
    shares = counts.double() / total
    return float(torch.xlogy(shares, shares * len(counts)).sum())
