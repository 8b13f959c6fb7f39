"""The strip of `gray_then_color`: each picture, its gray form, and that form in color."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from examples.anime_faces.data import Dataset, is_dataset
from examples.anime_faces.run import Block, LoadedGenerator, Sheet, as_network_input, draw_sheet
from examples.anime_faces.systems import Blueprint, Drawer, Hardware, Networks, luminance
from examples.anime_faces.transfer._pictures import Given

RECIPE = "gray_then_color"
OWN = "its own labels"
EXAMPLES = 4
SEED = 0  # draws what a prompt leaves open


@dataclass(frozen=True, slots=True, kw_only=True)
class Coloring:
    """What pictures are colored as: headings, and for each the conditions of all pictures, ``(n, tags)``."""

    headings: Sequence[str]
    conditions: Sequence[torch.Tensor]


def colors_of(loaded: LoadedGenerator, images: Path, given: Given, prompts: Sequence[str] = ()) -> Coloring:
    """Say in which colors pictures are drawn.

    The pictures of a data set with the labels of the run get their own. Prompts are read as `sample` reads them; what one
    leaves open is drawn once, for all pictures. Pictures that get neither are drawn with the classes of the run's grid.

    Args:
        loaded: The networks of a run of `gray_then_color`.
        images: Where the pictures come from.
        given: The pictures.
        prompts: What to color all of them as.

    Raises:
        ValueError: A prompt cannot be read.
    """
    description, count = loaded.settings.description, len(given.names)
    headings: list[str] = []
    conditions: list[torch.Tensor] = []
    own = _own_labels(loaded, images, count)
    if own is not None:
        headings.append(OWN)
        conditions.append(own)
    rng = torch.Generator().manual_seed(SEED)
    if prompts:
        read = loaded.conditioning.read(prompts, description, rng)
        headings += prompts
    else:
        grid = loaded.conditioning.grid(description, EXAMPLES)
        read = grid.condition
        headings += grid.names
    assert read is not None  # the recipe reads labels
    conditions += [row.expand(count, -1) for row in read]
    return Coloring(headings=headings, conditions=conditions)


def _own_labels(loaded: LoadedGenerator, images: Path, count: int) -> torch.Tensor | None:
    if not is_dataset(images):
        return None
    dataset, description = Dataset.open(images), loaded.settings.description
    ids = torch.from_numpy(np.asarray(dataset.class_ids()[:count], dtype=np.int64))
    if tuple(dataset.attributes) != description.attributes or bool((ids < 0).any()):
        return None
    return loaded.conditioning.encode(ids, description)


def draw_colored(loaded: LoadedGenerator, given: Given, coloring: Coloring, *, scale: int = 1) -> Sheet:
    """Draw the gray form of each picture, color it, and lay them out: a row for each picture.

    Args:
        loaded: The networks of a run of `gray_then_color`; only the coloring one is used.
        given: The pictures.
        coloring: As `colors_of` returns it.
        scale: By which whole number every picture is enlarged.
    """
    images = as_network_input(torch.from_numpy(np.array(given.images)), Hardware())
    color = loaded.drawer.networks["color"]
    drawer = Drawer(
        networks={"color": color},
        blueprint=Blueprint(makers={"color": lambda: color}, latents=None, drawing=("color",), draw=_in_color),
        device=loaded.drawer.device,
    )
    gray = ((luminance(images).expand(-1, 3, -1, -1) + 1) * 127.5).round().to(torch.uint8)
    blocks = [Block("original", given.images[:, None]), Block("gray", _as_pixels(gray)[:, None])]
    for heading, condition in zip(coloring.headings, coloring.conditions, strict=True):
        blocks.append(Block(heading, _as_pixels(drawer.draw(images, condition))[:, None]))
    return draw_sheet(list(given.names), blocks, scale=scale)


def _in_color(networks: Networks, images: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
    return networks["color"](luminance(images), condition)


def _as_pixels(images: torch.Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).numpy()
