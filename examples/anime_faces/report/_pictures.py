"""Pictures as data URIs, so that the page loads nothing; each file is compressed once, however often the page is written."""

import base64
import io
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from examples.anime_faces.run import displayed, read_layout, read_sheet

QUALITY = 80
WIDEST = 1600  # pixels of an embedded picture; wider ones are reduced
MOST_LOSSLESS = 1 << 21  # bytes of a picture without loss; larger ones are compressed further
MOST_PIXELS = 1 << 20  # of a column of samples; larger sheets are shown as one picture
MOST_GRIDS = 40
MOST_GRIDS_LIVE = 12  # while the page renews itself
_GRID = re.compile(r"step-(\d{1,18})\.png")


class Embedded(NamedTuple):
    """A picture as a data URI, and the room that the page reserves for it."""

    source: str
    width: int
    height: int


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


class Row(NamedTuple):
    """A row of samples: what was requested, the pictures, and a note on it, which may be empty."""

    label: str
    faces: list[Embedded]
    note: str = ""


class Samples(NamedTuple):
    """The sheet of samples: its rows, or the whole picture where it does not say what stands where."""

    rows: list[Row]
    whole: Embedded | None


class Frame(NamedTuple):
    """The grid of one step: its blocks of pictures."""

    step: int
    blocks: list[Embedded]


class Film(NamedTuple):
    """The grids in the order of their steps, with the labels of their rows and the headings of their blocks."""

    labels: list[str]
    headings: list[str]
    frames: list[Frame]


def faces_of(images: Sequence[np.ndarray]) -> list[Embedded]:
    """Return each of uint8 pictures ``(height, width, 3)``."""
    return [embedded(Image.fromarray(image)) for image in images]


def samples_of(path: Path) -> Samples | None:
    """Return the sheet of samples. None: there is none."""
    if not path.exists():
        return None
    return _samples_of(path, *_version(path))


@lru_cache(maxsize=2)
def _samples_of(path: Path, changed: int, size: int) -> Samples:
    del changed, size
    with read_sheet(path) as sheet:
        layout = read_layout(sheet)
        if layout is None or layout.side * layout.side * len(layout.labels) > MOST_PIXELS:
            return Samples([], embedded(sheet, lossless=True))
        rows: list[Row] = []
        for index, label in enumerate(layout.labels):
            y = layout.top_of(index)
            xs = [layout.lefts[0] + column * layout.step for column in range(layout.columns[0])]
            boxes = [(x, y, x + layout.side, y + layout.side) for x in xs]
            faces = [embedded(face, lossless=True) for face in map(sheet.crop, boxes) if not _is_blank(face)]
            if rows and not label:  # the row before goes on
                rows[-1].faces.extend(faces)
            else:
                note = layout.notes[index] if layout.notes else ""
                rows.append(Row(displayed(label), faces, note))
    return Samples(rows, None)


class StepStrip(NamedTuple):
    """The same prompts over the steps: the steps, and a row of pictures for each latent, one picture a step."""

    steps: list[str]
    rows: list[Row]


def strip_of(path: Path) -> StepStrip | None:
    """Return the strip. None: there is none."""
    return _strip_of(path, *_version(path)) if path.exists() else None


@lru_cache(maxsize=2)
def _strip_of(path: Path, changed: int, size: int) -> StepStrip | None:
    del changed, size
    with read_sheet(path) as sheet:
        layout = read_layout(sheet)
        if layout is None:
            return None
        rows: list[Row] = []
        for index, label in enumerate(layout.labels):
            y = layout.top_of(index)
            boxes = [(left, y, left + layout.side, y + layout.side) for left in layout.lefts]
            rows.append(Row(displayed(label), [embedded(face) for face in map(sheet.crop, boxes)]))
    return StepStrip(list(layout.headings), rows)


def _is_blank(face: Image.Image) -> bool:
    return face.convert("L").getextrema() == (255, 255)


def film_of(folder: Path, most: int = MOST_GRIDS) -> Film | None:
    """Return the sample grids in the order of their steps. None: there are none."""
    found = grids_of(folder, most)
    if not found:
        return None
    grids = [_grid_of(path, *_version(path)) for _, path in found]
    labels, headings, _ = grids[-1]
    return Film(labels, headings, [Frame(step, grid[2]) for (step, _), grid in zip(found, grids, strict=True)])


@lru_cache(maxsize=2 * MOST_GRIDS)
def _grid_of(path: Path, changed: int, size: int) -> tuple[list[str], list[str], list[Embedded]]:
    del changed, size
    with read_sheet(path) as grid:
        layout = read_layout(grid)
        if layout is None:
            return [], [], [embedded(grid)]
        bottom = layout.top_of(len(layout.labels))
        blocks = [
            embedded(grid.crop((left, layout.top, left + columns * layout.step, bottom)))
            for left, columns in zip(layout.lefts, layout.columns, strict=True)
        ]
        return [displayed(label) for label in layout.labels], list(layout.headings), blocks


def _version(path: Path) -> tuple[int, int]:
    """Return what differs where a file was written again, so that it is compressed once however often the page is."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def grids_of(folder: Path, most: int = MOST_GRIDS) -> list[tuple[int, Path]]:
    """Return ``(step, path)`` of the sample grids in order; where there are more than `most`, so many at even distances."""
    named = [(_GRID.fullmatch(path.name), path) for path in folder.glob("step-*.png")]
    found = sorted((int(match[1]), path) for match, path in named if match is not None)
    if len(found) <= most:
        return found
    chosen = {round(index * (len(found) - 1) / (most - 1)) for index in range(most)}
    return [found[index] for index in sorted(chosen)]
