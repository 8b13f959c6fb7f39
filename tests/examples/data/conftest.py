"""Pictures and folders that the tests of the data readers share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PictureMaker = Callable[..., Image.Image]


@pytest.fixture
def smooth() -> PictureMaker:
    """Make an RGB picture of soft color gradients; the seed decides which."""

    def make(seed: int = 0, size: tuple[int, int] = (37, 29)) -> Image.Image:
        rng = np.random.default_rng(seed)
        small = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
        return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def photos(tmp_path: Path, smooth: PictureMaker) -> Path:
    """A folder with 5 good pictures: 1.jpg to 4.jpg and 10.png."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(["1.jpg", "2.jpg", "3.jpg", "4.jpg", "10.png"]):
        smooth(seed).save(folder / name)
    return folder
