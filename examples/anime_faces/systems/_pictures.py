"""Sizes, ranges and colors of pictures: what sizes the networks can draw, -1..1 as 0..1 and back, and gray forms."""

import torch

SMALLEST_BASE, LARGEST_BASE = 4, 7


def base_and_doublings(size: int) -> tuple[int, int]:
    """Return ``(base, doublings)`` with ``size == base * 2 ** doublings`` and a base of 4 to 7.

    Raises:
        ValueError: No such base exists; the message names the nearest sizes that work.

    Example:
        >>> base_and_doublings(64), base_and_doublings(96)
        ((4, 4), (6, 4))
    """
    doublings = 0
    base = size
    while base > LARGEST_BASE and base % 2 == 0:
        base //= 2
        doublings += 1
    if doublings >= 1 and SMALLEST_BASE <= base <= LARGEST_BASE:
        return base, doublings
    possible = sorted(b * 2**k for b in range(SMALLEST_BASE, LARGEST_BASE + 1) for k in range(1, 9))
    near = {
        max((one for one in possible if one < size), default=0),
        min((one for one in possible if one > size), default=0),
    }
    raise ValueError(
        f"size must be a number from {SMALLEST_BASE} to {LARGEST_BASE} doubled a few times, but it is {size}; "
        f"{' and '.join(map(str, sorted(near - {0})))} would work"
    )


def halvings_of(size: int) -> int:
    """Return how often a critic halves pictures of a size: down to 2 x 2 positions, or 3 x 3, 5 x 5 or 7 x 7."""
    base, doublings = base_and_doublings(size)
    return doublings + (base % 2 == 0)


def to_unit_range(images: torch.Tensor) -> torch.Tensor:
    """Return pictures of -1..1 in 0..1."""
    return (images + 1) / 2


def from_unit_range(images: torch.Tensor) -> torch.Tensor:
    """Return pictures of 0..1 in the -1..1 of the pipeline."""
    return 2 * images - 1


def luminance(images: torch.Tensor) -> torch.Tensor:
    """Return the gray forms of pictures, 0.299 R + 0.587 G + 0.114 B, in the range of the pictures.

    Shape:
        ``(n, 3, height, width)`` to ``(n, 1, height, width)``.

    Reference:
        ITU-R Recommendation BT.601.
    """
    red, green, blue = images.split(1, dim=1)
    return 0.299 * red + 0.587 * green + 0.114 * blue
