"""Curves through a few points, as many points on them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Points: TypeAlias = npt.NDArray[np.float64]
Pairs: TypeAlias = Sequence[tuple[float, float]]


def points(pairs: Pairs) -> Points:
    """Return pairs of coordinates as an array of shape ``(n, 2)``."""
    return np.array(pairs, dtype=np.float64)


def smooth(pairs: Pairs, steps: int = 6) -> Points:
    """Return a curve without corners that passes through every point.

    Reference: Catmull and Rom (1974), the uniform cubic spline.
    """
    through = points(pairs)
    padded = np.concatenate([2 * through[:1] - through[1:2], through, 2 * through[-1:] - through[-2:-1]])
    return _spline(padded, through, steps)


def ring(pairs: Pairs, steps: int = 6) -> Points:
    """Return a closed curve without corners that passes through every point."""
    through = points(pairs)
    padded = np.concatenate([through[-1:], through, through[:2]])
    return _spline(padded, through[:1], steps)


def bends(pairs: Pairs, steps: int = 6) -> Points:
    """Return arcs that meet in corners: points at even places are corners, those between pull the arcs.

    Args:
        pairs: an odd number of points: corner, pull, corner, pull, ..., corner.
        steps: points on each arc.
    """
    path = points(pairs)
    start, pull, end = path[:-1:2, None], path[1::2, None], path[2::2, None]
    t = _steps(steps)[None, :, None]
    arcs = (1 - t) * (1 - t) * start + 2 * t * (1 - t) * pull + t * t * end
    return np.concatenate([arcs.reshape(-1, 2), path[-1:]])


def mirrored(path: Points) -> Points:
    """Return the path seen in a mirror, in the opposite direction, so that it goes on where the original ends."""
    return path[::-1] * np.array([-1.0, 1.0])


@lru_cache(maxsize=32)
def circle(steps: int = 28) -> Points:
    """Return the unit circle."""
    angle = np.arange(steps) * (2 * np.pi / steps)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@lru_cache(maxsize=32)
def _steps(steps: int) -> Points:
    return np.arange(steps) / steps


@lru_cache(maxsize=32)
def _spline_weights(steps: int) -> Points:
    t = _steps(steps)
    return 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2],
    )


def _spline(padded: Points, end: Points, steps: int) -> Points:
    weights = _spline_weights(steps)[:, None, :, None]
    arcs = (
        weights[0] * padded[:-3, None]
        + weights[1] * padded[1:-2, None]
        + weights[2] * padded[2:-1, None]
        + weights[3] * padded[3:, None]
    )
    return np.concatenate([arcs.reshape(-1, 2), end[-1:]])
