"""Putting a picture together, from back to front."""

import random

import numpy as np
import numpy.typing as npt

from examples.anime_faces.data.render._backdrop import backdrop, draw_clothes
from examples.anime_faces.data.render._canvas import Frame, Pen
from examples.anime_faces.data.render._eyes import draw_eye
from examples.anime_faces.data.render._face import Face
from examples.anime_faces.data.render._glasses import draw_glasses
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
)

SIZES = (32, 128)
"""The smallest and the largest picture."""


def render(face: Face, size: int = 64) -> npt.NDArray[np.uint8]:
    """Draw a face.

    The picture is drawn at three or four times its size and averaged down, so that edges are soft. The composition
    is the same at every size.

    Args:
        face: the numbers of the picture.
        size: width and height in pixels, 32 to 128.

    Returns:
        The picture, ``(size, size, 3)``, red, green and blue.

    Raises:
        ValueError: if ``size`` is no integer between 32 and 128.

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
    """Return where the head lies on a picture ``pixels`` wide."""
    unit = pixels / 100
    return Frame.at((50 + face.x) * unit, (52 + face.y) * unit, scale=face.scale * unit, degrees=face.tilt)


def _body_frame(face: Face, pixels: int) -> Frame:
    """Return where the body lies: it follows the head's position but hardly its tilt."""
    unit = pixels / 100
    x = 50 + face.x - 0.12 * face.tilt - 1.5 * face.yaw
    return Frame.at(x * unit, (52 + face.y) * unit, scale=face.scale * unit, degrees=0.15 * face.tilt)
