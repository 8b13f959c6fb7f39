"""How far a figure measured on a few samples may be from the figure of all samples: intervals of 95 percent."""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Interval: TypeAlias = tuple[float, float]

Z = 1.959964
DRAWS = 25


def of_share(share: float, count: int) -> Interval:
    """Return the interval of a share of independent pictures.

    Args:
        share: In 0..1.
        count: Number of pictures, at least 1.

    Example:
        >>> [round(bound, 3) for bound in of_share(1.0, 264)]
        [0.986, 1.0]

    Reference:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    reach = Z / (1 + Z**2 / count) * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    # Rounding moves the ends beside 0 and 1, where they are the share itself.
    return min(share, max(0.0, middle - reach)), max(share, min(1.0, middle + reach))


def of_mean(values: np.ndarray) -> Interval:
    """Return the interval of the mean of independent values, of shape ``(n,)``."""
    mean = float(np.mean(values))
    reach = Z * float(np.std(values)) / math.sqrt(max(1, len(values) - 1))
    return mean - reach, mean + reach


def of_statistic(
    statistic: Callable[[np.ndarray], float], count: int, *, value: float, seed: int, draws: int = DRAWS
) -> Interval:
    """Return the interval of any statistic of pictures, from its spread over resampled pictures.

    Resampled pictures repeat themselves, which shifts many statistics, such as a Fréchet distance. So only the spread is used,
    around the value of the pictures themselves.

    Args:
        statistic: Takes rows, int64 ``(count,)``, each drawn at random from all rows, and returns the statistic of these.
        count: Number of rows.
        value: The statistic of all rows.
        seed: Decides which rows are drawn.
        draws: How often.

    Reference:
        Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    rng = np.random.default_rng(seed)
    spread = float(np.std([statistic(rng.integers(0, count, count)) for _ in range(draws)], ddof=1))
    return value - Z * spread, value + Z * spread
