"""Mixtures of Gaussians in the plane, the coverage of their modes by samples, and the bars that an arm must reach."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Gaussians of the same variance along both axes and of equal weight, one per mode."""

    centers: torch.Tensor
    deviation: float

    def draw(self, count: int, rng: torch.Generator) -> torch.Tensor:
        """Draw points ``(count, 2)``: uniformly a mode for each, then its noise."""
        modes = torch.randint(len(self.centers), (count,), generator=rng)
        return self.centers[modes] + self.deviation * torch.randn(count, 2, generator=rng)


def ring(*, modes: int = 8, radius: float = 1.0, deviation: float = 0.01) -> Mixture:
    """Return evenly spaced Gaussians on a circle, the first at angle 0.

    Srivastava et al. 2017 (VEEGAN), section 4. The last angle is not the first again: a well-known notebook of unrolled GANs
    spreads 8 angles over the whole closed circle and so has 7 modes.
    """
    angles = 2 * math.pi * torch.arange(modes) / modes
    return Mixture(centers=radius * torch.stack([angles.cos(), angles.sin()], dim=1), deviation=deviation)


def grid(*, side: int = 5, spacing: float = 2.0, deviation: float = 0.05) -> Mixture:
    """Return Gaussians on a square lattice around the origin: by default 25, at -4, -2, 0, 2 and 4 along both axes."""
    line = spacing * (torch.arange(side) - (side - 1) / 2)
    return Mixture(centers=torch.cartesian_prod(line, line), deviation=deviation)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What samples of one seed must reach.

    Attributes:
        modes: Modes, at least.
        spared: Modes that one seed, and only one, may miss.
        high_quality: Share of good samples, at least; None if it is not required.
        reverse_divergence: At most; None if it is not required.
    """

    modes: int
    spared: int = 0
    high_quality: float | None = None
    reverse_divergence: float | None = None

    def misses(self, figures: Mapping[str, Any]) -> list[str]:
        """Return the names of what one seed misses; empty if it reaches all."""
        missed = []
        if figures["modes"] < self.modes:
            missed.append("modes")
        if self.high_quality is not None and figures["high_quality"] < self.high_quality:
            missed.append("high quality")
        # Written so that NaN is a miss.
        if self.reverse_divergence is not None and not figures["reverse_divergence"] <= self.reverse_divergence:
            missed.append("reverse KL")
        return missed

    def reached(self, seeds: Sequence[Mapping[str, Any]]) -> bool:
        """Say whether all seeds together reach the bar."""
        missing = [figures for figures in seeds if self.misses(figures)]
        if not missing:
            return bool(seeds)
        only_spared = self.misses(missing[0]) == ["modes"] and missing[0]["modes"] >= self.modes - self.spared
        return len(missing) == 1 and len(seeds) > 1 and only_spared
