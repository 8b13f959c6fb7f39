"""Glasses: thin frames that leave the eyes free."""

from examples.anime_faces.data.render._canvas import Pen
from examples.anime_faces.data.render._curves import points, ring
from examples.anime_faces.data.render._eyes import eye_center, eye_width
from examples.anime_faces.data.render._face import Face
from examples.anime_faces.data.render._palette import Color

_FRAMES: tuple[Color, ...] = ((48, 40, 60), (150, 40, 48))


def draw_glasses(head: Pen, face: Face) -> None:
    """Draw two rounded frames, the bridge between them and the start of the temples."""
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
