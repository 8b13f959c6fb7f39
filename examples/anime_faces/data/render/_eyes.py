"""The eyes (white, iris with a gradient, pupil, highlight, lashes, fold of the lid), and the glasses in front of them."""

import math
from functools import lru_cache

from examples.anime_faces.data.render._canvas import Frame, Pen, Points, bends, circle, gradient, points, ring, smooth
from examples.anime_faces.data.render._face import Face
from examples.anime_faces.data.render._head import shift_of_features, skin_tones
from examples.anime_faces.data.render._palette import EYE_TONES, INK, WHITE, Color, Tones, mix, shifted_tones

EYE_LEVEL = 5.6
"""Distance of the center of the eyes below the center of the head."""

IRIS = (7.7, 9.4)
"""Half-axes of an iris, before the proportions of the face are applied."""


def eye_center(face: Face, side: int) -> tuple[float, float]:
    """Return the center of one eye; ``side`` is -1 for the left of the picture and 1 for the right."""
    far = max(0.0, side * face.yaw)
    near = max(0.0, -side * face.yaw)
    return shift_of_features(face) + side * (14.6 - 2.4 * far + 0.2 * near) * face.width, EYE_LEVEL


def eye_width(face: Face, side: int) -> float:
    """Return the width of one eye relative to the average; the far eye of a turned head is narrower."""
    return face.eye_width * (1 - 0.23 * max(0.0, side * face.yaw))


def draw_eye(head: Pen, face: Face, side: int) -> None:
    """Draw one eye in the frame of the head."""
    wide, high, slant = eye_width(face, side), face.eye_height, face.eye_slant
    center_x, center_y = eye_center(face, side)

    def placed(path: Points) -> Points:
        return path * (side * wide, high) + (center_x, center_y) - path[:, :1] * (0, 0.05 * slant)

    opening = placed(_opening())
    _paint_inside(head, face, side, opening)
    line = skin_tones(face)[2]
    lash = mix(INK, line, 0.12)
    head.fill(placed(_upper_lash()), lash)
    head.stroke(placed(smooth([(8.8, 2.6), (6.6, 7.2), (2.2, 8.9), (-2.6, 8.8)], 4)), mix(lash, line, 0.35), 1.1)
    head.stroke(placed(smooth([(-6.2, -11.6), (0.6, -13.4), (7.4, -11.2)], 4)), mix(line, lash, 0.2), 0.9)


@lru_cache(maxsize=1)
def _opening() -> Points:
    """Return the edge of the visible eyeball; positive x is toward the temple."""
    return smooth(
        [
            (-8.6, 2.4),
            (-7.2, -5.2),
            (-3.4, -8.8),
            (1.4, -9.7),
            (6.2, -8.2),
            (9.4, -2.6),
            (8.6, 3.4),
            (5.4, 8.0),
            (0.2, 9.1),
            (-4.8, 8.2),
            (-7.8, 5.4),
            (-8.6, 2.4),
        ],
        4,
    )


@lru_cache(maxsize=1)
def _upper_lash() -> Points:
    above = smooth(
        [(-10.0, -1.4), (-7.6, -7.6), (-3.4, -11.0), (1.8, -11.9), (7.2, -10.4), (10.2, -6.6), (12.6, -5.2)], 4
    )
    below = bends(
        [
            (12.6, -5.2),
            (10.6, -3.0),
            (9.8, 0.8),
            (9.0, -4.4),
            (6.0, -7.4),
            (-4.0, -10.4),
            (-7.4, -4.6),
            (-9.2, -3.0),
            (-10.0, -1.4),
        ],
        4,
    )
    return points([*map(tuple, above), *map(tuple, below)])


