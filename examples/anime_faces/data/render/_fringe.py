"""The lower edge of the hair on the forehead."""

import random
from typing import NamedTuple, TypeAlias

from examples.anime_faces.data.render._face import FRINGES, Face

Corner: TypeAlias = tuple[float, float]


class Fringe(NamedTuple):
    """Where the strands of a fringe end, from left to right.

    ``edge`` is a path of corner, pull, corner, ... from the left temple to the right one. ``notches`` are its upper corners,
    where the gaps between strands begin; the gaps point to ``root``.
    """

    edge: list[Corner]
    notches: list[Corner]
    root: Corner


# Each shape: the notch left of the first strand, then (tip, notch to its right) of each strand; and the root of the parting.
_SHAPES: dict[str, tuple[list[Corner], Corner]] = {
    "blunt": (
        [
            (-26, -8),
            (-21, -2.2),
            (-16.5, -8.5),
            (-11, -2.6),
            (-6, -9),
            (0, -2.2),
            (6, -9),
            (11, -2.6),
            (16.5, -8.5),
            (21, -2.2),
            (26, -8),
        ],
        (0, -44),
    ),
    "tufts": (
        [
            (-26, -8),
            (-20, -2.4),
            (-14.5, -15),
            (-9, -3.2),
            (-3.5, -15),
            (2.4, 3.0),
            (6.5, -14),
            (12.5, -3.4),
            (17, -13),
            (21.6, -2.4),
            (26, -8),
        ],
        (-3, -45),
    ),
    "parted": (
        [(-26, -4), (-23.4, 4), (-20.5, -8), (-15, -3.6), (0, -28), (14, -3.6), (20, -8), (23.4, 4), (26, -4)],
        (0, -42),
    ),
    "side": (
        [
            (-26, -4),
            (-23, 3),
            (-20, -9),
            (-15.5, -3.6),
            (-10.5, -25),
            (1.5, -4.6),
            (4, -11.5),
            (11.5, -3.4),
            (14.5, -9.5),
            (20.6, -0.6),
            (26, -6),
        ],
        (-10, -42),
    ),
    "swept": (
        [
            (-26, -14),
            (-16, -4.2),
            (-17, -15),
            (-6, -3.0),
            (-7, -15.5),
            (4.5, 0.4),
            (4, -14),
            (14, -3.2),
            (14, -12),
            (22.8, -0.8),
            (26, -8),
        ],
        (-16, -43),
    ),
    "middle lock": (
        [
            (-26, -5),
            (-22.6, 2),
            (-19.5, -10),
            (-12.6, -4.2),
            (-6.5, -21),
            (-1.6, 6.6),
            (4.0, -22),
            (12.6, -4.2),
            (19.5, -10),
            (22.6, 2),
            (26, -5),
        ],
        (-1, -44),
    ),
}


def fringe_of(face: Face, rng: random.Random) -> Fringe:
    """Return the fringe of a face, with small irregularities drawn from ``rng``."""
    shape, root = _SHAPES[FRINGES[face.fringe]]
    corners = [
        (x + rng.uniform(-0.9, 0.9), y + rng.uniform(-1.0, 0.6)) if 0 < place < len(shape) - 1 else (x, y)
        for place, (x, y) in enumerate(shape)
    ]
    edge = [corners[0]]
    for place in range(1, len(corners)):
        edge += [_pull(corners[place - 1], corners[place], root), corners[place]]
    return Fringe(edge, corners[2:-1:2], root)


def _pull(start: Corner, end: Corner, root: Corner) -> Corner:
    """Bend the side of a strand as hair falls: steep at the lower end, and toward the root above."""
    upper, lower = (start, end) if start[1] < end[1] else (end, start)
    lean = 0.34 if abs(lower[0] - root[0]) > abs(upper[0] - root[0]) else 0.12
    x = lower[0] + (upper[0] - lower[0]) * lean
    return (x, upper[1] + (lower[1] - upper[1]) * 0.42)
