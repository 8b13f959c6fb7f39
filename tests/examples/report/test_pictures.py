"""Pictures inside the page: which, how large, and compressed once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.report._pictures import (
    MOST_GRIDS,
    MOST_GRIDS_LIVE,
    embedded,
    film_of,
    grids_of,
    samples_of,
)
from examples.anime_faces.run import Block, draw_sheet


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


def write_sheet(path: Path, labels: list[str], columns: int = 3) -> None:
    images = np.random.default_rng(0).integers(0, 250, (len(labels), columns, 8, 8, 3), dtype=np.uint8)
    draw_sheet(labels, [Block("left", images), Block("right", images)]).save(path)


def test_a_grid_is_compressed_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "step-0000003.png"
    write_sheet(path, ["a", "b"])
    first, again = film_of(tmp_path), film_of(tmp_path)
    assert first is not None
    assert again is not None
    assert first.frames[0].blocks is again.frames[0].blocks
    assert (first.labels, first.headings, first.frames[0].step) == (["a", "b"], ["left", "right"], 3)
    assert [block.height for block in first.frames[0].blocks] == [20, 20]
    write_sheet(path, ["a", "b", "青"])
    changed = film_of(tmp_path)
    assert changed is not None
    assert changed.labels == ["a", "b", "青"]


def test_grids_of_earlier_versions_are_shown_whole(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40)).save(tmp_path / "step-0000000.png")
    film = film_of(tmp_path)
    assert film is not None
    assert (film.labels, film.headings) == ([], [])
    assert [(block.width, block.height) for block in film.frames[0].blocks] == [(50, 40)]


def test_samples_are_rows_with_their_whole_prompts(tmp_path: Path) -> None:
    assert samples_of(tmp_path / "samples.png") is None
    images = np.full((3, 2, 8, 8, 3), 255, np.uint8)
    images[0], images[1, 0], images[2] = 10, 20, 30
    draw_sheet(["青髪 " * 50, "", "cat"], [Block("", images)]).save(tmp_path / "samples.png")
    samples = samples_of(tmp_path / "samples.png")
    assert samples is not None
    assert [(row.label, len(row.faces)) for row in samples.rows] == [(" ".join(["青髪"] * 50), 3), ("cat", 2)]
    assert samples.whole is None


def test_sheets_of_earlier_versions_are_shown_whole(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40)).save(tmp_path / "samples.png")
    samples = samples_of(tmp_path / "samples.png")
    assert samples is not None
    assert samples.rows == []
    assert samples.whole is not None


def test_embedded_pictures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 3000, 3), dtype=np.uint8)
    wide = embedded(Image.fromarray(noise), lossless=True)
    assert (wide.width, wide.height) == (1600, 21)
    monkeypatch.setattr("examples.anime_faces.report._pictures.MOST_LOSSLESS", 1000)
    assert len(embedded(Image.fromarray(noise), lossless=True).source) < len(wide.source) / 2
