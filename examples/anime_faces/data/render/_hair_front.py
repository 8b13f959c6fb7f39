"""The hair in front: crown, fringe, the locks beside the face, their shading and the band of light."""

import random
from typing import NamedTuple

import numpy as np

from examples.anime_faces.data.render._canvas import Pairs, Pen, Points, bends, mirrored, points, smooth
from examples.anime_faces.data.render._face import HAIR_STYLES, Face
from examples.anime_faces.data.render._fringe import fringe_of
from examples.anime_faces.data.render._palette import HAIR_TONES, INK, Color, Tones, mix, shifted_tones

HALF_HAIR = 37.0
"""Half of the width of the hair at the temples."""

# How far the locks beside the face reach down, and their width.
_LOCKS: dict[str, tuple[float, float]] = {
    "long": (40.0, 8.0),
    "bob": (29.0, 9.5),
    "short": (13.0, 6.5),
    "twin tails": (25.0, 6.0),
    "ponytail": (22.0, 6.0),
    "wavy": (36.0, 9.0),
    "buns": (27.0, 6.0),
    "low tails": (19.0, 7.0),
}


class FrontHair(NamedTuple):
    """The hair in front: its outline, the gaps between its strands, the band of light, the shaded side, the upright strand."""

    outline: Points
    gaps: list[Points]
    band: list[Points]
    shaded: Points
    ahoge: Points


def hair_tones(face: Face) -> Tones:
    """Return the three tones of the hair."""
    return shifted_tones(HAIR_TONES[face.hair], face.hair_shift)


def hair_line(face: Face) -> Color:
    """Return the color of the lines around the hair: a deep tone of its own color."""
    return mix(hair_tones(face).shade, INK, 0.55)


def turned(face: Face, path: Points) -> Points:
    """Return a path of the hair in front after mirroring and turning the head."""
    x = path[:, 0] * (-face.volume if face.flip else face.volume)
    near_middle = np.maximum(0.0, 1 - (x / 40.0) ** 2)
    return np.stack([x + 6.4 * face.yaw * near_middle, path[:, 1]], axis=1)


def front_hair(face: Face, rng: random.Random) -> FrontHair:
    """Return the shapes of the hair in front, in the frame of the head."""
    fringe = fringe_of(face, rng)
    left, right = _lock(face, rng), _lock(face, rng)
    outline = np.concatenate([mirrored(left), bends(fringe.edge, 5), right, _crown(rng)])
    edge = turned(face, outline)
    return FrontHair(
        outline=edge,
        gaps=[turned(face, _gap(notch, fringe.root)) for notch in fringe.notches],
        band=[turned(face, piece) for piece in _band(rng)],
        shaded=bends([(36, 2), (38, -26), (12, -43), (30, -28), (27, -6), (30, 2), (36, 2)], 5) * (face.volume, 1),
        ahoge=turned(face, bends([(-3, -43.5), (-4, -51), (9.5, -50.5), (3, -49.6), (2, -43.5)], 5)),
    )


def draw_front_hair(head: Pen, face: Face, hair: FrontHair) -> None:
    """Draw the hair in front."""
    tones, line = hair_tones(face), hair_line(face)
    if face.ahoge:
        head.fill(hair.ahoge, tones.base, line)
    head.pour(head.mask(hair.outline), mix(tones.base, tones.light, 0.18), mix(tones.base, tones.shade, 0.55))
    head.fill(hair.shaded, mix(tones.base, tones.shade, 0.42))
    for gap in hair.gaps:
        head.fill(gap, mix(tones.base, tones.shade, 0.8))
    for piece in hair.band:
        head.fill(piece, mix(tones.base, tones.light, 0.85))
    head.stroke(np.concatenate([hair.outline, hair.outline[:1]]), line, 1.1)


def _lock(face: Face, rng: random.Random) -> Points:
    """Return the lock beside the right cheek, from the fringe down to its tips and up to the temple."""
    reach, wide = _LOCKS[HAIR_STYLES[face.style]]
    low = reach * (0.5 + 0.5 * face.length) * rng.uniform(0.94, 1.06)
    inner = 33.5 - wide
    return bends(
        [
            (26.0, -7.0),
            (inner - 0.8, 0.32 * low),
            (inner + 1.4, 0.8 * low),
            (inner + 2.4, 0.7 * low),
            (inner + 0.45 * wide, 0.62 * low),
            (inner + 0.5 * wide, 0.84 * low),
            (inner + 0.72 * wide, low),
            (38.4, 0.6 * low),
            (HALF_HAIR, 0.0),
        ],
        5,
    )


def _crown(rng: random.Random) -> Points:
    """Return the outline of the top of the head, from the right temple to the left one."""
    high = -45.5 + rng.uniform(-0.8, 0.8)
    arc: Pairs = [
        (HALF_HAIR, 0.0),
        (37.6, -14.0),
        (31.6, -30.5),
        (18.5, -41.6),
        (0.0, high),
        (-18.5, -41.6),
        (-31.6, -30.5),
        (-37.6, -14.0),
        (-HALF_HAIR, 0.0),
    ]
    return smooth(arc, 4)


def _gap(notch: tuple[float, float], root: tuple[float, float]) -> Points:
    """Return the dark gap between two strands: it begins at a notch of the fringe and narrows toward the root."""
    x, y = notch
    top = (x + 0.5 * (root[0] - x), y + 0.5 * (root[1] + 6 - y))
    pull = (x + 0.1 * (root[0] - x), y + 0.32 * (root[1] - y))
    return bends([(x - 1.1, y + 0.6), (pull[0] - 0.5, pull[1]), top, (pull[0] + 0.5, pull[1]), (x + 1.1, y + 0.6)], 4)


def _band(rng: random.Random) -> list[Points]:
    """Return the pieces of the band of light, which follows the curve of the head and has a ragged lower edge."""
    return [_band_piece(rng, -27.0, 3.0, 5), _band_piece(rng, 6.5, 19.0, 3)]


def _band_piece(rng: random.Random, left: float, right: float, teeth: int) -> Points:
    def height(x: float) -> float:
        return -25.5 - 9.5 * (1 - (x / 31.0) ** 2)

    upper = [(x, height(x)) for x in (left + (right - left) * k / 6 for k in range(7))]
    lower: list[tuple[float, float]] = []
    for tooth in range(teeth):
        low, deep = right - (right - left) * (tooth + 0.5) / teeth, right - (right - left) * (tooth + 1) / teeth
        lower += [(low, height(low) + rng.uniform(3.4, 5.4)), (deep, height(deep) + 1.8)]
    return points([*upper, *lower[:-1]])
