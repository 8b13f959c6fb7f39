"""The face without eyes and hair: outline, ears, neck, nose, mouth, brows and blush."""

from PIL import ImageChops

from examples.anime_faces.data.render._canvas import Pen, Points, bends, points, smooth
from examples.anime_faces.data.render._face import EXPRESSIONS, Face
from examples.anime_faces.data.render._palette import HAIR_TONES, INK, SKINS, Color, mix, shifted

HALF_WIDTH = 29.0
"""Half of the width of the face at the temples."""


def skin_tones(face: Face) -> tuple[Color, Color, Color]:
    """Return the skin's base color, its shadow and its line color."""
    base = SKINS[face.skin]
    return base, mix(base, (206, 96, 100), 0.27), mix(base, (130, 52, 52), 0.72)


def shift_of_features(face: Face) -> float:
    """Return how far the turn of the head moves the center of the face to the side."""
    return 6.2 * face.yaw


def face_outline(face: Face) -> Points:
    """Return the outline of the face; the far side becomes narrower as the head turns."""
    wide, long = face.width, face.chin
    left = wide * (1 + 0.09 * min(0.0, face.yaw))
    right = wide * (1 - 0.09 * max(0.0, face.yaw))
    middle = shift_of_features(face)
    side = [(29.0, -16.0), (29.4, 2.0), (27.6, 14.0), (21.5, 24.5), (10.5, 33.2)]
    share = [0.0, 0.05, 0.15, 0.4, 0.75]
    right_side = [(x * right + middle * s, y * (long if y > 0 else 1)) for (x, y), s in zip(side, share, strict=True)]
    left_side = [(-x * left + middle * s, y * (long if y > 0 else 1)) for (x, y), s in zip(side, share, strict=True)]
    chin = [(middle + 2.6, 37.2 * long), (middle - 2.6, 37.2 * long)]
    return smooth([(0.0, -38.0), (20.0, -32.0), *right_side, *chin, *left_side[::-1], (-20.0, -32.0), (0.0, -38.0)], 5)


def draw_neck(body: Pen, face: Face) -> None:
    """Draw the neck, with the shadow of the chin on it."""
    base, shade, line = skin_tones(face)
    neck = bends(
        [
            (-8.5, 22),
            (-8, 40),
            (-15, 47),
            (-20, 50),
            (-20, 60),
            (0, 60),
            (20, 60),
            (20, 50),
            (15, 47),
            (8, 40),
            (8.5, 22),
        ]
    )
    body.fill(neck, base, line)
    body.fill(bends([(-8.0, 24), (-8, 34), (-8.0, 38), (1, 48), (8.0, 40), (8, 34), (8.0, 24)]), shade)


def draw_face(head: Pen, face: Face, outline: Points) -> None:
    """Draw ears and the face, with a soft shadow along the far cheek."""
    base, shade, line = skin_tones(face)
    for side in (-1, 1):
        x = side * HALF_WIDTH * face.width * (1 - 0.08 * max(0.0, side * face.yaw))
        head.fill(
            bends([(x, 2), (x + 7 * side, -1), (x + 5 * side, 9), (x + 3 * side, 15), (x - side, 14)]), base, line
        )
        head.stroke(bends([(x + 0.6 * side, 6), (x + 3 * side, 4), (x + 2.4 * side, 9)], 3), shade, 1.0)
    head.fill(outline, base, line)


def draw_blush(head: Pen, face: Face) -> None:
    """Draw the blush as two layers on each cheek."""
    base = SKINS[face.skin]
    middle = shift_of_features(face)
    for side in (-1, 1):
        far = max(0.0, side * face.yaw)
        x, wide = middle * 1.05 + side * (18.0 - 2.6 * far), 5.6 * (1 - 0.3 * far)
        for size, strength in ((1.0, 0.12 + 0.14 * face.blush), (0.66, 0.2 + 0.24 * face.blush)):
            head.oval(x, 18.8, wide * size, 3.0 * size, mix(base, (250, 96, 110), strength))


