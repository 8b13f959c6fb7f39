"""Figures of what a judge reads: whether samples show the requested colors, and how much all other factors vary.

Readings are probabilities of classes, or numbers. The same judge reads samples and real pictures, so its errors affect both
in the same way.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from examples.anime_faces.data.render import EYE_COLORS
from examples.anime_faces.metrics._evaluation import Figure
from examples.anime_faces.metrics._intervals import Interval, of_share, of_statistic

FACTORS: tuple[str, ...] = ("style", "pose", "expression", "background")
"""Factors with classes, other than the requested colors."""

POSITIONS: tuple[str, ...] = ("x", "y")
"""Factors that are numbers."""

BINS = 4

Readings: TypeAlias = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure over the factors that were not requested.

    Args:
        mean: Mean over factors.
        by_factor: The value of each factor.
    """

    mean: float
    by_factor: dict[str, float]

    @classmethod
    def over(cls, by_factor: dict[str, float]) -> "Spread":
        """Return the spread with its mean over factors."""
        return cls(mean=float(np.mean(list(by_factor.values()))), by_factor=by_factor)


def total_variation(real: Readings, samples: Readings, groups: np.ndarray) -> Spread:
    """Return the total variation between samples and real pictures in the other factors, the mean over groups.

    Args:
        real: Readings of real pictures.
        samples: Readings of samples; sample k was drawn for the classes of real picture k.
        groups: Group of each pair, such as its requested color, of shape ``(n,)``.
    """
    by_factor = {}
    for name in (*FACTORS, *POSITIONS):
        real_bins, sample_bins, count = _bins(real[name], samples[name])
        by_factor[name] = float(
            np.mean([_variation(real_bins[groups == g], sample_bins[groups == g], count) for g in np.unique(groups)])
        )
    return Spread.over(by_factor)


def noise_usage(real: Readings, samples: Readings, conditions: np.ndarray) -> Spread:
    """Return how much samples of one condition vary, as a multiple of how much real pictures vary.

    It is the mean variance of the judge's readings within a condition, divided by that of real pictures: 0 if the generator
    ignores the noise, 1 if samples vary as much as real pictures, above 1 if they vary more.

    Args:
        real: Readings of real pictures.
        samples: Readings of samples; sample k was drawn for the classes of real picture k.
        conditions: Condition of each pair, of shape ``(n,)``.
    """
    names = (*FACTORS, *POSITIONS)
    return Spread.over(
        {name: _variance_within(samples[name], conditions) / _variance_within(real[name], conditions) for name in names}
    )


