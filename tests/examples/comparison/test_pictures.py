"""The same prompts with the same latents."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from examples.anime_faces.comparison import draw_gallery, read_entries
from examples.anime_faces.comparison._pictures import enlarged, gallery_sheet
from examples.anime_faces.run import load_generator, originals_of


def test_all_runs_draw_the_prompts_that_all_understand(labels: Path, texts: Path) -> None:
    entries = read_entries([labels, texts])
    gallery = draw_gallery(entries, prompts=(), n=3, seed=11)
    prompts = list(dict.fromkeys(row.prompt for row in gallery.rows))
    assert prompts[:4] == ["blue hair blue eyes", "blue hair green eyes", "blue hair red eyes", "green hair blue eyes"]
    assert len(prompts) == 5
    assert [row.entry.number for row in gallery.rows] == [1, 2] * 5
    assert gallery.shared
    expected = load_generator(texts).generate_texts([prompts[2]] * 3, seed=13)  # the third one, as `sample` draws it
    np.testing.assert_array_equal(gallery.rows[5].images, expected.permute(0, 2, 3, 1).numpy())


def test_runs_of_one_form_have_the_same_latents(labels: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(labels, tmp_path / "copied")
    gallery = draw_gallery(read_entries([labels, Path(copied)]), prompts=("blue hair",), n=2, seed=0)
    np.testing.assert_array_equal(gallery.rows[0].images, gallery.rows[1].images)


def test_each_run_draws_its_own_where_nothing_is_understood_by_all(labels: Path, stargan_run: Path) -> None:
    gallery = draw_gallery(read_entries([labels, stargan_run]), prompts=(), n=2, seed=0)
    assert not gallery.shared
    assert [(row.entry.number, row.prompt == "original") for row in gallery.rows] == [
        (2, True),
        *[(1, False)] * 3,
        *[(2, False)] * 3,
    ]
    sheet = gallery_sheet(gallery)
    assert sheet is not None
    assert sheet.layout.begins == (1, 4)
    assert sheet.layout.notes[::3] == ("2 stargan", "1 labels", "2 stargan")


def test_runs_that_change_pictures_change_the_same_ones_for_all_prompts(stargan_run: Path, tmp_path: Path) -> None:
    """The picture that was changed was shown nowhere."""
    copied = Path(shutil.copytree(stargan_run, tmp_path / "copied"))
    gallery = draw_gallery(read_entries([stargan_run, copied]), prompts=("black hair", "blonde hair"), n=3, seed=7)
    assert [row.prompt for row in gallery.rows] == ["original", *["black hair"] * 2, *["blonde hair"] * 2]
    generator = load_generator(stargan_run)
    originals = originals_of(generator, 3, seed=7)
    assert originals is not None
    np.testing.assert_array_equal(gallery.rows[0].images, originals.permute(0, 2, 3, 1).numpy())
    again = generator.generate_texts(["blonde hair"] * 3, seed=7)
    np.testing.assert_array_equal(gallery.rows[3].images, again.permute(0, 2, 3, 1).numpy())


def test_a_prompt_that_some_run_does_not_understand_is_named(labels: Path, texts: Path) -> None:
    entries = read_entries([labels, texts])
    with pytest.raises(ValueError, match=r"--prompt must be understood by every run, but not by 1 labels: .*'touhou'"):
        draw_gallery(entries, prompts=("blue hair", "touhou"), n=2, seed=0)


def test_runs_that_draw_nothing_are_noted(labels: Path, texts: Path) -> None:
    first, second = read_entries([labels, texts])
    entries = [replace(first, step=None), replace(second, settings=replace(second.settings, recipe="mine.own"))]
    gallery = draw_gallery(entries, prompts=(), n=2, seed=0)
    assert gallery.rows == []
    assert gallery.notes == [
        "1 labels has no checkpoint, so it draws nothing.",
        "2 texts has the recipe mine.own, which is imported only with --recipe mine.own.",
    ]
    assert gallery_sheet(gallery) is None


def test_the_sheet_has_a_row_for_each_prompt_and_run(labels: Path, texts: Path) -> None:
    gallery = draw_gallery(read_entries([labels, texts]), prompts=("blue hair", "red eyes"), n=3, seed=0)
    sheet = gallery_sheet(gallery)
    assert sheet is not None
    assert sheet.layout.labels == ("blue hair", "", "red eyes", "")
    assert sheet.layout.notes == ("1 labels", "2 texts") * 2
    assert (sheet.layout.side, list(sheet.layout.columns)) == (64, [3])


def test_pixels_stay_squares_when_a_picture_is_enlarged() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 3), dtype=np.uint8)
    np.testing.assert_array_equal(enlarged(images, 9), images.repeat(3, axis=1).repeat(3, axis=2))
    assert enlarged(images, 3) is images
