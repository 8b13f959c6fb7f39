"""Pictures inside the page: which, how large, and compressed once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.report._pictures import MOST_GRIDS, MOST_GRIDS_LIVE, embedded, grids_of, picture_of


def test_many_grids_are_thinned_with_both_ends_kept(tmp_path: Path) -> None:
    for step in range(0, 3000, 10):
        (tmp_path / f"step-{step:07d}.png").touch()
    steps = [step for step, _ in grids_of(tmp_path)]
    assert len(steps) == MOST_GRIDS
    assert steps[0] == 0
    assert steps[-1] == 2990
    assert steps == sorted(set(steps))


def test_a_page_that_renews_itself_has_fewer_grids(tmp_path: Path) -> None:
    for step in range(30):
        (tmp_path / f"step-{step:07d}.png").touch()
    steps = [step for step, _ in grids_of(tmp_path, MOST_GRIDS_LIVE)]
    assert len(steps) == MOST_GRIDS_LIVE
    assert (steps[0], steps[-1]) == (0, 29)


def test_a_picture_is_compressed_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    Image.new("RGB", (4, 4), (200, 0, 0)).save(path)
    first = picture_of(path, step=3)
    assert picture_of(path, step=5).source is first.source
    assert picture_of(path, step=5).step == 5
    Image.new("RGB", (4, 6), (0, 200, 0)).save(path)
    assert picture_of(path).height == 6


def test_embedded_pictures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 3000, 3), dtype=np.uint8)
    wide = embedded(Image.fromarray(noise), lossless=True)
    assert (wide.width, wide.height) == (1600, 21)
    monkeypatch.setattr("examples.anime_faces.report._pictures.MOST_LOSSLESS", 1000)
    assert len(embedded(Image.fromarray(noise), lossless=True).source) < len(wide.source) / 2
