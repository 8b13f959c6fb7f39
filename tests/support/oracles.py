"""Independent float64 oracles in numpy, written from the papers and not from the code under test."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def log_sigmoid(x: Array) -> Array:
    """Log of the logistic function: by its definition, and by its asymptote where that overflows."""
    return np.where(x > -30, -np.log1p(np.exp(-np.clip(x, -30, None))), x)


def costs(objective: str, side: str, s: Array) -> Array:
    """The cost of scores `s` under a named objective, on a named side."""
    table = {
        ("Wasserstein", "real"): lambda: -s,
        ("Wasserstein", "fake"): lambda: s,
        ("Wasserstein", "generator"): lambda: -s,
        ("Logistic", "real"): lambda: -log_sigmoid(s),
        ("Logistic", "fake"): lambda: -log_sigmoid(-s),
        ("Logistic", "generator"): lambda: -log_sigmoid(s),
        ("Saturating", "real"): lambda: -log_sigmoid(s),
        ("Saturating", "fake"): lambda: -log_sigmoid(-s),
        ("Saturating", "generator"): lambda: log_sigmoid(-s),
        ("Hinge", "real"): lambda: np.where(s < 1, 1 - s, 0.0),
        ("Hinge", "fake"): lambda: np.where(s > -1, 1 + s, 0.0),
        ("Hinge", "generator"): lambda: -s,
        ("LeastSquares", "real"): lambda: (s - 1) ** 2 / 2,
        ("LeastSquares", "fake"): lambda: s**2 / 2,
        ("LeastSquares", "generator"): lambda: (s - 1) ** 2 / 2,
    }
    return table[objective, side]()


def critic_loss(objective: str, real: Array, fake: Array) -> float:
    """Sum over samples divided by their number, on each side."""
    return float(
        np.sum(costs(objective, "real", real)) / real.size + np.sum(costs(objective, "fake", fake)) / fake.size
    )


def generator_loss(objective: str, fake: Array) -> float:
    """Sum over samples divided by their number."""
    return float(np.sum(costs(objective, "generator", fake)) / fake.size)


def row_norms(rows: Array) -> Array:
    """Euclidean norm of each sample, over all its axes."""
    return np.array([np.sqrt(np.sum(row.astype(np.float64) ** 2)) for row in rows])


def labeled_loss(objective: str, scores: Array, labels: Array) -> float:
    """One score after the other: the share t of it counts as real, the rest as generated."""
    total = 0.0
    for score, label in zip(scores.ravel(), labels.ravel(), strict=True):
        one = np.array([score])
        total += label * costs(objective, "real", one)[0] + (1.0 - label) * costs(objective, "fake", one)[0]
    return total / scores.size


def matching_aware_critic_loss(objective: str, real: Array, negatives: list[tuple[float, Array]]) -> float:
    """Cost of real pairs plus the weighted costs of each kind of negative pair."""
    total = np.sum(costs(objective, "real", real)) / real.size
    for weight, scores in negatives:
        total += weight * np.sum(costs(objective, "fake", scores)) / scores.size
    return float(total)