def _paint_inside(head: Pen, face: Face, side: int, opening: Points) -> None:
    """Paint eyeball and iris on a patch, and paste it through the opening, so that the lids cover a part of the iris."""
    edge = head.frame.pixels(opening)
    left, top = (math.floor(v) - 1 for v in edge.min(axis=0).tolist())
    right, bottom = (math.ceil(v) + 2 for v in edge.max(axis=0).tolist())
    box = (left, top, right, bottom)
    frame = head.frame.moved(left, top)
    size = (right - left, bottom - top)
    patch = gradient(((196, 196, 214), (250, 250, 253), WHITE, WHITE), size)
    _paint_iris(Pen(patch, frame), face, side)
    mask = Pen(patch, frame).mask(opening)
    head.image.paste(patch, box, mask)


def _paint_iris(pen: Pen, face: Face, side: int) -> None:
    tones = shifted_tones(EYE_TONES[face.eyes], face.eye_shift)
    x, y = eye_center(face, side)
    x += 0.7 * face.yaw - 0.15 * side
    wide, high = IRIS[0] * eye_width(face, side), IRIS[1] * face.eye_height
    rim = mix(tones.shade, (10, 6, 20), 0.45)
    pen.oval(x, y, wide, high, rim)
    _pour_iris(pen, circle() * (wide * 0.87, high * 0.9) + (x, y), tones)
    pen.oval(x, y + 0.5 * high, wide * 0.62, high * 0.3, mix(tones.base, tones.light, 0.75))
    pen.oval(x, y + 0.42 * high, wide * 0.5, high * 0.26, tones.base)
    pen.oval(x, y + 0.02 * high, wide * 0.34, high * 0.4, mix(rim, (8, 4, 16), 0.4))
    if face.highlight:
        pen.oval(x - 0.38 * wide, y - 0.4 * high, wide * 0.34, high * 0.28, WHITE)
        pen.oval(x + 0.42 * wide, y + 0.44 * high, wide * 0.17, high * 0.14, WHITE)


def _pour_iris(pen: Pen, iris: Points, tones: Tones) -> None:
    """Fill the iris with a gradient: dark below the upper lid, the color itself in the middle, light at the bottom."""
    steps = (
        mix(tones.shade, (10, 6, 20), 0.25),
        tones.shade,
        tones.base,
        tones.base,
        mix(tones.base, tones.light, 0.6),
    )
    mask = pen.mask(iris)
    box = mask.getbbox()
    if box is not None:
        column = gradient(steps, (box[2] - box[0], box[3] - box[1]))
        pen.image.paste(column, box[:2], mask.crop(box))


def iris_box(face: Face, frame: Frame, side: int) -> tuple[float, float, float, float]:
    """Return the box of the lower, colored part of one iris in pixels: left, top, right, bottom."""
    x, y = eye_center(face, side)
    wide, high = 0.6 * IRIS[0] * eye_width(face, side), IRIS[1] * face.eye_height
    corners = frame.pixels(points([(x - wide, y - 0.1 * high), (x + wide, y + 0.75 * high)]))
    left, top, right, bottom = corners.ravel().tolist()
    return left, top, right, bottom


_FRAMES: tuple[Color, ...] = ((48, 40, 60), (150, 40, 48))


def draw_glasses(head: Pen, face: Face) -> None:
    """Draw two rounded frames, the bridge between them and the beginning of the temples; they leave the eyes free."""
    color = _FRAMES[face.fabric % 2]
    inner: list[float] = []
    for side in (-1, 1):
        x, y = eye_center(face, side)
        y += 2.2
        half, high = 12.2 * eye_width(face, side), 11.4
        lens = ring(
            [
                (x - half, y - 4),
                (x - 0.6 * half, y - high),
                (x + 0.6 * half, y - high),
                (x + half, y - 4),
                (x + 0.72 * half, y + 0.86 * high),
                (x, y + high),
                (x - 0.72 * half, y + 0.86 * high),
            ],
            4,
        )
        head.stroke(lens, color, 1.5)
        inner.append(x - side * half)
        head.stroke(points([(x + side * half, y - 4), (x + side * (half + 7), y - 6)]), color, 1.5)
    head.stroke(points([(inner[0], 5.0), (0.5 * (inner[0] + inner[1]), 3.6), (inner[1], 5.0)]), color, 1.5)
