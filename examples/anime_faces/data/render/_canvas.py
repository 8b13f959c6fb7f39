"""Drawing in the coordinates of the head or the body, at several times the final resolution."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from examples.anime_faces.data.render._curves import Points, circle
from examples.anime_faces.data.render._palette import Color


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a drawing's own coordinates lie on the picture: a turn, a scale and a shift."""

    cosine: float
    sine: float
    left: float
    top: float

    @classmethod
    def at(cls, x: float, y: float, *, scale: float, degrees: float) -> "Frame":
        """Return the frame whose origin is at pixel ``(x, y)``, with ``scale`` pixels to the unit."""
        angle = math.radians(degrees)
        return cls(cosine=scale * math.cos(angle), sine=scale * math.sin(angle), left=x, top=y)

    def pixels(self, path: Points) -> Points:
        """Return the path in pixels."""
        # Written out, not as a matrix product, whose rounding depends on the machine.
        placed = np.empty_like(path)
        x, y = path[:, 0], path[:, 1]
        placed[:, 0] = self.cosine * x - self.sine * y + self.left
        placed[:, 1] = self.sine * x + self.cosine * y + self.top
        return placed

    def moved(self, left: float, top: float) -> "Frame":
        """Return the frame as seen from a patch whose corner is at pixel ``(left, top)``."""
        return Frame(cosine=self.cosine, sine=self.sine, left=self.left - left, top=self.top - top)


class Pen:
    """Draws paths given in a frame onto a picture."""

    def __init__(self, image: Image.Image, frame: Frame) -> None:
        self.image = image
        self.frame = frame
        self._draw = ImageDraw.Draw(image)
        self._unit = math.hypot(frame.cosine, frame.sine)

    def fill(self, path: Points, color: Color | int, edge: Color | None = None, width: float = 1.1) -> None:
        """Fill the inside of a path, and draw its edge where one is given."""
        flat = self.frame.pixels(path).ravel().tolist()
        self._draw.polygon(flat, fill=color)
        if edge is not None:
            self._draw.line(flat + flat[:2], fill=edge, width=self._pixels(width))

    def stroke(self, path: Points, color: Color, width: float = 1.1) -> None:
        """Draw a line of even width along a path."""
        self._draw.line(self.frame.pixels(path).ravel().tolist(), fill=color, width=self._pixels(width))

    def oval(self, x: float, y: float, wide: float, high: float, color: Color | int) -> None:
        """Fill an ellipse with the given center and half-axes."""
        self.fill(circle() * (wide, high) + (x, y), color)

    def mask(self, path: Points) -> Image.Image:
        """Return a picture of the same size that is 255 inside the path and 0 outside."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self.frame.pixels(path).ravel().tolist(), fill=255)
        return mask

    def pour(self, mask: Image.Image, top: Color, bottom: Color) -> None:
        """Paint the masked part with a gradient that runs over the height of the mask."""
        box = mask.getbbox()
        if box is None:
            return
        column = gradient((top, bottom), (box[2] - box[0], box[3] - box[1]))
        self.image.paste(column, box[:2], mask.crop(box))

    def _pixels(self, width: float) -> int:
        return max(1, round(width * self._unit))


def gradient(colors: tuple[Color, ...], size: tuple[int, int]) -> Image.Image:
    """Return a picture whose color runs from the first to the last color, top to bottom."""
    column = Image.new("RGB", (1, len(colors)))
    column.putdata(colors)
    # Only the column is interpolated; widening it by its nearest neighbor is cheap.
    return column.resize((1, size[1]), Image.Resampling.BILINEAR).resize(size, Image.Resampling.NEAREST)
