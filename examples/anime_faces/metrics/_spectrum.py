"""The power of pictures at each frequency: it shows checkerboards and blur before an eye sees them."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from examples.anime_faces.metrics._evaluation import Figure
from examples.anime_faces.metrics._intervals import of_statistic

ROUNDING = 1.0 / 12.0
"""Variance of rounding a brightness to a whole number: the power of a frequency that contains nothing else."""

GREATEST_ABOVE_FLOOR = 2.0
"""Largest difference that passes, in decibels above that of real pictures."""

ABOVE_ROUNDING = 10.0
"""Frequencies with less than this multiple of the power of rounding are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumGap:
    """Difference of two radial power spectra.

    Args:
        greatest: Largest absolute difference at any radius, in decibels.
        mean: Mean absolute difference over radii, in decibels.
        decibels: Signed difference at each radius from 1 on; NaN where the real power is only that of rounding.
    """

    greatest: float
    mean: float
    decibels: tuple[float, ...]


def spectrum_gap(real: torch.Tensor, samples: torch.Tensor) -> SpectrumGap:
    """Compare the radial power spectra of two sets of pictures.

    Args:
        real: uint8 tensor of shape ``(n, channels, size, size)``.
        samples: uint8 tensor of shape ``(m, channels, size, size)``.

    Raises:
        ValueError: The pictures differ in size, or all real pictures are flat.

    Reference:
        Durall et al. 2020, "Watch your up-convolution", section 3: the azimuthal integral over the power spectrum.
    """
    if real.shape[1:] != samples.shape[1:]:
        raise ValueError(
            f"real and samples must be of one size, got {tuple(real.shape[1:])} and {tuple(samples.shape[1:])}"
        )
    return _gap(radial_powers(real), radial_powers(samples), real.shape[2])


def _gap(real: torch.Tensor, samples: torch.Tensor, size: int) -> SpectrumGap:
    rounding = ROUNDING * size**2
    real_power, sample_power = real.mean(dim=0), samples.mean(dim=0)
    gaps = 10.0 * torch.log10(sample_power.clamp_min(rounding) / real_power.clamp_min(rounding))
    gaps = torch.where(real_power > ABOVE_ROUNDING * rounding, gaps, torch.full_like(gaps, math.nan))
    heard = gaps[gaps.isfinite()].abs()
    if len(heard) == 0:
        raise ValueError("real must contain more than flat pictures, got no frequency above rounding")
    return SpectrumGap(greatest=float(heard.max()), mean=float(heard.mean()), decibels=tuple(gaps.tolist()))


def radial_power(images: torch.Tensor) -> torch.Tensor:
    """Return the mean of ``radial_powers`` over the pictures."""
    return radial_powers(images).mean(dim=0)


def radial_powers(images: torch.Tensor) -> torch.Tensor:
    """Return the power of each picture at each whole radius from 1 to the corner of the spectrum, ``(n, radii)``.

    The checkerboard of transposed convolutions is at the corner, beyond half the size.

    Args:
        images: uint8 tensor of shape ``(n, channels, size, size)``, n at least 1.
    """
    size = images.shape[2]
    waves = torch.fft.fftfreq(size) * size
    radius = (waves[:, None] ** 2 + waves[None, :] ** 2).sqrt().round().long().flatten()
    counts = torch.bincount(radius)
    parts = []
    for batch in images.split(256):
        power = torch.fft.fft2(batch.float()).abs().square().double().mean(dim=1).flatten(1)
        total = torch.zeros(len(batch), len(counts), dtype=torch.float64).index_add_(1, radius, power)
        parts.append((total / counts)[:, 1:])
    return torch.cat(parts)


def spectrum_figures(
    real: torch.Tensor, samples: torch.Tensor, second: torch.Tensor, *, seed: int = 0
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Return the figures of the spectrum, and the table behind them.

    Args:
        real: uint8 pictures ``(n, channels, size, size)``.
        samples: As many samples.
        second: As many other real pictures, for the floors.
        seed: Seed of the interval.
    """
    powers = [radial_powers(images) for images in (real, samples, second)]
    size = real.shape[2]
    gap, floor = _gap(powers[0], powers[1], size), _gap(powers[0], powers[2], size)
    interval = of_statistic(
        lambda rows: _gap(powers[0][rows], powers[1][rows], size).greatest, len(real), value=gap.greatest, seed=seed
    )
    about = "difference of the radial power spectra of samples and real pictures in decibels"
    figures = {
        "spectrum_greatest": Figure(
            value=gap.greatest,
            floor=floor.greatest,
            at_most=floor.greatest + GREATEST_ABOVE_FLOOR,
            interval=interval,
            about=f"{about}; the largest",
        ),
        "spectrum_mean": Figure(value=gap.mean, floor=floor.mean, about=f"{about}; the mean over radii"),
    }
    return figures, {"spectrum_decibels": [None if math.isnan(gap) else round(gap, 3) for gap in gap.decibels]}
