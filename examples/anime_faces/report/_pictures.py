"""Pictures as data URIs, so that the page loads nothing; each file is compressed once, however often the page is written."""

import base64
import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

QUALITY = 80
WIDEST = 1600  # pixels of an embedded picture; wider ones are reduced
MOST_LOSSLESS = 1 << 21  # bytes of a picture without loss; larger ones are compressed further
MOST_GRIDS = 40
MOST_GRIDS_LIVE = 12  # while the page renews itself


class Embedded(NamedTuple):
    """A picture as a data URI, and the room that the page reserves for it."""

    source: str
    width: int
    height: int
    step: int = 0


def picture_of(path: Path, *, lossless: bool = False, step: int = 0) -> Embedded:
    """Return a picture compressed as WebP; `lossless` for sheets that people look at closely, if they are not too large."""
    stat = path.stat()
    return _picture_of(path, stat.st_mtime_ns, stat.st_size, lossless)._replace(step=step)


@lru_cache(maxsize=2 * MOST_GRIDS)
def _picture_of(path: Path, changed: int, size: int, lossless: bool) -> Embedded:
    del changed, size  # a file that has changed is another entry of the cache
    with Image.open(path) as picture:
        return embedded(picture, lossless=lossless)


def embedded(picture: Image.Image, *, lossless: bool = False) -> Embedded:
    """Return a picture compressed as WebP."""
    picture = picture.convert("RGB")
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, max(1, round(picture.height * WIDEST / picture.width))))
    data = _webp(picture, lossless=lossless)
    if lossless and len(data) > MOST_LOSSLESS:
        data = _webp(picture, lossless=False)
    return Embedded("data:image/webp;base64," + base64.b64encode(data).decode("ascii"), *picture.size)


def _webp(picture: Image.Image, *, lossless: bool) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=QUALITY, lossless=lossless, method=2)
    return buffer.getvalue()


def faces_of(images: Sequence[np.ndarray]) -> list[Embedded]:
    """Return each of uint8 pictures ``(height, width, 3)``."""
    return [embedded(Image.fromarray(image)) for image in images]


def film_of(folder: Path, most: int = MOST_GRIDS) -> list[Embedded]:
    """Return the sample grids in the order of their steps."""
    return [picture_of(path, step=step) for step, path in grids_of(folder, most)]


def grids_of(folder: Path, most: int = MOST_GRIDS) -> list[tuple[int, Path]]:
    """Return ``(step, path)`` of the sample grids in order; where there are more than `most`, so many at even distances."""
    found = sorted((int(path.stem.removeprefix("step-")), path) for path in folder.glob("step-*.png"))
    if len(found) <= most:
        return found
    chosen = {round(index * (len(found) - 1) / (most - 1)) for index in range(most)}
    return [found[index] for index in sorted(chosen)]
