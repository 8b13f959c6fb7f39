"""Fresh renders with their labels, made by several processes."""

import multiprocessing
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from examples.anime_faces.data.render import Face, Knobs, factors, render, sample_face

_ALONE = 400
"""Below this many pictures starting processes costs more than it saves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renders:
    """Rendered pictures and what they show.

    Args:
        images: uint8 tensor of shape ``(n, 3, size, size)``.
        factors: For each factor an array of length n.
    """

    images: torch.Tensor
    factors: dict[str, np.ndarray]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.images)


def render_fresh(
    class_ids: Sequence[tuple[int, int]] | int,
    *,
    seed: int,
    knobs: Knobs | None = None,
    size: int = 64,
    workers: int | None = None,
) -> Renders:
    """Render pictures that are in no data set.

    The seeds are spelled unlike those of a data set, so the same number never names the same pictures.

    Args:
        class_ids: The asked (hair, eyes) of each picture, or how many pictures to draw with colors at random.
        seed: Names the set; picture k depends on the seed, k and its colors alone.
        knobs: The distribution of the faces; withheld pairs are not withheld where they are asked.
        size: Width and height.
        workers: Number of processes; by default one for each processor.
    """
    knobs = Knobs() if knobs is None else knobs
    asked = [None] * class_ids if isinstance(class_ids, int) else list(class_ids)
    faces = [_face(seed, index, knobs, pair) for index, pair in enumerate(asked)]
    labels = [factors(face) for face in faces]
    names = labels[0] if labels else ()
    return Renders(
        images=_render_all(faces, size, workers),
        factors={name: np.array([label[name] for label in labels]) for name in names},
    )


def _face(seed: int, index: int, knobs: Knobs, pair: tuple[int, int] | None) -> Face:
    rng = random.Random(f"fresh {seed} {index}")
    if pair is None:
        return sample_face(rng, knobs)
    return sample_face(rng, replace(knobs, withheld_pairs=()), hair=pair[0], eyes=pair[1])


def _render_all(faces: list[Face], size: int, workers: int | None) -> torch.Tensor:
    images = torch.empty(len(faces), 3, size, size, dtype=torch.uint8)
    workers = os.cpu_count() or 1 if workers is None else workers
    if workers <= 1 or len(faces) < _ALONE:
        for index, face in enumerate(faces):
            images[index] = _as_tensor(render(face, size))
        return images
    # Processes are started afresh: copies of a process that has run torch's threads may hang.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pictures = pool.starmap(render, ((face, size) for face in faces), chunksize=100)
    for index, picture in enumerate(pictures):
        images[index] = _as_tensor(picture)
    return images


def _as_tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.tensor(picture).permute(2, 0, 1)
