"""Fresh renders with their labels, made by several processes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from examples.anime_faces.data import render_faces
from examples.anime_faces.data.render import Face, Knobs, factors, sample_face


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
    """Render pictures that are not in any data set.

    The seed text differs from that of a data set, so the same number never gives the same pictures.

    Args:
        class_ids: The (hair, eyes) to draw in each picture; or a number of pictures, whose colors are random.
        seed: Decides the pictures: picture k depends only on the seed, k and its colors.
        knobs: The distribution of the faces. Withheld pairs are drawn where `class_ids` asks for them.
        size: Width and height.
        workers: Number of processes. Default: one for each processor core.
    """
    knobs = Knobs() if knobs is None else knobs
    asked = [None] * class_ids if isinstance(class_ids, int) else list(class_ids)
    faces = [_face(seed, index, knobs, pair) for index, pair in enumerate(asked)]
    labels = [factors(face) for face in faces]
    names = labels[0] if labels else ()
    images = torch.empty(len(faces), 3, size, size, dtype=torch.uint8)
    start = 0
    for block in render_faces(faces, size, workers=workers):
        images[start : start + len(block)] = torch.from_numpy(block).permute(0, 3, 1, 2)
        start += len(block)
    return Renders(
        images=images,
        factors={name: np.array([label[name] for label in labels]) for name in names},
    )


def _face(seed: int, index: int, knobs: Knobs, pair: tuple[int, int] | None) -> Face:
    rng = random.Random(f"fresh {seed} {index}")
    if pair is None:
        return sample_face(rng, knobs)
    return sample_face(rng, replace(knobs, withheld_pairs=()), hair=pair[0], eyes=pair[1])
