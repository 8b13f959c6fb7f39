"""What lies behind and below the head: background and clothes."""

from PIL import Image

from examples.anime_faces.data.render._canvas import Pen, gradient
from examples.anime_faces.data.render._curves import bends, points
from examples.anime_faces.data.render._face import CLOTHES, Face
from examples.anime_faces.data.render._head import skin_tones
from examples.anime_faces.data.render._palette import FABRICS, INK, WHITE, Color, mix


def backdrop(face: Face, pixels: int) -> Image.Image:
    """Return an empty picture with the background of the face: flat, or fading to a lighter tone."""
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
