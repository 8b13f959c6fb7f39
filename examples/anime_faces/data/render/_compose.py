"""Drawing a whole picture from back to front, starting with background and clothes."""

import random

import numpy as np
import numpy.typing as npt
from PIL import Image

from examples.anime_faces.data.render._canvas import Frame, Pen, bends, gradient, points
from examples.anime_faces.data.render._eyes import draw_eye, draw_glasses
from examples.anime_faces.data.render._face import CLOTHES, Face
from examples.anime_faces.data.render._hair_back import (
    draw_back_hair,
    draw_ribbon,
    draw_tails_behind,
    draw_tails_in_front,
)
from examples.anime_faces.data.render._hair_front import draw_front_hair, front_hair
from examples.anime_faces.data.render._head import (
    draw_blush,
    draw_brows,
    draw_face,
    draw_mouth,
    draw_neck,
    draw_nose,
    draw_shadow_of_fringe,
    face_outline,
    skin_tones,
)
from examples.anime_faces.data.render._palette import FABRICS, INK, WHITE, Color, mix


def backdrop(face: Face, pixels: int) -> Image.Image:
    """Return a picture with only the background of the face: flat, or fading to a lighter tone."""
    red, green, blue = face.background
    top: Color = (round(255 * red), round(255 * green), round(255 * blue))
    if face.fade < 0.4:
        return Image.new("RGB", (pixels, pixels), top)
    return gradient((top, top, mix(top, WHITE, 0.7 * face.fade)), (pixels, pixels))


def draw_clothes(body: Pen, face: Face) -> None:
    """Draw shoulders and collar."""
    fabric = FABRICS[face.fabric]
    shade, line = mix(fabric, (40, 20, 70), 0.28), mix(fabric, INK, 0.72)
    shoulders = bends(
        [
            (-48, 72),
            (-47, 52),
            (-30, 48),
            (-17, 45),
            (-11, 41),
            (0, 57),
            (11, 41),
            (17, 45),
            (30, 48),
            (47, 52),
            (48, 72),
            (0, 80),
            (-48, 72),
        ]
    )
    body.fill(shoulders, fabric, line)
    kind = CLOTHES[face.clothes]
    if kind == "sailor":
        _draw_sailor_collar(body, face, line)
    elif kind == "shirt":
        _draw_shirt_collar(body, line)
    else:
        _draw_sweater_collar(body, fabric, shade, line)


def _draw_sailor_collar(body: Pen, face: Face, line: Color) -> None:
    collar = FABRICS[1 if face.fabric != 1 else 0]
    skin = skin_tones(face)[0]
    body.fill(points([(-9, 41), (9, 41), (0, 53)]), skin)
    for side in (-1, 1):
        body.fill(points([(8.5 * side, 39.5), (18 * side, 44), (22 * side, 58), (0, 60), (0, 53.5)]), collar, line)
    bow = FABRICS[2]
    body.fill(points([(0, 52), (-7, 49), (-7, 58), (0, 55), (7, 58), (7, 49)]), bow, mix(bow, INK, 0.6), 0.9)


def _draw_shirt_collar(body: Pen, line: Color) -> None:
    for side in (-1, 1):
        body.fill(
            points([(8 * side, 37.5), (13.5 * side, 42.5), (10 * side, 53), (0, 47)]),
            (250, 250, 252),
            mix(line, (90, 80, 110), 0.5),
        )


def _draw_sweater_collar(body: Pen, fabric: Color, shade: Color, line: Color) -> None:
    collar = bends([(-12, 40), (0, 52), (12, 40), (15, 44), (14, 47), (0, 59), (-14, 47), (-15, 44), (-12, 40)])
    body.fill(collar, mix(fabric, shade, 0.6), line)


SIZES = (32, 128)
"""The smallest and the largest picture."""


def render(face: Face, size: int = 64) -> npt.NDArray[np.uint8]:
    """Draw a face.

    The picture is drawn at three or four times its size and then averaged down, so that edges are soft. The composition is the
    same at every size.

    Args:
        face: The numbers that describe the picture.
        size: Width and height in pixels, 32 to 128.

    Returns:
        The picture, ``(size, size, 3)``, red, green and blue.

    Raises:
        ValueError: ``size`` is not an integer from 32 to 128.

    Example:
        >>> from examples.anime_faces.data.render import face_from_seed
        >>> render(face_from_seed(0, 0), 48).shape
        (48, 48, 3)
    """
    if not (isinstance(size, int) and SIZES[0] <= size <= SIZES[1]):
        raise ValueError(f"size must be an integer between {SIZES[0]} and {SIZES[1]}, got {size}")
    finer = 4 if size <= 64 else 3
    image = backdrop(face, size * finer)
    head = Pen(image, head_frame(face, size * finer))
    body = Pen(image, _body_frame(face, size * finer))
    rng = random.Random(face.detail_seed)
    hair = front_hair(face, rng)
    outline = face_outline(face)
    draw_tails_behind(head, face, rng)
    draw_back_hair(head, face)
    draw_neck(body, face)
    draw_clothes(body, face)
    draw_tails_in_front(head, face, rng)
    draw_face(head, face, outline)
    draw_blush(head, face)
    draw_shadow_of_fringe(head, face, outline, hair.outline)
    draw_nose(head, face)
    draw_mouth(head, face)
    for side in (-1, 1):
        draw_eye(head, face, side)
    if face.glasses:
        draw_glasses(head, face)
    draw_front_hair(head, face, hair)
    draw_brows(head, face)
    if face.ribbon:
        draw_ribbon(head, face)
    return np.array(image.reduce(finer))  # a copy: the picture's own buffer is read-only


def head_frame(face: Face, pixels: int) -> Frame:
    """Return the position of the head on a picture ``pixels`` wide."""
    unit = pixels / 100
    return Frame.at((50 + face.x) * unit, (52 + face.y) * unit, scale=face.scale * unit, degrees=face.tilt)


def _body_frame(face: Face, pixels: int) -> Frame:
    """Return the position of the body: it follows the position of the head, but hardly its tilt."""
    unit = pixels / 100
    x = 50 + face.x - 0.12 * face.tilt - 1.5 * face.yaw
    return Frame.at(x * unit, (52 + face.y) * unit, scale=face.scale * unit, degrees=0.15 * face.tilt)
