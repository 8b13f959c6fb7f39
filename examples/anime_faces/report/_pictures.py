"""Pictures inside the page: as data, so that nothing is loaded from anywhere."""

import base64
import io
from pathlib import Path

from PIL import Image

QUALITY = 88
MOST_GRIDS = 40


def embedded(path: Path, *, lossless: bool = False) -> str:
    """Return a picture as a data URI, compressed as WebP; sheets that people look at closely without loss."""
    with Image.open(path) as picture:
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, format="WEBP", quality=QUALITY, lossless=lossless, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def size_of(path: Path) -> tuple[int, int]:
    """Return width and height, for which the page reserves room."""
    with Image.open(path) as picture:
        return picture.size


def grids_of(folder: Path) -> list[tuple[int, Path]]:
    """Return ``(step, picture)`` of the sample grids in order, thinned out evenly where there are very many."""
    found = sorted((int(path.stem.removeprefix("step-")), path) for path in folder.glob("step-*.png"))
    if len(found) <= MOST_GRIDS:
        return found
    chosen = {round(index * (len(found) - 1) / (MOST_GRIDS - 1)) for index in range(MOST_GRIDS)}
    return [found[index] for index in sorted(chosen)]
