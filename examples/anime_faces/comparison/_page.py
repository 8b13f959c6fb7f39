"""Writing the comparison: a page that needs nothing else, a PNG of the curves, and a PNG of the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from PIL import Image

from examples.anime_faces.comparison._entries import Curve, Entry, common_steps
from examples.anime_faces.comparison._pictures import Gallery, enlarged, gallery_sheet
from examples.anime_faces.comparison._tables import differing, figures_beside
from examples.anime_faces.files import write_text
from examples.anime_faces.report import COLORS, FRAME, Embedded, chart_of, embedded, fill, marked_rows
from examples.anime_faces.run import ORIGINAL, Panel, displayed, draw_panels, enlargement

POINTS = 300
PANELS = ("generator", "critic")  # in the order of report C's figures


@dataclass(frozen=True, slots=True)
class Places:
    """Where the comparison is written.

    Args:
        page: The page.
        curves: The picture of the curves.
        pictures: The sheet of pictures.
    """

    page: Path
    curves: Path
    pictures: Path

    @classmethod
    def of(cls, out: Path) -> Self:
        """Return the places for a folder, or for a page that ends with .html.

        Raises:
            ValueError: It is neither.
        """
        if out.suffix.lower() == ".html":
            if out.is_dir():
                raise ValueError(
                    f"--out must be a folder, or a file that ends with .html, but {out} is a folder of that name"
                )
            folder, stem = out.parent, out.stem
        elif out.suffix and not out.is_dir():
            raise ValueError(f"--out must be a folder, or a file that ends with .html, but it is {out}")
        elif out.is_file():
            raise ValueError(f"--out must be a folder, or a file that ends with .html, but {out} is another file")
        else:
            folder, stem = out, "compare"
        return cls(folder / f"{stem}.html", folder / f"{stem}.png", folder / f"{stem}-samples.png")


class Faces(NamedTuple):
    """The pictures of one run on the page."""

    label: str
    color: str
    faces: list[Embedded]


class Asked(NamedTuple):
    """One prompt on the page, with the pictures of each run."""

    prompt: str
    runs: list[Faces]


def write_comparison(entries: Sequence[Entry], gallery: Gallery, places: Places, *, logarithmic: bool = False) -> None:
    """Write all three files; the sheet of pictures only if there are pictures.

    Args:
        entries: The runs.
        gallery: What they drew.
        places: Where the files go.
        logarithmic: Whether the picture of the curves has a logarithmic axis, and whether the page begins with it.

    Raises:
        OSError: A file cannot be written.
    """
    places.page.parent.mkdir(parents=True, exist_ok=True)
    panels = [(network, _panel(entries, network)) for network in PANELS]
    shown = [(f"{network} loss", curves) for network, curves in panels if curves]
    if shown:
        draw_panels([Panel(title, curves, is_logarithmic=logarithmic) for title, curves in shown], places.curves)
    sheet = gallery_sheet(gallery)
    if sheet is not None:
        sheet.save(places.pictures)
    beside = figures_beside(entries)
    page = fill(
        "compare.html",
        " and ".join(displayed(entry.name) for entry in entries) if len(entries) == 2 else f"{len(entries)} runs",
        status=None,
        versions="",
        axes="logarithmic" if logarithmic else "linear",
        runs=[(entry, _color(entry)) for entry in entries],
        frame=FRAME,
        charts=[
            chart_of(title[:1].upper() + title[1:], curves, colors=_colors(entries, curves)) for title, curves in shown
        ],
        table=differing(entries),
        beside=beside,
        figures=marked_rows(beside.records, beside.best),
        asked=[
            Asked(displayed(prompt) or "anything", [_faces(row.entry, row.images) for row in rows])
            for prompt, rows in groupby(gallery.rows, key=lambda row: row.prompt)
        ],
        shared=gallery.shared,
        changes_pictures=any(row.prompt == ORIGINAL for row in gallery.rows),
        notes=gallery.notes,
        files=[path.name for path in (places.curves, places.pictures) if path.exists()],
    )
    write_text(places.page, page)


def _panel(entries: Sequence[Entry], network: str) -> dict[str, Curve]:
    there = [entry for entry in entries if network in entry.curves]
    curves = common_steps([entry.curves[network] for entry in there], POINTS)
    return {entry.label: curve for entry, curve in zip(there, curves, strict=True)}


def _color(entry: Entry) -> str:
    return COLORS[(entry.number - 1) % len(COLORS)]


def _colors(entries: Sequence[Entry], curves: dict[str, Curve]) -> list[str]:
    return [_color(entry) for entry in entries if entry.label in curves]


def _faces(entry: Entry, images: np.ndarray) -> Faces:
    large = enlarged(images, images.shape[1] * enlargement(images.shape[1]))
    return Faces(entry.label, _color(entry), [embedded(Image.fromarray(image), lossless=True) for image in large])