def draw_shadow_of_fringe(head: Pen, face: Face, outline: Points, hair: Points) -> None:
    """Darken the skin directly below the hair, as light from above does."""
    _, shade, _ = skin_tones(face)
    fallen = ImageChops.darker(head.mask(outline), head.mask(hair + points([(0.6, 2.6)])))
    box = fallen.getbbox()
    if box is not None:
        head.image.paste(shade, box, fallen.crop(box))


def draw_nose(head: Pen, face: Face) -> None:
    """Draw the nose: a small shadow on the side to which the head turns."""
    _, _, line = skin_tones(face)
    x, turn = shift_of_features(face) * 1.32, 1.4 if face.yaw >= 0 else -1.4
    head.fill(points([(x, 17.4), (x + turn, 20.4), (x - 0.4 * turn, 20.6)]), mix(SKINS[face.skin], line, 0.6))


def draw_mouth(head: Pen, face: Face) -> None:
    """Draw the mouth of the expression."""
    _, _, line = skin_tones(face)
    x, y, half = shift_of_features(face) * 1.2, 27.0 * face.chin, 1 - 0.12 * abs(face.yaw)
    ink, red, tongue = mix(line, (110, 20, 30), 0.55), (176, 52, 62), (240, 138, 138)
    kind = EXPRESSIONS[face.expression]
    if kind == "smile":
        head.stroke(bends([(x - 6.2 * half, y - 1.6), (x, y + 4.2), (x + 6.2 * half, y - 1.6)]), ink, 1.5)
    elif kind == "neutral":
        head.stroke(points([(x - 3.4 * half, y), (x + 3.4 * half, y)]), ink, 1.5)
    elif kind == "laugh":
        w = 6.6 * half
        head.fill(
            bends([(x - w, y - 2.4), (x, y - 1.4), (x + w, y - 2.4), (x + 0.8 * w, y + 10.4), (x - w, y - 2.4)]),
            red,
            ink,
            1.2,
        )
        head.fill(
            bends([(x - 3.6, y + 2.6), (x, y + 0.2), (x + 3.0, y + 2.4), (x, y + 5.6), (x - 3.6, y + 2.6)], 4), tongue
        )
        head.fill(
            points([(x - 0.72 * w, y - 1.7), (x + 0.72 * w, y - 1.7), (x + 0.5 * w, y - 0.3), (x - 0.5 * w, y - 0.3)]),
            (255, 255, 255),
        )
    elif kind == "surprised":
        head.oval(x, y + 0.6, 3.5 * half, 4.4, ink)
        head.oval(x, y + 0.8, 2.4 * half, 3.2, red)
    else:
        head.stroke(bends([(x - 4.4 * half, y + 1.6), (x, y - 3.2), (x + 4.4 * half, y + 1.6)]), ink, 1.5)


_BROWS: dict[str, tuple[float, float, float]] = {
    # (height, rise of the inner end, bow)
    "smile": (-9.4, 0.2, 2.2),
    "neutral": (-8.6, -0.2, 0.9),
    "laugh": (-10.4, 1.4, 2.6),
    "surprised": (-13.2, 0.6, 2.6),
    "sulky": (-8.4, -3.2, 0.6),
}


def draw_brows(head: Pen, face: Face) -> None:
    """Draw the brows over the hair, as in anime, so that the expression is always visible."""
    tones = HAIR_TONES[face.hair]
    color = mix(shifted(tones.shade, face.hair_shift), INK, 0.45)
    height, rise, bow = _BROWS[EXPRESSIONS[face.expression]]
    middle = shift_of_features(face)
    for side in (-1, 1):
        far = max(0.0, side * face.yaw)
        inner, outer = middle + side * 7.4, middle + side * (20.6 - 3.2 * far)
        y_in, y_out = height - rise, height + 0.6 * rise + 0.9
        bent = (0.5 * (inner + outer), 0.5 * (y_in + y_out) - 2 * bow)
        upper = bends([(inner, y_in - 0.9), (bent[0], bent[1] - 0.7), (outer, y_out)])
        lower = bends([(outer, y_out), (bent[0], bent[1] + 0.9), (inner, y_in + 0.9)])
        head.fill(points([*map(tuple, upper), *map(tuple, lower)]), color)
