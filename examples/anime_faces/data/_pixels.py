"""From a decoded picture of any kind to a square of 8-bit red, green and blue."""

from enum import Enum
from typing import NamedTuple

import numpy as np
from PIL import Image


class UnusableError(Exception):
    """A file cannot be used and is skipped.

    Args:
        reason: A short reason, the same for all such files, so that they can be counted.
        detail: What is special about this file.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


_OPAQUE_WHITE = (255, 255, 255, 255)
_NAMES = {"1": "black and white", "L": "gray", "LA": "gray", "P": "palette", "PA": "palette", "CMYK": "CMYK"}
_READ = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}


class Converted(NamedTuple):
    """An RGB picture, and the names of the conversions that it went through."""

    image: Image.Image
    conversions: tuple[str, ...]


def to_rgb(image: Image.Image) -> Converted:
    """Return the picture in 8-bit RGB.

    16-bit gray is scaled by 255/65535 and rounded (a plain conversion would clip nearly all of it to white). Transparent
    parts become white. CMYK is converted by the simple formula; color profiles are not applied.

    Args:
        image: The decoded picture.

    Raises:
        UnusableError: None of the formats that are read has its mode.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        inner = to_rgb(_scale_sixteen_bits(image))
        return Converted(inner.image, ("16-bit", *inner.conversions))
    if image.mode not in _READ:
        raise UnusableError("a color mode that is not read", image.mode)
    conversions = tuple(_NAMES[mode] for mode in [image.mode] if mode in _NAMES)
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        rgb = Image.alpha_composite(Image.new("RGBA", layer.size, _OPAQUE_WHITE), layer).convert("RGB")
        if layer.getchannel("A").getextrema() != (255, 255):
            conversions = (*conversions, "transparent parts made white")
            if set(rgb.getextrema()) == {(255, 255)}:
                conversions = (*conversions, "white on transparent, so that nothing can be seen")
        return Converted(rgb, conversions)
    return Converted(image.convert("RGB"), conversions)


def _scale_sixteen_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    gray = Image.fromarray(np.clip((values * 255 + 32767) // 65535, 0, 255).astype(np.uint8))
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return gray
    gray.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return gray


def to_gray(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pictures ``(..., 3)`` in gray: three equal channels of 0.299 R + 0.587 G + 0.114 B, rounded.

    Gray pictures stay exactly as they are.

    Example:
        >>> to_gray(np.array([[255, 0, 0], [7, 7, 7]], np.uint8)).tolist()
        [[76, 76, 76], [7, 7, 7]]

    Reference:
        ITU-R Recommendation BT.601.
    """
    red, green, blue = np.moveaxis(pixels.astype(np.int32), -1, 0)
    gray = (299 * red + 587 * green + 114 * blue + 500) // 1000
    return np.repeat(gray.astype(np.uint8)[..., None], 3, axis=-1)


_WHITE = (255, 255, 255)


class Fit(Enum):
    """How a picture becomes square."""

    CROP = "crop"
    """Keep the middle: cut off both ends of the longer side."""
    PAD = "pad"
    """Keep everything: fill the shorter side with white bars."""
    STRETCH = "stretch"
    """Keep everything, distorted."""


def to_square(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Return the picture in ``size`` x ``size`` pixels, resampled with Lanczos.

    Args:
        image: An RGB picture.
        size: Width and height of the result.
        fit: How a picture that is not square becomes square.
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
