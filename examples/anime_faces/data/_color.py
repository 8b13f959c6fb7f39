"""Bringing every kind of picture to plain red, green and blue."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from examples.anime_faces.data._unusable import UnusableError

_WHITE = (255, 255, 255, 255)
_NAMES = {"1": "black and white", "L": "gray", "LA": "gray", "P": "palette", "PA": "palette", "CMYK": "CMYK"}
_READ = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}


class Converted(NamedTuple):
    """An RGB picture, and the names of the conversions that it went through."""

    image: Image.Image
    conversions: tuple[str, ...]


def to_rgb(image: Image.Image) -> Converted:
    """Return the picture in 8-bit RGB.

    Gray of 16 bits is scaled by 255/65535 and rounded (a plain conversion would clip nearly all of it to white).
    Whatever is transparent is laid on white. CMYK is converted by its simple formula; color profiles are not applied.

    Args:
        image: the picture, decoded.

    Raises:
        UnusableError: if its mode is none that the formats read here have.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        inner = to_rgb(_scale_sixteen_bits(image))
        return Converted(inner.image, ("16-bit", *inner.conversions))
    if image.mode not in _READ:
        raise UnusableError("a color mode that is not read", image.mode)
    conversions = tuple(_NAMES[mode] for mode in [image.mode] if mode in _NAMES)
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema() != (255, 255):
            conversions = (*conversions, "transparency laid on white")
        return Converted(
            Image.alpha_composite(Image.new("RGBA", layer.size, _WHITE), layer).convert("RGB"), conversions
        )
    return Converted(image.convert("RGB"), conversions)


def _scale_sixteen_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    gray = Image.fromarray(np.clip((values * 255 + 32767) // 65535, 0, 255).astype(np.uint8))
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return gray
    gray.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return gray
