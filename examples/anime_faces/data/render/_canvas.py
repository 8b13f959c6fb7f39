"""Curves through a few points, and drawing them in the coordinates of the head or the body."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from examples.anime_faces.data.render._palette import Color

Points: TypeAlias = npt.NDArray[np.float64]
Pairs: TypeAlias = Sequence[tuple[float, float]]


def points(pairs: Pairs) -> Points:
    """Return pairs of coordinates as an array of shape ``(n, 2)``."""
    return np.array(pairs, dtype=np.float64)


def smooth(pairs: Pairs, steps: int = 6) -> Points:
    """Return a curve without corners that passes through every point.

    Reference: Catmull and Rom (1974), the uniform cubic spline.
    """
    through = points(pairs)
    padded = np.concatenate([2 * through[:1] - through[1:2], through, 2 * through[-1:] - through[-2:-1]])
    return _spline(padded, through, steps)


def ring(pairs: Pairs, steps: int = 6) -> Points:
    """Return a closed curve without corners that passes through every point."""
    through = points(pairs)
    padded = np.concatenate([through[-1:], through, through[:2]])
    return _spline(padded, through[:1], steps)


def bends(pairs: Pairs, steps: int = 6) -> Points:
    """Return arcs that meet in corners: points at even positions are corners, the points between them pull the arcs.

    Args:
        pairs: An odd number of points: corner, pull, corner, pull, ..., corner.
        steps: Number of points on each arc.
    """
    path = points(pairs)
    start, pull, end = path[:-1:2, None], path[1::2, None], path[2::2, None]
    t = _steps(steps)[None, :, None]
    arcs = (1 - t) * (1 - t) * start + 2 * t * (1 - t) * pull + t * t * end
    return np.concatenate([arcs.reshape(-1, 2), path[-1:]])


def mirrored(path: Points) -> Points:
    """Return the mirror image of the path in the opposite direction, so that it starts where the original ends."""
    return path[::-1] * np.array([-1.0, 1.0])


@lru_cache(maxsize=32)
def circle(steps: int = 28) -> Points:
    """Return the unit circle."""
    angle = np.arange(steps) * (2 * np.pi / steps)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@lru_cache(maxsize=32)
def _steps(steps: int) -> Points:
    return np.arange(steps) / steps


@lru_cache(maxsize=32)
def _spline_weights(steps: int) -> Points:
    t = _steps(steps)
    return 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2],
    )


def _spline(padded: Points, end: Points, steps: int) -> Points:
    weights = _spline_weights(steps)[:, None, :, None]
    arcs = (
        weights[0] * padded[:-3, None]
        + weights[1] * padded[1:-2, None]
        + weights[2] * padded[2:-1, None]
        + weights[3] * padded[3:, None]
    )
    return np.concatenate([arcs.reshape(-1, 2), end[-1:]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The map from the coordinates of a drawing to pixels: a rotation, a scale and a shift."""

    cosine: float
    sine: float
    left: float
    top: float

    @classmethod
    def at(cls, x: float, y: float, *, scale: float, degrees: float) -> "Frame":
        """Return the frame with its origin at pixel ``(x, y)`` and ``scale`` pixels for each unit."""
        angle = math.radians(degrees)
        return cls(cosine=scale * math.cos(angle), sine=scale * math.sin(angle), left=x, top=y)

    def pixels(self, path: Points) -> Points:
        """Return the path in pixels."""
        # Written out, because the rounding of a matrix product depends on the machine.
        placed = np.empty_like(path)
        x, y = path[:, 0], path[:, 1]
        placed[:, 0] = self.cosine * x - self.sine * y + self.left
        placed[:, 1] = self.sine * x + self.cosine * y + self.top
        return placed

    def moved(self, left: float, top: float) -> "Frame":
        """Return the frame for a patch whose corner is at pixel ``(left, top)``."""
        return Frame(cosine=self.cosine, sine=self.sine, left=self.left - left, top=self.top - top)


class Pen:
    """Draws paths given in a frame onto a picture."""

    def __init__(self, image: Image.Image, frame: Frame) -> None:
        self.image = image
        self.frame = frame
        self._draw = ImageDraw.Draw(image)
        self._unit = math.hypot(frame.cosine, frame.sine)

    def fill(self, path: Points, color: Color | int, edge: Color | None = None, width: float = 1.1) -> None:
        """Fill the inside of a path, and draw its edge if a color is given for it."""
        flat = self.frame.pixels(path).ravel().tolist()
        self._draw.polygon(flat, fill=color)
        if edge is not None:
            self._draw.line(flat + flat[:2], fill=edge, width=self._pixels(width))

    def stroke(self, path: Points, color: Color, width: float = 1.1) -> None:
        """Draw a line of constant width along a path."""
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
        """Paint the masked part with a gradient over the height of the mask."""
        box = mask.getbbox()
        if box is None:
            return
        column = gradient((top, bottom), (box[2] - box[0], box[3] - box[1]))
        self.image.paste(column, box[:2], mask.crop(box))

    def _pixels(self, width: float) -> int:
        return max(1, round(width * self._unit))


def gradient(colors: tuple[Color, ...], size: tuple[int, int]) -> Image.Image:
    """Return a picture whose color changes from the first to the last color, from top to bottom."""
    column = Image.new("RGB", (1, len(colors)))
    column.putdata(colors)
    # Only the column is interpolated; widening it by its nearest neighbor is cheap.
    return column.resize((1, size[1]), Image.Resampling.BILINEAR).resize(size, Image.Resampling.NEAREST)
