"""The small data set of rendered faces: pictures for training, and others that no run sees."""

from dataclasses import dataclass
from pathlib import Path

import torch

from examples.anime_faces.data import write_rendered
from examples.anime_faces.data.render import HAIR_COLORS

SIZE = 32
TRAINED, HELD_OUT = 4_096, 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """Pictures and their hair colors.

    Attributes:
        images: In -1..1, ``(n, 3, 32, 32)``.
        labels: One-hot hair colors, ``(n, 12)``.
        held_out: Pictures that no run is trained on, ``(m, 3, 32, 32)``.
    """

    images: torch.Tensor
    labels: torch.Tensor
    held_out: torch.Tensor


def load_faces(folder: Path) -> Faces:
    """Return the data set, rendered into `folder` if it is not there."""
    data = write_rendered(folder, TRAINED + HELD_OUT, SIZE, 0, workers=0)
    pictures = torch.from_numpy(data.images[:].copy()).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    labels = torch.from_numpy(data.labels[:, : len(HAIR_COLORS)].copy()).float()
    return Faces(images=pictures[:TRAINED], labels=labels[:TRAINED], held_out=pictures[TRAINED:])
