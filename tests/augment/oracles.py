"""What each augmentation does to one image, pixel by pixel, in numpy and from the papers' words."""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def translated(image: Array, ratio: float, draw: Array) -> Array:
    """Move by whole pixels; zeros come in."""
    height, width = image.shape[1:]
    result = np.zeros_like(image)
    reach = [math.floor(ratio * length + 0.5) for length in (height, width)]
    down, right = (math.floor(u * (2 * r + 1)) - r for u, r in zip(draw[1:], reach, strict=True))
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                result[:, i, j] = image[:, i - down, j - right]
    return result


def cut(image: Array, ratio: float, draw: Array) -> Array:
    """Zero the pixels that a rectangle covers, by the published program: indices beyond the border are moved onto it."""
    result = image.copy()
    spans = []
    for uniform, length in zip(draw[1:], image.shape[1:], strict=True):
        size = math.floor(ratio * length + 0.5)
        offset = math.floor(uniform * (length + (1 - size % 2)))
        spans.append([min(max(k + offset - size // 2, 0), length - 1) for k in range(size)])
    for i in spans[0]:
        for j in spans[1]:
            result[:, i, j] = 0
    return result


def flipped(image: Array, draw: Array) -> Array:
    return image[:, :, ::-1]


def brightened(image: Array, draw: Array) -> Array:
    return image + (draw[1] - 0.5)


def saturated(image: Array, draw: Array) -> Array:
    gray = image.sum(0) / image.shape[0]
    return (image - gray) * (2 * draw[1]) + gray


def contrasted(image: Array, draw: Array) -> Array:
    mean = image.sum() / image.size
    return (image - mean) * (draw[1] + 0.5) + mean


def _matrix(rows: list[list[float]]) -> Array:
    return np.array(rows, dtype=np.float64)


def _scaling(x: float, y: float) -> Array:
    return _matrix([[x, 0, 0], [0, y, 0], [0, 0, 1]])


def _rotation(angle: float) -> Array:
    return _matrix([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])


def _shift(x: float, y: float) -> Array:
    return _matrix([[1, 0, x], [0, 1, y], [0, 0, 1]])


def geometric_matrix(draw: Array, height: int, width: int, probability: float) -> Array:
    """The map from old to new pixels, y up is negative, with ADA's ranges: the product of eight matrices, the last first."""
    normal = NormalDist().inv_cdf
    either = 1 - math.sqrt(1 - probability)
    u = draw.tolist()
    steps = [
        _scaling(-1 if u[0] < probability and u[1] >= 0.5 else 1, 1),
        # Angles count clockwise where y points down, so a counterclockwise turn is negative.
        _rotation(-math.pi / 2 * math.floor(4 * u[3]) if u[2] < probability else 0),
        _shift(
            *(round((2 * v - 1) * 0.125 * n) if u[4] < probability else 0 for v, n in ((u[5], width), (u[6], height)))
        ),
        _scaling(*[2 ** (0.2 * normal(u[8])) if u[7] < probability else 1] * 2),
        _rotation(-(2 * u[10] - 1) * math.pi if u[9] < either else 0),
        _scaling(*([s := 2 ** (0.2 * normal(u[12])), 1 / s] if u[11] < probability else [1, 1])),
        _rotation(-(2 * u[14] - 1) * math.pi if u[13] < either else 0),
        _shift(*(normal(v) * 0.125 * n if u[15] < probability else 0 for v, n in ((u[16], width), (u[17], height)))),
    ]
    product = np.eye(3)
    for step in steps:
        product = step @ product
    return product


def transformed(image: Array, draw: Array, probability: float) -> Array:
    """Undo the map at each pixel, and read the image there between its pixels, mirrored at the border."""
    height, width = image.shape[1:]
    back = np.linalg.inv(geometric_matrix(draw, height, width, probability))
    result = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            x, y, _ = back @ np.array([j - (width - 1) / 2, i - (height - 1) / 2, 1.0])
            result[:, i, j] = _read(image, y + (height - 1) / 2, x + (width - 1) / 2)
    return result


def _read(image: Array, row: float, column: float) -> Array:
    # A tent over each pixel around: its weight falls to 0 within one pixel, on both axes.
    total = np.zeros(image.shape[0])
    for i in (math.floor(row), math.floor(row) + 1):
        for j in (math.floor(column), math.floor(column) + 1):
            weight = max(0.0, 1 - abs(row - i)) * max(0.0, 1 - abs(column - j))
            total += weight * image[:, _fold(i, image.shape[1]), _fold(j, image.shape[2])]
    return total


def _fold(place: int, length: int) -> int:
    if length == 1:
        return 0
    while not 0 <= place < length:
        place = -place if place < 0 else 2 * (length - 1) - place
    return place