def _bins(real: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the bin of each picture in both sets, and the number of bins."""
    if real.ndim == 2:
        return real.argmax(axis=1), samples.argmax(axis=1), real.shape[1]
    edges = np.quantile(real, np.arange(1, BINS) / BINS)
    return np.searchsorted(edges, real), np.searchsorted(edges, samples), BINS


def _variation(first: np.ndarray, second: np.ndarray, count: int) -> float:
    shares = np.bincount(first, minlength=count) / len(first) - np.bincount(second, minlength=count) / len(second)
    return float(np.abs(shares).sum() / 2)


def _variance_within(readings: np.ndarray, conditions: np.ndarray) -> float:
    """Return the variance around the mean of the condition, summed over classes and averaged over pictures.

    The mean of each condition takes one degree of freedom.
    """
    columns = readings.reshape(len(readings), -1).astype(np.float64)
    _, index, counts = np.unique(conditions, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), columns.shape[1]))
    np.add.at(means, index, columns)
    residuals = columns - (means / counts[:, None])[index]
    return float((residuals**2).sum() / max(1, len(columns) - len(counts)))


VARIATION_ABOVE_FLOOR = 0.15
NOISE_USAGE = (0.6, 1.4)


def variety_figures(
    real: Readings, samples: Readings, second: Readings, asked: np.ndarray, *, seed: int = 0
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Return the figures of the factors that were not requested, and their table by factor.

    Args:
        real: What the judge reads from renders.
        samples: What it reads from samples that were drawn for the same colors.
        second: What it reads from other renders of the same colors.
        asked: The requested (hair, eyes), of shape ``(n, 2)``.
        seed: Seed of the intervals.
    """
    hair, pair = asked[:, 0], asked[:, 0] * len(EYE_COLORS) + asked[:, 1]
    variation, variation_floor = total_variation(real, samples, hair), total_variation(real, second, hair)
    usage, usage_floor = noise_usage(real, samples, pair), noise_usage(real, second, pair)

    def varied_again(rows: np.ndarray) -> float:
        return total_variation(_at(real, rows), _at(samples, rows), hair[rows]).mean

    def used_again(rows: np.ndarray) -> float:
        # Both sets keep the variance of their conditions where the same rows are drawn for both.
        return noise_usage(_at(real, rows), _at(samples, rows), pair[rows]).mean

    figures = _variation_figures(variation, variation_floor, _spread(varied_again, len(asked), variation.mean, seed))
    figures["noise_usage"] = Figure(
        value=usage.mean,
        floor=usage_floor.mean,
        at_least=NOISE_USAGE[0],
        at_most=NOISE_USAGE[1],
        interval=_spread(used_again, len(asked), usage.mean, seed),
        about="variance of all factors that were not requested among samples of one pair, as a multiple of that of renders",
    )
    details = {
        "unasked_variation": {"value": variation.by_factor, "floor": variation_floor.by_factor},
        "noise_usage": {"value": usage.by_factor, "floor": usage_floor.by_factor},
    }
    return figures, details


def _at(readings: Readings, rows: np.ndarray) -> Readings:
    return {name: values[rows] for name, values in readings.items()}


def _spread(statistic: Callable[[np.ndarray], float], count: int, value: float, seed: int) -> Interval:
    return of_statistic(statistic, count, value=value, seed=seed, draws=20)


def _variation_figures(value: Spread, floor: Spread, interval: Interval) -> dict[str, Figure]:
    worst = max(value.by_factor, key=lambda name: value.by_factor[name] - floor.by_factor[name])
    about = "total variation, for each hair color, between samples and renders in the factors that were not requested"
    # One of six factors spreads more than their mean, if they are independent by the root of six.
    reach = math.sqrt(len(value.by_factor)) * (interval[1] - interval[0]) / 2
    return {
        "unasked_variation": Figure(
            value=value.mean,
            floor=floor.mean,
            at_most=floor.mean + VARIATION_ABOVE_FLOOR,
            interval=interval,
            about=f"{about}; the mean over style, pose, expression, background and position",
        ),
        "unasked_variation_worst": Figure(
            value=value.by_factor[worst],
            floor=floor.by_factor[worst],
            at_most=floor.by_factor[worst] + VARIATION_ABOVE_FLOOR,
            interval=(value.by_factor[worst] - reach, value.by_factor[worst] + reach),
            about=f"{about}; the factor furthest above its floor, here {worst}",
        ),
    }


HAIR_AT_LEAST = 0.98
EYES_AT_LEAST = 0.90


def color_figures(
    asked: np.ndarray, samples: Readings, real_asked: np.ndarray, real: Readings, withheld: tuple[tuple[int, int], ...]
) -> dict[str, Figure]:
    """Return the accuracy of hair and eyes, over all pairs and over the pairs withheld from training.

    Args:
        asked: The requested (hair, eyes) of each sample, of shape ``(n, 2)``.
        samples: What the judge reads from the samples.
        real_asked: The (hair, eyes) of each real picture, of shape ``(m, 2)``.
        real: What the judge reads from the real pictures.
        withheld: Pairs that were not in the training data; may be empty.
    """
    right, real_right = _right(asked, samples), _right(real_asked, real)
    figures = _named("", right, real_right, "samples in which the judge sees")
    if withheld:
        rows, real_rows = _among(asked, withheld), _among(real_asked, withheld)
        figures |= _named(
            "withheld_",
            right[rows],
            real_right[real_rows],
            "samples of pairs withheld from training in which the judge sees",
        )
    return figures


def _named(prefix: str, right: np.ndarray, real: np.ndarray, about: str) -> dict[str, Figure]:
    """Return the three figures of one set of pairs."""
    return {
        f"{prefix}hair_accuracy": Figure(
            value=float(right[:, 0].mean()),
            floor=float(real[:, 0].mean()),
            at_least=HAIR_AT_LEAST,
            interval=of_share(float(right[:, 0].mean()), len(right)),
            about=f"share of {about} the requested hair color",
        ),
        f"{prefix}eye_accuracy": Figure(
            value=float(right[:, 1].mean()),
            floor=float(real[:, 1].mean()),
            at_least=EYES_AT_LEAST,
            interval=of_share(float(right[:, 1].mean()), len(right)),
            about=f"share of {about} the requested eye color",
        ),
        f"{prefix}pair_accuracy": Figure(
            value=float(right.all(axis=1).mean()),
            floor=float(real.all(axis=1).mean()),
            interval=of_share(float(right.all(axis=1).mean()), len(right)),
            about=f"share of {about} both requested colors",
        ),
    }


def _right(asked: np.ndarray, readings: Readings) -> np.ndarray:
    read = np.stack([readings["hair"].argmax(axis=1), readings["eyes"].argmax(axis=1)], axis=1)
    return read == asked


def _among(asked: np.ndarray, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    return (asked[:, None, :] == np.array(pairs)[None]).all(axis=2).any(axis=1)
