"""Making pictures square."""

from enum import Enum

from PIL import Image

_WHITE = (255, 255, 255)


class Fit(Enum):
    """How a picture that is not square becomes square."""

    CROP = "crop"
    """Keep the middle: the longer side loses its ends."""
    PAD = "pad"
    """Keep all: white bars fill the shorter side."""
    STRETCH = "stretch"
    """Keep all, out of proportion."""


def to_square(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Return the picture in ``size`` x ``size`` pixels, resampled with Lanczos.

    Args:
        image: an RGB picture.
        size: width and height asked for.
        fit: what happens to what is not square.
    """
    width, height = image.size
    if fit is Fit.CROP:
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    if fit is not Fit.PAD:
        return image.resize((size, size), Image.Resampling.LANCZOS)
    longest = max(width, height)
    inner = (max(1, round(size * width / longest)), max(1, round(size * height / longest)))
    square = Image.new("RGB", (size, size), _WHITE)
    square.paste(image.resize(inner, Image.Resampling.LANCZOS), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return square
