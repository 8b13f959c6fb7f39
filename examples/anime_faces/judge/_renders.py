"""Fresh renders with their labels, made by several processes."""

import random
from collections.abc import Callable, Sequence
from contextlib import closing
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
    enough: Callable[[int], bool] | None = None,
) -> Renders:
    """Render pictures that are not in any data set.

    The seed text differs from that of a data set, so the same number never gives the same pictures.

    Args:
        class_ids: The (hair, eyes) to draw in each picture; or a number of pictures, whose colors are random.
        seed: Decides the pictures: picture k depends only on the seed, k and its colors.
        knobs: The distribution of the faces. Withheld pairs are drawn where `class_ids` requests them.
        size: Width and height.
        workers: Number of processes. Default: one for each processor core.
        enough: Called with the number of pictures so far; where it returns True, they are returned and no more are made.
    """
    knobs = Knobs() if knobs is None else knobs
    asked = [None] * class_ids if isinstance(class_ids, int) else list(class_ids)
    faces = [_face(seed, index, knobs, pair) for index, pair in enumerate(asked)]
    labels = [factors(face) for face in faces]
    names = labels[0] if labels else ()
    images = torch.empty(len(faces), 3, size, size, dtype=torch.uint8)
    done = 0
    with closing(render_faces(faces, size, workers=workers)) as blocks:
        for block in blocks:
            images[done : done + len(block)] = torch.from_numpy(block).permute(0, 3, 1, 2)
            done += len(block)
            if enough is not None and enough(done):
                break
    return Renders(
        images=images[:done],
        factors={name: np.array([label[name] for label in labels[:done]]) for name in names},
    )


def fresh_factors(class_ids: Sequence[tuple[int, int]], *, seed: int, knobs: Knobs) -> dict[str, np.ndarray]:
    """Return what pictures of `render_fresh` show, without rendering them.

    Args:
        class_ids: The (hair, eyes) of each picture.
        seed: As for `render_fresh`.
        knobs: As for `render_fresh`.
    """
    labels = [factors(_face(seed, index, knobs, pair)) for index, pair in enumerate(class_ids)]
    return {name: np.array([label[name] for label in labels]) for name in (labels[0] if labels else ())}


def _face(seed: int, index: int, knobs: Knobs, pair: tuple[int, int] | None) -> Face:
    rng = random.Random(f"fresh {seed} {index}")
    if pair is None:
        return sample_face(rng, knobs)
    return sample_face(rng, replace(knobs, withheld_pairs=()), hair=pair[0], eyes=pair[1])
