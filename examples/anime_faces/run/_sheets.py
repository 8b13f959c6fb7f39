"""Sheets of pictures with words beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from examples.anime_faces.files import written_whole
from examples.anime_faces.run._letters import (
    FONT_SIZE,
    PILLOWS,
    displayed,
    font_file,
    font_of,
    lettered,
    noted,
    write_legend,
)

INK, FAINT, PAPER = "#22242c", "#787c88", "#ffffff"
GAP, MARGIN, BLOCK_GAP, ROOM = 2, 12, 14, 12
LINE_HEIGHT = 16
LAYOUT = "gankit sheet"
"""Name of the text inside the PNG that says what stands where; the report reads it."""

LEAST_SIDE = 64  # pixels of a picture on grids and strips: smaller ones are enlarged


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of pictures under one heading.

    Args:
        heading: Text above them; may be empty.
        images: uint8 ``(rows, columns, height, width, 3)``.
    """

    heading: str
    images: np.ndarray


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands where on a sheet.

    Args:
        labels: The whole text of each row, whether the sheet shows all of it or not.
        headings: The heading of each block.
        lefts: Where the pictures of each block begin, in pixels.
        columns: Pictures in a row of each block.
        top: Where the pictures of the first row begin.
        side: Width and height of a picture.
        step: Distance from one picture to the next, along rows and columns.
        notes: A note on each row, such as "in training"; empty where rows have none.
        begins: Rows before which there is more room, `ROOM` each.
    """

    labels: Sequence[str]
    headings: Sequence[str]
    lefts: Sequence[int]
    columns: Sequence[int]
    top: int
    side: int
    step: int
    notes: Sequence[str] = ()
    begins: Sequence[int] = ()

    def top_of(self, row: int) -> int:
        """Return where the pictures of a row begin; that of the row after the last one is where the sheet's margin begins."""
        return self.top + row * self.step + ROOM * sum(begin <= row for begin in self.begins)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A finished sheet.

    Args:
        image: The picture.
        layout: What stands where.
        numbered: Labels that no font of this machine has the letters of, by the number that stands for them.
    """

    image: Image.Image
    layout: Layout
    numbered: Mapping[int, str]

    def save(self, path: Path, *, legend: Path | None = None) -> Path | None:
        """Write the sheet as a PNG, and the labels of its numbers beside it if there are any.

        Args:
            path: The PNG.
            legend: The text file for the numbered labels. Default: the path with ``.legend.txt`` as its end.

        Returns:
            The text file. None: the sheet shows all labels, and none was written.
        """
        texts = PngInfo()
        texts.add_text(LAYOUT, json.dumps(asdict(self.layout)))
        with written_whole(path) as temporary:
            self.image.save(temporary, format="PNG", pnginfo=texts)
        if not self.numbered:
            return None
        legend = path.with_suffix(".legend.txt") if legend is None else legend
        write_legend(legend, self.numbered)
        return legend


def draw_sheet(
    labels: Sequence[str],
    blocks: Sequence[Block],
    *,
    scale: int = 1,
    notes: Sequence[str] = (),
    begins: Sequence[int] = (),
) -> Sheet:
    """Lay out rows of pictures: the label of each row at its left, blocks beside each other under their headings.

    A label whose letters no font of this machine has is replaced by a number.

    Args:
        labels: One text per row; long ones are broken at spaces, and cut if they need more lines than fit.
        blocks: Columns of pictures; all have as many rows as there are labels.
        scale: By which whole number every picture is enlarged.
        notes: A few words under each label, or in its place where it is empty.
        begins: Rows, after the first, with which something new begins: there is more room before them.

    Raises:
        ValueError: A block does not have one row per label.
    """
    for block in blocks:
        if block.images.shape[0] != len(labels):
            raise ValueError(f"a block has {block.images.shape[0]} rows, but there are {len(labels)} labels")
    side = blocks[0].images.shape[2] * scale
    lines = max(2, side // LINE_HEIGHT - bool(notes))
    drawn = [lettered(label, number, most_lines=lines) for number, label in enumerate(labels, 1)]
    remarks = [noted(note) for note in notes]
    label_width = max((label.width for label in (*drawn, *remarks)), default=0)
    left = MARGIN + (label_width + MARGIN if label_width else 0)
    top = MARGIN + (FONT_SIZE + 8 if any(block.heading for block in blocks) else 0)
    columns = [block.images.shape[1] for block in blocks]
    fonts = [font_of(font_file(displayed(block.heading)) or PILLOWS, FONT_SIZE) for block in blocks]
    widths = [
        max(count * (side + GAP) - GAP, round(font.getlength(displayed(block.heading))))
        for count, block, font in zip(columns, blocks, fonts, strict=True)
    ]
    if len(set(columns)) == 1:  # blocks of one size are at one distance, whatever their headings
        widths = [max(widths)] * len(widths)
    lefts = [left + sum(widths[:index]) + index * BLOCK_GAP for index in range(len(blocks))]
    layout = Layout(
        labels=tuple(labels),
        headings=[block.heading for block in blocks],
        lefts=lefts,
        columns=columns,
        top=top,
        side=side,
        step=side + GAP,
        notes=tuple(notes),
        begins=tuple(begins),
    )
    height = layout.top_of(len(labels)) - GAP + MARGIN
    sheet = Image.new("RGB", (lefts[-1] + widths[-1] + MARGIN, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, label in enumerate(drawn):
        x, y = left - MARGIN, layout.top_of(row) + side / 2
        if remarks:
            half = LINE_HEIGHT / 2 if label.text else 0.0
            draw.text((x, y + (label.text.count("\n") + 1) * half), remarks[row].text, FAINT, remarks[row].font, "rm")
            y -= half
        draw.multiline_text((x, y), label.text, fill=INK, font=label.font, anchor="rm", align="right", spacing=3)
    for block, x, font in zip(blocks, lefts, fonts, strict=True):
        if block.heading:
            draw.text((x, MARGIN), displayed(block.heading), fill=FAINT, font=font)
        for row, images in enumerate(block.images):
            sheet.paste(Image.fromarray(_tile(images, scale)), (x, layout.top_of(row)))
    return Sheet(
        sheet, layout, {number: labels[number - 1] for number, label in enumerate(drawn, 1) if label.is_number}
    )


def _tile(images: np.ndarray, scale: int) -> np.ndarray:
    """Return the pictures of a row beside each other."""
    columns, height, width, _ = images.shape
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = height * scale, width * scale
    canvas = np.full((height, columns * (width + GAP) - GAP, 3), 255, dtype=np.uint8)
    for column in range(columns):
        x = column * (width + GAP)
        canvas[:, x : x + width] = large[column]
    return canvas


def enlargement(size: int) -> int:
    """Return by which whole number pictures of a size are enlarged on a sheet: to 64 pixels or a little more.

    Example:
        >>> [enlargement(size) for size in (24, 32, 48, 64, 96)]
        [3, 2, 2, 1, 1]
    """
    return max(1, -(-LEAST_SIDE // size))
