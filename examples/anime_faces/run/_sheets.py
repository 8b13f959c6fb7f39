"""Sheets of pictures with words beside them: those of samples, and the grids that are drawn during training."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

import gankit as gk
from examples.anime_faces.files import written_whole
from examples.anime_faces.systems import Conditioning, Description, Drawer

INK, FAINT, PAPER = (34, 36, 44), (120, 124, 136), (255, 255, 255)
GAP, MARGIN, BLOCK_GAP = 2, 12, 14
FONT_SIZE = 13
LONGEST_LINE = 16
WIDEST_LINE = 24  # of a long text, such as a list of tags
LINE_HEIGHT = 16

ROWS, COLUMNS = 8, 5
SEED = 20
LEAST_SIDE = 64  # pixels of a picture on the grid: smaller ones are enlarged


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of pictures under one heading.

    Args:
        heading: Text above them; may be empty.
        images: uint8 ``(rows, columns, height, width, 3)``.
    """

    heading: str
    images: np.ndarray


def draw_sheet(labels: Sequence[str], blocks: Sequence[Block], *, scale: int = 1) -> Image.Image:
    """Lay out rows of pictures: the label of each row at its left, blocks beside each other under their headings.

    Args:
        labels: One text per row; long ones are broken at spaces, and cut if they need more lines than fit.
        blocks: Columns of pictures; all have as many rows as there are labels.
        scale: By which whole number every picture is enlarged.

    Raises:
        ValueError: A block does not have one row per label.
    """
    for block in blocks:
        if block.images.shape[0] != len(labels):
            raise ValueError(f"a block has {block.images.shape[0]} rows, but there are {len(labels)} labels")
    font = ImageFont.load_default(FONT_SIZE)
    side = blocks[0].images.shape[2] * scale
    texts = [_broken(label, most_lines=max(2, side // LINE_HEIGHT)) for label in labels]
    label_width = max((int(font.getlength(line)) for text in texts for line in text.split("\n")), default=0)
    left = MARGIN + (label_width + MARGIN if label_width else 0)
    has_headings = any(block.heading for block in blocks)
    top = MARGIN + (FONT_SIZE + 8 if has_headings else 0)
    widths = [block.images.shape[1] * (side + GAP) - GAP for block in blocks]
    row_height = side + GAP
    size = (
        left + sum(widths) + BLOCK_GAP * (len(blocks) - 1) + MARGIN,
        top + len(labels) * row_height - GAP + MARGIN,
    )
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, text in enumerate(texts):
        middle = top + row * row_height + side / 2
        draw.multiline_text((left - MARGIN, middle), text, fill=INK, font=font, anchor="rm", align="right", spacing=3)
    x = left
    for block, width in zip(blocks, widths, strict=True):
        if block.heading:
            draw.text((x, MARGIN), block.heading, fill=FAINT, font=font)
        sheet.paste(Image.fromarray(_tile(block.images, scale)), (x, top))
        x += width + BLOCK_GAP
    return sheet


def _broken(label: str, *, most_lines: int = 2) -> str:
    """Break a label of several words into lines of about equal length, so that it stays narrow."""
    words = label.split()
    label = " ".join(words)  # tabs and line ends have no glyph
    if len(label) > 2 * WIDEST_LINE:
        return "\n".join(textwrap.wrap(label, WIDEST_LINE, max_lines=most_lines, placeholder=" ..."))
    if len(label) <= LONGEST_LINE or len(words) == 1:
        return label
    splits = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    first, rest = min(splits, key=lambda split: max(len(split[0]), len(split[1])))
    return f"{first}\n{rest}"


def _tile(images: np.ndarray, scale: int) -> np.ndarray:
    rows, columns, height, width, _ = images.shape
    large = images.repeat(scale, axis=2).repeat(scale, axis=3)
    height, width = height * scale, width * scale
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            y, x = row * (height + GAP), column * (width + GAP)
            canvas[y : y + height, x : x + width] = large[row, column]
    return canvas


class Preview:
    """Draws the same conditions and latents each time, so that grids of different steps can be compared.

    A column has one latent for all conditions: along it only what was asked for should change, along a row all the rest.

    Args:
        drawers: What draws each block of columns, by its heading.
        conditioning: Says which conditions are shown.
        description: The data.
        pictures: Draws pictures of the data, for generators that change pictures.
    """

    def __init__(
        self,
        drawers: Mapping[str, Drawer],
        conditioning: Conditioning,
        description: Description,
        pictures: Callable[[int, torch.Generator], torch.Tensor],
    ) -> None:
        self._drawers, self._size = drawers, description.size
        grid = conditioning.grid(description, ROWS)
        self._names = grid.names
        # A generator of its own: previews must not change the random numbers of the training.
        rng = torch.Generator().manual_seed(SEED)
        drawer = next(iter(drawers.values()))
        self._condition = None
        if grid.condition is None:
            self._inputs = drawer.inputs(len(self._names) * COLUMNS, rng, pictures)
        else:
            inputs = drawer.inputs(COLUMNS, rng, pictures)
            self._inputs, self._condition = gk.latents.across_conditions(inputs, grid.condition)

    def draw(self, path: Path) -> None:
        """Write the grid as a PNG."""
        blocks = [Block(heading, self._images(drawer)) for heading, drawer in self._drawers.items()]
        sheet = draw_sheet(self._names, blocks, scale=max(1, LEAST_SIDE // self._size))
        with written_whole(path) as temporary:
            sheet.save(temporary, format="PNG")

    def _images(self, drawer: Drawer) -> np.ndarray:
        images = drawer.draw(self._inputs, self._condition)
        return images.permute(0, 2, 3, 1).unflatten(0, (len(self._names), COLUMNS)).numpy()


def is_preview_step(step: int, steps: int, every: int | None) -> bool:
    """Return whether a grid is drawn after a step: at every `every` steps. Default: 30 times, and more often at the start."""
    if step == steps:
        return True
    if every is not None:
        return step % every == 0
    pace = max(1, steps // 30)
    early = step < pace and step & (step - 1) == 0 and step >= 16
    return early or step % pace == 0
