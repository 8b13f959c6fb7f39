"""Whether samples show the colors that were asked."""

import numpy as np

from examples.anime_faces.metrics._figure import Figure
from examples.anime_faces.metrics._unasked import Readings

HAIR_AT_LEAST = 0.98
EYES_AT_LEAST = 0.90


def color_figures(
    asked: np.ndarray, samples: Readings, real_asked: np.ndarray, real: Readings, withheld: tuple[tuple[int, int], ...]
) -> dict[str, Figure]:
    """Return the accuracy of hair and eyes, over all pairs and over those withheld from training.

    Args:
        asked: the asked (hair, eyes) of each sample, shape ``(n, 2)``.
        samples: what the judge reads from them.
        real_asked: what each real picture shows, shape ``(m, 2)``.
        real: what the judge reads from them.
        withheld: pairs that training never saw; may be empty.
    """
    right, real_right = _right(asked, samples), _right(real_asked, real)
    figures = _named("", right, real_right, "samples that the judge finds to have")
    if withheld:
        rows, real_rows = _among(asked, withheld), _among(real_asked, withheld)
        figures |= _named(
            "withheld_", right[rows], real_right[real_rows], "samples of pairs withheld from training that have"
        )
    return figures


def _named(prefix: str, right: np.ndarray, real: np.ndarray, about: str) -> dict[str, Figure]:
    """Return the three figures of one set of pairs."""
    return {
        f"{prefix}hair_accuracy": Figure(
            value=float(right[:, 0].mean()),
            floor=float(real[:, 0].mean()),
            at_least=HAIR_AT_LEAST,
            about=f"share of {about} the asked hair color",
        ),
        f"{prefix}eye_accuracy": Figure(
            value=float(right[:, 1].mean()),
            floor=float(real[:, 1].mean()),
            at_least=EYES_AT_LEAST,
            about=f"share of {about} the asked eye color",
        ),
        f"{prefix}pair_accuracy": Figure(
            value=float(right.all(axis=1).mean()),
            floor=float(real.all(axis=1).mean()),
            about=f"share of {about} both asked colors",
        ),
    }


def _right(asked: np.ndarray, readings: Readings) -> np.ndarray:
    read = np.stack([readings["hair"].argmax(axis=1), readings["eyes"].argmax(axis=1)], axis=1)
    return read == asked


def _among(asked: np.ndarray, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    return (asked[:, None, :] == np.array(pairs)[None]).all(axis=2).any(axis=1)
