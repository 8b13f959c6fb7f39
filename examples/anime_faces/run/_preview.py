"""The sample grids that are drawn during training: when, of what, and how much their pictures differ."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

import gankit as gk
from examples.anime_faces.run._originals import ORIGINAL
from examples.anime_faces.run._sheets import Block, draw_sheet, enlargement
from examples.anime_faces.run._variety import REAL, figures_of, named, real_distance
from examples.anime_faces.systems import Conditioning, Description, Drawer, to_pixels

ROWS, COLUMNS = 8, 5
SEED = 20


class Preview:
    """Draws the same conditions and latents each time, so that grids of different steps can be compared.

    A column has one latent for all conditions: along it only what was requested should change, along a row all the rest. Where
    pictures are changed, a column has one picture, which stands in the first row as it was.

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
        self._real = real_distance(pictures(REAL, torch.Generator().manual_seed(SEED)))
        drawer = next(iter(drawers.values()))
        self._condition = self._originals = None
        if grid.condition is None:
            self._inputs = drawer.inputs(len(self._names) * COLUMNS, rng, pictures)
        else:
            inputs = drawer.inputs(COLUMNS, rng, pictures)
            self._originals = to_pixels(inputs).numpy() if drawer.changes_pictures else None
            self._inputs, self._condition = gk.latents.across_conditions(inputs, grid.condition)

    def draw(self, path: Path) -> dict[str, float]:
        """Write the grid as a PNG, and return how much its pictures differ, see `figures_of`."""
        grids = {heading: self._images(drawer) for heading, drawer in self._drawers.items()}
        names, shown = list(self._names), {heading: images.numpy() for heading, images in grids.items()}
        if self._originals is not None:
            names = [ORIGINAL, *names]
            shown = {heading: np.concatenate([self._originals[None], images]) for heading, images in shown.items()}
        blocks = [Block(heading, images.transpose(0, 1, 3, 4, 2)) for heading, images in shown.items()]
        sheet = draw_sheet(names, blocks, scale=enlargement(self._size))
        sheet.save(path, legend=path.with_name("legend.txt"))
        figures: dict[str, float] = {}
        for heading, images in grids.items():
            found = figures_of(images, self._real, has_conditions=self._condition is not None)
            figures |= named(found, heading)
        return figures

    def _images(self, drawer: Drawer) -> torch.Tensor:
        return drawer.draw(self._inputs, self._condition).unflatten(0, (len(self._names), COLUMNS))


def is_preview_step(step: int, steps: int, every: int | None) -> bool:
    """Return whether a grid is drawn after a step: at every `every` steps. Default: 30 times, and more often at the start."""
    if step == steps:
        return True
    if every is not None:
        return step % every == 0
    pace = max(1, steps // 30)
    early = step < pace and step & (step - 1) == 0 and step >= 16
    return early or step % pace == 0
