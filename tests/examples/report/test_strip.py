"""The strip: the same prompts and latents over the steps."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gankit as gk
from examples.anime_faces.__main__ import main
from examples.anime_faces.report import write_report
from examples.anime_faces.report._pictures import strip_of
from examples.anime_faces.report._strip import write_strip
from examples.anime_faces.run import Block, RunFolder, draw_sheet, load_any_checkpoint, load_generator, read_layout

LABELS = ["blue hair", "red  hair", "café"]


def color(step: int, row: int, column: int) -> tuple[int, int, int]:
    return step, 10 * row, 20 * column


def write_grid(folder: RunFolder, step: int, labels: list[str] = LABELS) -> None:
    """A grid whose pictures have one color each, which says where they come from."""
    images = np.zeros((len(labels), 5, 64, 64, 3), dtype=np.uint8)
    for row in range(len(labels)):
        for column in range(5):
            images[row, column] = color(step, row, column)
    folder.grids.mkdir(parents=True, exist_ok=True)
    draw_sheet(labels, [Block("average", images), Block("raw", 255 - images)]).save(folder.grid(step))


def shown(path: Path) -> tuple[list[str], list[str], list[list[object]]]:
    """The labels, the headings, and the color of each picture."""
    with Image.open(path) as sheet:
        layout = read_layout(sheet)
        assert layout is not None
        rows: list[list[object]] = [
            [sheet.getpixel((left + 30, layout.top + row * layout.step + 30)) for left in layout.lefts]
            for row in range(len(layout.labels))
        ]
    return list(layout.labels), list(layout.headings), rows


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_each_prompt_of_the_grids_has_a_row_with_a_picture_of_every_step(folder: RunFolder) -> None:
    assert write_strip(folder) is None
    for step in (0, 50, 200):
        write_grid(folder, step)
    assert write_strip(folder) == folder.strip
    labels, headings, rows = shown(folder.strip)
    assert (labels, headings) == (["blue hair", "red hair", "café"], ["0", "50", "200"])
    assert rows == [[color(step, row, 0) for step in (0, 50, 200)] for row in range(3)]


def test_one_prompt_has_a_row_for_each_latent(folder: RunFolder) -> None:
    for step in (0, 50):
        write_grid(folder, step)
    write_strip(folder, ["red hair"])
    labels, _, rows = shown(folder.strip)
    assert labels == ["red hair", "", "", "", ""]
    assert rows == [[color(step, 1, column) for step in (0, 50)] for column in range(5)]


def test_about_ten_steps_are_shown_and_every_kept_one(folder: RunFolder) -> None:
    for step in range(0, 240, 4):
        write_grid(folder, step, ["a"])
    folder.kept.mkdir()
    for step in (8, 12):
        (folder.kept / f"checkpoint-{step}.pt").touch()
    write_strip(folder)
    _, headings, _ = shown(folder.strip)
    assert {"0", "8", "12", "236"} <= set(headings)
    assert 10 <= len(headings) <= 12


def test_grids_of_another_layout_are_left_out(folder: RunFolder) -> None:
    write_grid(folder, 0, ["other"])
    write_grid(folder, 4)
    Image.new("RGB", (50, 40)).save(folder.grid(8))
    write_strip(folder)
    assert shown(folder.strip)[1] == ["4"]


@pytest.fixture
def run(trained_folder: Path, tmp_path: Path) -> Path:
    """A copy of a run that kept one checkpoint."""
    copied = tmp_path / "copied"
    shutil.copytree(trained_folder, copied)
    state = load_any_checkpoint(copied)
    gk.training.Checkpoints(copied / "kept").save(4, {**state, "step": 4})
    return copied


def test_any_prompt_is_drawn_from_the_kept_checkpoints_with_the_same_latents(run: Path) -> None:
    write_strip(RunFolder(run), ["blue hair pink eyes"])
    strip = strip_of(run / "strip.png")
    assert strip is not None
    assert strip.steps == ["4", "7"]
    assert [row.label for row in strip.rows] == ["blue hair pink eyes", "", "", "", ""]
    expected = load_generator(run).generate_texts(["blue hair pink eyes"] * 5, seed=20)
    with Image.open(run / "strip.png") as sheet:
        layout = read_layout(sheet)
        assert layout is not None
        (x, again), y = layout.lefts, layout.top
        drawn = np.asarray(sheet.convert("RGB"))[y : y + 64 : 2, x : x + 64 : 2]
        np.testing.assert_array_equal(drawn, expected[0].permute(1, 2, 0).numpy())
        np.testing.assert_array_equal(drawn, np.asarray(sheet.convert("RGB"))[y : y + 64 : 2, again : again + 64 : 2])


def test_a_prompt_that_cannot_be_shown_is_named(
    run: Path, trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained_folder, tmp_path / "plain")
    assert main(["report", str(tmp_path / "plain"), "--prompt", "blue hair pink eyes"]) == 2
    error = capsys.readouterr().err
    assert "error: --prompt must be one that the grids of" in error
    assert re.search(r" show \(\w+ hair \w+ eyes; .*\), but it is", error)
    assert "but it is 'blue hair pink eyes'; a run that was trained with --keep STEPS" in error
    assert main(["report", str(run), "--prompt", "blu hair"]) == 2
    assert "'blu hair' is not known" in capsys.readouterr().err


def test_the_page_shows_the_strip(run: Path) -> None:
    page = write_report(run).read_text(encoding="utf-8")
    assert '<h2 id="strip">' in page
    section = page.split('<h2 id="strip">')[1].split("<h2")[0]
    assert section.count("<img") == 8 * 4  # rows of the grid, and its steps
    assert "<th>step</th><th>0</th><th>3</th><th>6</th><th>7</th>" in section
