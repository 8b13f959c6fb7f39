"""How much the pictures of a sample grid differ: beside real ones, and by noise beside what was requested."""

from collections.abc import Mapping

import torch
from torch.nn import functional

SIDE = 16
"""Pixels to which pictures are reduced before they are compared, so that noise and fine texture do not count."""
REAL = 64
"""Real pictures whose distances are the measure."""
VARIETY, USE_OF_NOISE = "variety", "use of noise"


def real_distance(pictures: torch.Tensor) -> float:
    """Return the mean distance of two real pictures.

    Args:
        pictures: In -1..1, ``(n, 3, size, size)`` with n of 2 or more.
    """
    return float(torch.pdist(_reduced(pictures / 2)).mean())  # in a range of length 1, as those of a grid


def figures_of(images: torch.Tensor, real: float, *, has_conditions: bool) -> dict[str, float]:
    """Return what a grid of pictures shows of its generator.

    - ``variety``: the mean distance of two pictures of the same condition (of any two without conditions), divided by that
      of two real pictures. It is near 0 where the generator draws one picture again and again.
    - ``use of noise``: the share of the variance of pixels that noise makes, N / (N + C). N is the variance over the latents
      of a row, C that over the conditions of a column, both averaged. It is 0 where noise changes nothing, and 1 where the
      condition changes nothing. Without conditions, or with one row or column, there is none.

    Args:
        images: uint8 ``(rows, columns, 3, size, size)``; a row has one condition and a column one latent.
        real: The distance of real pictures; 0 where all are the same, and then nothing is returned.
        has_conditions: Whether rows have different conditions.
    """
    if real == 0.0:
        return {}
    rows, columns = images.shape[:2]
    small = _reduced(images.flatten(0, 1) / 255)
    grid = small.unflatten(0, (rows, columns))
    groups = list(grid) if has_conditions else [small]
    figures = {}
    if len(groups[0]) > 1:
        figures[VARIETY] = float(torch.stack([torch.pdist(group).mean() for group in groups]).mean()) / real
    if has_conditions and min(rows, columns) > 1:
        by_noise, by_condition = (float(grid.var(dim=axis).mean()) for axis in (1, 0))
        if by_noise + by_condition > 0:
            figures[USE_OF_NOISE] = by_noise / (by_noise + by_condition)
    return figures


def named(figures: Mapping[str, float], heading: str) -> dict[str, float]:
    """Return figures under names that say which generator drew the grid, by the first word of its heading.

    Example:
        >>> named({"variety": 0.5}, "raw generator")
        {'variety, raw': 0.5}
    """
    return {f"{name}, {heading.split(maxsplit=1)[0]}": value for name, value in figures.items()}


def _reduced(pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures as rows of numbers: the means of at most 16 x 16 blocks."""
    return functional.adaptive_avg_pool2d(pictures, min(SIDE, pictures.shape[-1])).flatten(1)
