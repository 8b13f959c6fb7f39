"""What was not asked for must still vary as it does in real pictures.

Readings are what a judge reads from pictures: probabilities of classes, or numbers. Both sets are read by the same
judge, so its mistakes fall on both sides alike.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

FACTORS: tuple[str, ...] = ("style", "pose", "expression", "background")
"""Unasked factors with classes."""

POSITIONS: tuple[str, ...] = ("x", "y")
"""Unasked factors that are numbers."""

BINS = 4

Readings: TypeAlias = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure over the unasked factors.

    Args:
        mean: over factors.
        by_factor: for each factor.
    """

    mean: float
    by_factor: dict[str, float]

    @classmethod
    def over(cls, by_factor: dict[str, float]) -> "Spread":
        """Return the spread with its mean over factors."""
        return cls(mean=float(np.mean(list(by_factor.values()))), by_factor=by_factor)


def total_variation(real: Readings, samples: Readings, groups: np.ndarray) -> Spread:
    """Return the total variation between sampled and real distributions of the unasked factors, the mean over groups.

    Args:
        real: readings of real pictures.
        samples: readings of samples, sample k asked for what real picture k shows.
        groups: which asked color each belongs to, shape ``(n,)``.
    """
    by_factor = {}
    for name in (*FACTORS, *POSITIONS):
        real_bins, sample_bins, count = _bins(real[name], samples[name])
        by_factor[name] = float(
            np.mean([_variation(real_bins[groups == g], sample_bins[groups == g], count) for g in np.unique(groups)])
        )
    return Spread.over(by_factor)


def noise_usage(real: Readings, samples: Readings, conditions: np.ndarray) -> Spread:
    """Return how much samples of one condition vary, as a multiple of how much real pictures do.

    It is the mean variance of the judge's readings within a condition: 0 where the noise is ignored, 1 where it is
    used as much as real pictures vary, more where the samples are wilder.

    Args:
        real: readings of real pictures.
        samples: readings of samples, sample k asked for what real picture k shows.
        conditions: which condition each belongs to, shape ``(n,)``.
    """
    names = (*FACTORS, *POSITIONS)
    return Spread.over(
        {name: _variance_within(samples[name], conditions) / _variance_within(real[name], conditions) for name in names}
    )


def _bins(real: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the bin of each picture in both sets, and how many bins there are."""
    if real.ndim == 2:
        return real.argmax(axis=1), samples.argmax(axis=1), real.shape[1]
    edges = np.quantile(real, np.arange(1, BINS) / BINS)
    return np.searchsorted(edges, real), np.searchsorted(edges, samples), BINS


def _variation(first: np.ndarray, second: np.ndarray, count: int) -> float:
    shares = np.bincount(first, minlength=count) / len(first) - np.bincount(second, minlength=count) / len(second)
    return float(np.abs(shares).sum() / 2)


def _variance_within(readings: np.ndarray, conditions: np.ndarray) -> float:
    """Return the variance around the mean of the own condition, summed over classes and averaged over pictures.

    One degree of freedom a condition is spent on its mean.
    """
    columns = readings.reshape(len(readings), -1).astype(np.float64)
    _, index, counts = np.unique(conditions, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), columns.shape[1]))
    np.add.at(means, index, columns)
    residuals = columns - (means / counts[:, None])[index]
    return float((residuals**2).sum() / max(1, len(columns) - len(counts)))
