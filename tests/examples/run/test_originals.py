"""The pictures that are changed, beside what becomes of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from examples.anime_faces.__main__ import main
from examples.anime_faces.data import Dataset
from examples.anime_faces.report import write_report
from examples.anime_faces.run import RunFolder, load_generator, originals_of, read_layout, seed_of_prompt


def pictures_of_row(path: Path, row: int, block: int = 0) -> np.ndarray:
    """The pictures of a row of a sheet on which 32-pixel pictures were enlarged to 64, in their own size."""
    with Image.open(path) as sheet:
        layout = read_layout(sheet)
        pixels = np.asarray(sheet.convert("RGB"))
    assert layout is not None
    y, left = layout.top + row * layout.step, layout.lefts[block]
    xs = [left + column * layout.step for column in range(layout.columns[block])]
    return np.stack([pixels[y : y + layout.side : 2, x : x + layout.side : 2] for x in xs])


def labels_of(path: Path) -> list[str]:
    with Image.open(path) as sheet:
        layout = read_layout(sheet)
    assert layout is not None
    return list(layout.labels)


def test_originals_are_pictures_of_the_data(stargan_run: Path, labeled: Dataset) -> None:
    originals = originals_of(load_generator(stargan_run), 5, seed=3)
    assert originals is not None
    shown = originals.permute(0, 2, 3, 1).numpy()
    assert all((labeled.images == one).all(axis=(1, 2, 3)).any() for one in shown)
    others = originals_of(load_generator(stargan_run), 5, seed=4)
    assert others is not None
    assert not torch.equal(originals, others)


def test_what_draws_from_noise_has_no_originals(trained_folder: Path, stargan_run: Path) -> None:
    drawing, changing = load_generator(trained_folder), load_generator(stargan_run)
    assert originals_of(drawing, 5, seed=3) is None
    assert [seed_of_prompt(one, 7, 2) for one in (drawing, changing)] == [9, 7]


def test_grids_strip_and_report_show_what_was_changed(stargan_run: Path, labeled: Dataset) -> None:
    folder = RunFolder(stargan_run)
    for step in (0, 2):
        assert labels_of(folder.grid(step))[0] == "original"
        for block in (0, 1):
            row = pictures_of_row(folder.grid(step), 0, block)
            assert all((labeled.images == one).all(axis=(1, 2, 3)).any() for one in row)
    page = write_report(stargan_run).read_text(encoding="utf-8")
    assert labels_of(folder.strip)[0] == "original"
    assert (
        "Each step changes the same pictures, a column each, by the same words; the first row has the originals."
        in page
    )
    assert "noise vector" not in page
    assert "the same noise" not in page


def test_the_sheet_of_samples_begins_with_the_originals(
    stargan_run: Path, trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    arguments = ["sample", "black hair", "blonde hair", "--n", "3", "--seed", "5", "--out", str(sheet)]
    assert main([*arguments, "--run", str(stargan_run)]) == 0
    assert labels_of(sheet) == ["original", "black hair", "blonde hair"]
    generator = load_generator(stargan_run)
    originals, changed = originals_of(generator, 3, seed=5), generator.generate_texts(["blonde hair"] * 3, seed=5)
    assert originals is not None
    for row, expected in ((0, originals), (2, changed)):
        np.testing.assert_array_equal(pictures_of_row(sheet, row), expected.permute(0, 2, 3, 1).numpy())
    assert main([*arguments[:1], *arguments[3:], "--run", str(trained_folder)]) == 0
    assert "original" not in labels_of(sheet)
    capsys.readouterr()
