"""The grid that is drawn every few steps: fixed latents and labels or texts, the average beside the raw generator."""

from pathlib import Path

import numpy as np
import torch

import gankit as gk
from examples.anime_faces.data import describe
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._every_text import EveryText
from examples.anime_faces.recipes._recipe import Conditioning, System
from examples.anime_faces.run._drawing import draw_images
from examples.anime_faces.run._sheet import Block, draw_sheet

ROWS, COLUMNS = 8, 5
SEED = 20
LEAST_SIDE = 64  # pixels of a picture on the grid: smaller ones are enlarged


class Preview:
    """Draws the same conditions and latents each time, so that grids of different steps can be laid side by side.

    A column has one latent for all conditions: down it only what was asked for should change, along a row all the rest.

    Args:
        conditioning: Says how labels or texts are read.
        system: What is trained.
        description: The data.
        device: Where the networks lie.
    """

    def __init__(self, conditioning: Conditioning, system: System, description: Description, device: str) -> None:
        self._system, self._description, self._device = system, description, device
        self._labels, condition = _rows(conditioning, description)
        # A generator of its own: previews must not move the random numbers of the training.
        rng = torch.Generator().manual_seed(SEED)
        self._condition = None
        if condition is None:
            self._latents = system.latents(len(self._labels) * COLUMNS, rng)
        else:
            self._latents, self._condition = gk.latents.across_conditions(system.latents(COLUMNS, rng), condition)

    def draw(self, path: Path) -> None:
        """Write the grid as a PNG."""
        average = Block("average of the weights", self._images(self._system.average.network))
        raw = Block("raw generator", self._images(self._system.generator))
        scale = max(1, LEAST_SIDE // self._description.size)
        sheet = draw_sheet(self._labels, [average, raw], scale=scale)
        temporary = path.with_name(f".{path.name}.tmp")
        sheet.save(temporary, format="PNG")
        temporary.replace(path)

    def _images(self, generator: torch.nn.Module) -> np.ndarray:
        images = draw_images(generator, self._latents, self._condition, device=self._device)
        return images.permute(0, 2, 3, 1).unflatten(0, (len(self._labels), COLUMNS)).numpy()


def _rows(conditioning: Conditioning, description: Description) -> tuple[list[str], torch.Tensor | None]:
    """Return the words beside each row of the grid, and what the generator is given for it."""
    if isinstance(conditioning, EveryText) and description.text is not None:
        texts = description.text.examples
        return list(texts), conditioning.encode_texts(texts, description)
    if not description.attributes:
        return [""] * ROWS, None
    class_ids = description.condition.grid(ROWS)
    labels = [describe(row, description.attributes) for row in class_ids.tolist()]
    return labels, conditioning.encode(class_ids, description)


def is_preview_step(step: int, steps: int, every: int | None) -> bool:
    """Whether a grid is drawn after this step: at `every` steps, or at a 30th of the run and more densely at its start."""
    if step == steps:
        return True
    if every is not None:
        return step % every == 0
    pace = max(1, steps // 30)
    early = step < pace and step & (step - 1) == 0 and step >= 16
    return early or step % pace == 0
