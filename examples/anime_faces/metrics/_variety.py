"""The figures of what was not asked for."""

from typing import Any

import numpy as np

from examples.anime_faces.data.render import EYE_COLORS
from examples.anime_faces.metrics._figure import Figure
from examples.anime_faces.metrics._unasked import Readings, Spread, noise_usage, total_variation

VARIATION_ABOVE_FLOOR = 0.15
NOISE_USAGE = (0.6, 1.4)


def variety_figures(
    real: Readings, samples: Readings, second: Readings, asked: np.ndarray
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Return the figures of what was not asked for, and the table of them by factor.

    Args:
        real: what the judge reads from renders.
        samples: what it reads from samples that were asked for the same.
        second: what it reads from other renders that were asked for the same.
        asked: the asked (hair, eyes), shape ``(n, 2)``.
    """
    hair, pair = asked[:, 0], asked[:, 0] * len(EYE_COLORS) + asked[:, 1]
    variation, variation_floor = total_variation(real, samples, hair), total_variation(real, second, hair)
    usage, usage_floor = noise_usage(real, samples, pair), noise_usage(real, second, pair)
    figures = _variation_figures(variation, variation_floor) | {
        "noise_usage": Figure(
            value=usage.mean,
            floor=usage_floor.mean,
            at_least=NOISE_USAGE[0],
            at_most=NOISE_USAGE[1],
            about="variance of what was not asked for among samples of one pair, as a multiple of that of renders",
        )
    }
    details = {
        "unasked_variation": {"value": variation.by_factor, "floor": variation_floor.by_factor},
        "noise_usage": {"value": usage.by_factor, "floor": usage_floor.by_factor},
    }
    return figures, details


def _variation_figures(value: Spread, floor: Spread) -> dict[str, Figure]:
    worst = max(value.by_factor, key=lambda name: value.by_factor[name] - floor.by_factor[name])
    about = "total variation, for each hair color, between sampled and rendered distributions of what was not asked for"
    return {
        "unasked_variation": Figure(
            value=value.mean,
            floor=floor.mean,
            at_most=floor.mean + VARIATION_ABOVE_FLOOR,
            about=f"{about}; the mean over style, pose, expression, background and position",
        ),
        "unasked_variation_worst": Figure(
            value=value.by_factor[worst],
            floor=floor.by_factor[worst],
            at_most=floor.by_factor[worst] + VARIATION_ABOVE_FLOOR,
            about=f"{about}; the factor furthest above its floor, here {worst}",
        ),
    }
