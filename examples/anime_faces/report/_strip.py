"""Pictures of the same prompts and latents over the steps of a run: a row for each, a column for each step."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from examples.anime_faces.report._pictures import grids_of
from examples.anime_faces.run import (
    ORIGINAL,
    Block,
    Layout,
    RunFolder,
    Sheet,
    checkpoint_of,
    draw_sheet,
    kept_steps,
    load_generator,
    newest_step,
    originals_of,
    read_layout,
    read_sheet,
)

MOST_STEPS = 10
ROWS = 5  # of one prompt
SEED = 20


def write_strip(folder: RunFolder, prompts: Sequence[str] = (), *, recipe: str | None = None) -> Path | None:
    """Write the strip of a run as a PNG and return its path. None: the run has no grids yet.

    The pictures are cut out of the sample grids, at about ten steps and at those that `train --keep` named. Without prompts,
    each prompt of the grids has one row; with prompts, each has a row for every latent. If a prompt is not among those of the
    grids, all are drawn from the kept checkpoints and the newest one.

    Args:
        folder: The folder of the run.
        prompts: What to show. Default: the prompts of the grids.
        recipe: The run's recipe, needed only if it is from outside and pictures must be drawn.

    Raises:
        ValueError: A prompt is not among those of the grids, and no checkpoints are kept from which it could be drawn; or it
            cannot be read.
    """
    grids = _with_layouts(folder)
    if not grids:
        return None
    labels = [" ".join(label.split()) for label in grids[-1][1].labels]
    wanted = [" ".join(prompt.split()) for prompt in prompts]
    if not wanted:
        rows = [(label, place, 0) for place, label in enumerate(labels)]
        sheet = _cut(grids, rows)
    elif all(prompt in labels for prompt in wanted):
        columns = range(min(ROWS, grids[-1][1].columns[0]))
        sheet = _cut(grids, [(prompt, labels.index(prompt), column) for prompt in wanted for column in columns])
    else:
        sheet = _drawn(folder, wanted, labels, recipe)
    sheet.save(folder.strip)
    return folder.strip


def _with_layouts(folder: RunFolder) -> list[tuple[int, Layout, Path]]:
    """Return the chosen grids in the order of their steps; those of another layout than the newest one are left out."""
    every = dict(grids_of(folder.grids, most=10**6))
    named = {*dict(grids_of(folder.grids, most=MOST_STEPS)), *(step for step in kept_steps(folder) if step in every)}
    found: list[tuple[int, Layout, Path]] = []
    for step in sorted(named):
        with read_sheet(every[step]) as grid:
            layout = read_layout(grid)
        if layout is not None:
            found.append((step, layout, every[step]))
    return [entry for entry in found if entry[1] == found[-1][1]]


def _cut(grids: Sequence[tuple[int, Layout, Path]], rows: Sequence[tuple[str, int, int]]) -> Sheet:
    """Cut pictures out of the first block of grids, that of the averaged weights; each has a label, a row and a column."""
    blocks: list[Block] = []
    for step, layout, path in grids:
        with read_sheet(path) as grid:
            pixels = np.asarray(grid.convert("RGB"))
        pictures: list[np.ndarray] = []
        for _, row, column in rows:
            x, y = layout.lefts[0] + column * layout.step, layout.top_of(row)
            pictures.append(pixels[y : y + layout.side, x : x + layout.side])
        blocks.append(Block(f"{step:,}", np.stack(pictures)[:, None]))
    return draw_sheet(_each_once([label for label, _, _ in rows]), blocks)


def _drawn(folder: RunFolder, prompts: Sequence[str], labels: Sequence[str], recipe: str | None) -> Sheet:
    """Draw prompts from all kept checkpoints and the newest one, with the same latents."""
    kept = kept_steps(folder)
    if not kept:
        shown = "; ".join(label for label in labels if label) or "no prompts"
        missing = next(prompt for prompt in prompts if prompt not in labels)
        raise ValueError(
            f"--prompt must be one that the grids of {folder.path} show ({shown}), but it is {missing!r}; a run that was "
            "trained with --keep STEPS shows any prompt at those steps"
        )
    newest = newest_step(folder)
    blocks: list[Block] = []
    for step in sorted({*kept, newest}):
        generator = load_generator(checkpoint_of(folder.path, step), recipe=recipe)
        originals = None if blocks else originals_of(generator, ROWS, seed=SEED)
        if originals is not None:
            column = np.concatenate([originals.permute(0, 2, 3, 1).numpy()] * len(prompts))
            blocks.append(Block(ORIGINAL, column[:, None]))
        drawn = [generator.generate_texts([prompt] * ROWS, seed=SEED) for prompt in prompts]
        images = np.concatenate([one.permute(0, 2, 3, 1).numpy() for one in drawn])
        blocks.append(Block(f"{step:,}", images[:, None]))
    labels = _each_once([prompt for prompt in prompts for _ in range(ROWS)])
    return draw_sheet(labels, blocks, scale=max(1, 64 // blocks[0].images.shape[2]))


def _each_once(labels: Sequence[str]) -> list[str]:
    return ["" if place and label == labels[place - 1] else label for place, label in enumerate(labels)]
