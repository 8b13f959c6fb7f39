"""Reading the PNG files of a run again: whole pictures, and what stands where on them."""

import warnings
from pathlib import Path

from PIL import Image

from examples.anime_faces.files import check_ordinary
from examples.anime_faces.records import RecordError, parse_record
from examples.anime_faces.run._sheets import LAYOUT, Layout

FORM = {
    "labels": [str],
    "headings": [str],
    "lefts": [int],
    "columns": [int],
    "top": int,
    "side": int,
    "step": int,
    "notes?": [str],
    "begins?": [int],
}
"""What the text inside a sheet holds."""


def read_sheet(path: Path) -> Image.Image:
    """Return a PNG of a run, decoded.

    Raises:
        ValueError: It is damaged, or too large.
        OSError: It cannot be read.
    """
    check_ordinary(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # sheets may be large
            with Image.open(path, formats=("PNG",)) as image:
                return image.copy()
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not the decoder's
            raise
        raise ValueError(f"{path} is damaged or cut off ({error}): remove it") from error


def read_layout(image: Image.Image) -> Layout | None:
    """Return what `Sheet.save` wrote into a PNG. None: there is nothing, or it does not fit the picture."""
    try:
        record = parse_record(image.info[LAYOUT], FORM)
        layout = Layout(**record)
    except (KeyError, TypeError, RecordError):
        return None
    return layout if _fits(layout, image) else None


def _fits(layout: Layout, image: Image.Image) -> bool:
    rows, blocks = len(layout.labels), len(layout.lefts)
    if not rows or not blocks or len(layout.headings) != blocks or len(layout.columns) != blocks:
        return False
    if layout.notes and len(layout.notes) != rows:
        return False
    if layout.side < 1 or layout.step < layout.side or min(layout.top, *layout.lefts) < 0 or min(layout.columns) < 1:
        return False
    right = max(
        left + (count - 1) * layout.step + layout.side for left, count in zip(layout.lefts, layout.columns, strict=True)
    )
    return right <= image.width and layout.top_of(rows - 1) + layout.side <= image.height
