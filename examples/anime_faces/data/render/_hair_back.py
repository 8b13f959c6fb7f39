"""The hair behind the face: its outline by style, tails and buns."""

import random

import numpy as np

from examples.anime_faces.data.render._canvas import Pairs, Pen, Points, bends, mirrored, points, ring, smooth
from examples.anime_faces.data.render._face import HAIR_STYLES, Face
from examples.anime_faces.data.render._hair_front import hair_line, hair_tones
from examples.anime_faces.data.render._palette import FABRICS, INK, Color, mix

# The right side of each outline, from the temple downward; the left side is its mirror image. Even positions are corners.
_OUTLINES: dict[str, Pairs] = {
    "long": [(39, 0), (44, 26), (43, 64), (20, 70), (0, 70)],
    "bob": [(39, 0), (46, 26), (31, 40), (28, 37), (25, 33), (12, 38), (0, 36)],
    "short": [
        (38, 0),
        (40, 10),
        (37, 19),
        (34, 18),
        (32, 15),
        (32, 24),
        (25, 29),
        (22, 25),
        (20, 22),
        (10, 30),
        (0, 30),
    ],
    "wavy": [
        (39, 0),
        (38, 4),
        (43, 12),
        (48, 20),
        (43, 28),
        (40, 36),
        (46, 44),
        (50, 54),
        (44, 66),
        (20, 70),
        (0, 70),
    ],
}
_CLOSE: Pairs = [(38, 0), (37, 14), (26, 27), (12, 32), (0, 32)]

_CROWN: Pairs = [
    (-38.5, 0),
    (-37.5, -17),
    (-30, -33),
    (-16, -41.5),
    (0, -44),
    (16, -41.5),
    (30, -33),
    (37.5, -17),
    (38.5, 0),
]


def back_outline(face: Face) -> Points:
    """Return the outline of the hair behind the head."""
    shape = _OUTLINES.get(HAIR_STYLES[face.style], _CLOSE)
    grown = [(x * face.volume, y * (0.6 + 0.4 * face.length) if y > 20 else y) for x, y in shape]
    right = bends(grown, 5)
    crown = smooth([(x * face.volume, y) for x, y in _CROWN], 4)
    shift = -2.2 * face.yaw
    return np.concatenate([crown, right, mirrored(right)]) + points([(shift, 0.0)])


def draw_back_hair(head: Pen, face: Face) -> None:
    """Draw the hair behind the head in its shadow tone."""
    tones, line = hair_tones(face), hair_line(face)
    outline = back_outline(face)
    head.pour(head.mask(outline), mix(tones.base, tones.shade, 0.62), mix(tones.shade, line, 0.16))
    head.stroke(np.concatenate([outline, outline[:1]]), line, 1.1)


def draw_tails_behind(head: Pen, face: Face, rng: random.Random) -> None:
    """Draw the tails and buns that start behind the head."""
    kind = HAIR_STYLES[face.style]
    side = -1 if face.flip else 1
    if kind == "twin tails":
        for each in (-1, 1):
            _draw_tail(head, face, _twin_tail(face, rng) * (each, 1), (each * 36.0, -28.0))
    elif kind == "ponytail":
        _draw_tail(head, face, _pony_tail(face, rng) * (side, 1), (side * 27.0, -39.0))
    elif kind == "buns":
        for each in (-1, 1):
            _draw_bun(head, face, each)


def draw_tails_in_front(head: Pen, face: Face, rng: random.Random) -> None:
    """Draw the low tails, which hang over the shoulders."""
    if HAIR_STYLES[face.style] != "low tails":
        return
    for each in (-1, 1):
        low = 58 + rng.uniform(-3, 3)
        tail = bends([(27, 25), (44, 30), (43, 42), (42, 54), (34, low), (30, 50), (28, 44), (25, 36), (27, 25)], 5)
        _draw_tail(head, face, tail * (each, 1), (each * 30.5, 25.5))


def _twin_tail(face: Face, rng: random.Random) -> Points:
    low = 26 + 18 * face.length + rng.uniform(-3, 3)
    return bends(
        [
            (33, -31),
            (50, -44),
            (51, -12),
            (53, 18),
            (44, low),
            (43, low - 8),
            (40, low - 12),
            (39, low - 6),
            (36, low - 5),
            (42, 6),
            (33, -22),
            (32, -26),
            (33, -31),
        ],
        5,
    )


def _pony_tail(face: Face, rng: random.Random) -> Points:
    low = 14 + 18 * face.length + rng.uniform(-3, 3)
    return bends(
        [
            (20, -40),
            (40, -58),
            (49, -24),
            (55, 6),
            (43, low),
            (42, low - 8),
            (39, low - 11),
            (42, 4),
            (32, -22),
            (28, -30),
            (20, -40),
        ],
        5,
    )


def _draw_tail(head: Pen, face: Face, tail: Points, tie: tuple[float, float]) -> None:
    """Draw a tail with a darker strand in it, and the tie that holds it."""
    tones, line = hair_tones(face), hair_line(face)
    head.pour(head.mask(tail), tones.base, mix(tones.base, tones.shade, 0.6))
    middle = tail.mean(axis=0)
    head.fill(
        (tail - middle) * (0.3, 0.72) + middle + (2.0 if tie[0] > 0 else -2.0, 3.0), mix(tones.base, tones.shade, 0.42)
    )
    head.stroke(np.concatenate([tail, tail[:1]]), line, 1.1)
    color = tie_color(face)
    head.oval(*tie, 3.6, 4.2, mix(color, INK, 0.6))
    head.oval(*tie, 2.6, 3.2, color)


def _draw_bun(head: Pen, face: Face, side: int) -> None:
    tones, line = hair_tones(face), hair_line(face)
    x, y, size = side * 26.0 * face.volume, -39.0, 10.6
    bun = ring([(x - size, y), (x, y - size), (x + size, y), (x, y + size)], 6)
    head.fill(bun, tones.base, line)
    head.fill(
        bends([(x - 2, y + 8), (x + 10, y + 6), (x + 8.4, y - 3), (x + 5, y + 4), (x - 2, y + 8)], 4),
        mix(tones.base, tones.shade, 0.6),
    )
    head.fill(
        bends([(x - 7, y - 1), (x - 6, y - 8), (x + 2, y - 7.4), (x - 3, y - 5), (x - 7, y - 1)], 4),
        mix(tones.base, tones.light, 0.75),
    )


def tie_color(face: Face) -> Color:
    """Return the color of hair ties and ribbon, one that is clearly lighter or darker than the hair."""
    dark = sum(hair_tones(face).base) < 420
    return FABRICS[(0, 5, 2)[face.fabric % 3]] if dark else FABRICS[(1, 2, 3)[face.fabric % 3]]


def draw_ribbon(head: Pen, face: Face) -> None:
    """Draw a bow on the side of the crown."""
    side = 1 if face.flip else -1
    x, y = side * 23.0 + 3.0 * face.yaw, -35.0
    color = tie_color(face)
    line = mix(color, INK, 0.62)
    for each in (-1, 1):
        wing = points([(0, 0), (4, -7), (12, -8.4), (13, -1), (12, 6.4), (4, 5)]) * (each, 1)
        head.fill(wing + (x, y) + wing[:, :1] * (0, 0.5 * side), color, line)
    head.oval(x, y, 3.4, 3.8, line)
    head.oval(x, y, 2.4, 2.8, mix(color, INK, 0.18))
