"""One strip per augmentation: a face, then the same face changed by draws of a fixed seed."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from examples.anime_faces.data.render import face_from_seed, render
from gankit.augment import (
    Augmentation,
    Brightness,
    Contrast,
    Cutout,
    GeometricTransformation,
    HorizontalFlip,
    Saturation,
    Translation,
)

FOLDER = Path(__file__).resolve().parents[1] / "guides" / "images" / "augmentation"
PARTS: dict[str, Augmentation] = {
    "translation": Translation(),
    "cutout": Cutout(),
    "horizontal_flip": HorizontalFlip(),
    "geometric_transformation": GeometricTransformation(),
    "brightness": Brightness(),
    "saturation": Saturation(),
    "contrast": Contrast(),
}
SIDE, CHANGED, GAP = 64, 6, 6  # side of an image, number of changed versions, pixels between two


def face() -> torch.Tensor:
    """The image that is changed, ``(1, 3, 64, 64)`` in -1..1."""
    pixels = torch.from_numpy(render(face_from_seed(0, 242), SIDE).copy())
    return pixels.permute(2, 0, 1)[None].double() / 127.5 - 1


def strip(part: Augmentation) -> npt.NDArray[np.uint8]:
    """Return the strip as red, green, blue and opacity, ``(64, width, 4)``; the gaps between images are transparent."""
    plain = face()
    draw = torch.rand(CHANGED, part.numbers, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    images = torch.cat([plain, part(plain.expand(CHANGED, -1, -1, -1), draw=draw)])
    pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    result = np.zeros((SIDE, len(pixels) * (SIDE + GAP) - GAP, 4), dtype=np.uint8)
    for place, image in enumerate(pixels):
        left = place * (SIDE + GAP)
        result[:, left : left + SIDE] = np.concatenate([image, np.full((SIDE, SIDE, 1), 255, np.uint8)], axis=2)
    return result
