"""Reading sheets again: damaged ones name their file, and what does not fit a picture is not believed."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.run import Block, draw_sheet
from examples.anime_faces.run._sheet_files import read_layout, read_sheet
from examples.anime_faces.run._sheets import LAYOUT, Layout

# Two rows; a block of three columns at 5 and one of one column at 40: it ends at 45 + 4, and the second row at 7 + 6 + 4.
FITTING: dict[str, Any] = {
    "labels": ["a", "b"],
    "headings": ["x", "y"],
    "lefts": [5, 40],
    "columns": [3, 1],
    "top": 7,
    "side": 4,
    "step": 6,
}
WIDTH, HEIGHT = 44, 17


def layout_of(record: object, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Layout | None:
    picture = Image.new("RGB", size)
    picture.info[LAYOUT] = json.dumps(record)
    return read_layout(picture)


def test_a_layout_that_just_fits_its_picture_is_read() -> None:
    assert layout_of(FITTING) == Layout(**FITTING)
    more = {**FITTING, "notes": ["new", ""], "begins": []}
    assert layout_of(more) == Layout(**more)
    assert layout_of({**FITTING, "top": 0, "lefts": [0, 40]}) is not None
    assert layout_of({**FITTING, "side": 1, "step": 1}) is not None
    wide = {**FITTING, "lefts": [28, 5]}  # the first block ends last
    assert layout_of(wide) == Layout(**wide)
    assert layout_of({**FITTING, "begins": [1]}, (WIDTH, HEIGHT + 12)) is not None


@pytest.mark.parametrize("size", [(WIDTH - 1, HEIGHT), (WIDTH, HEIGHT - 1)])
def test_a_layout_that_is_larger_than_its_picture_by_one_pixel_is_not_believed(size: tuple[int, int]) -> None:
    assert layout_of(FITTING, size) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": []},
        {"lefts": [], "headings": [], "columns": []},
        {"headings": ["x"]},
        {"columns": [3]},
        {"lefts": [5]},
        {"notes": ["new"]},
        {"side": 0},
        {"side": 4, "step": 3},
        {"top": -1},
        {"lefts": [-1, 40]},
        {"lefts": [5, -1]},
        {"columns": [3, 0]},
        {"columns": [0, 1]},
        {"lefts": [29, 5]},
        {"begins": [1]},
        {"top": "7"},
        {"labels": [1, 2]},
        {"more": 1},
    ],
)
def test_a_layout_that_no_sheet_has_is_not_believed(wrong: dict[str, Any]) -> None:
    assert layout_of({**FITTING, **wrong}) is None


def test_a_sheet_comes_back_as_it_was_drawn_with_what_stands_where(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4, 3), dtype=np.uint8)
    sheet = draw_sheet(["a", "b"], [Block("x", images)], scale=2, notes=["new", ""], begins=[1])
    sheet.save(tmp_path / "sheet.png")
    read = read_sheet(tmp_path / "sheet.png")
    assert read.tobytes() == sheet.image.tobytes()
    layout = read_layout(read)
    assert layout is not None
    assert (list(layout.lefts), layout.top, list(layout.notes)) == (list(sheet.layout.lefts), 33, ["new", ""])
    assert [layout.top_of(row) for row in range(3)] == [33, 55, 65]


def test_a_picture_that_is_no_png_is_not_opened(tmp_path: Path) -> None:
    Image.new("RGB", (3, 3)).save(tmp_path / "sheet.png", format="BMP")
    with pytest.raises(
        ValueError, match=r"sheet\.png is damaged or cut off \(cannot identify image file .*\): remove it$"
    ):
        read_sheet(tmp_path / "sheet.png")


def test_a_large_sheet_is_read_without_a_warning_and_one_far_too_large_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sheet.png"
    Image.new("RGB", (15, 10)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    before = list(warnings.filters)
    assert read_sheet(path).size == (15, 10)
    assert list(warnings.filters) == before  # other pictures are warned of as before
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 74)
    with pytest.raises(ValueError, match=r"sheet\.png is damaged or cut off \(Image size \(150 pixels\) exceeds limit"):
        read_sheet(path)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder"):
        read_sheet(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_sheet(tmp_path / "sheet.png")


def test_an_error_of_the_system_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (3, 3)).save(tmp_path / "sheet.png")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(PermissionError):
        read_sheet(tmp_path / "sheet.png")
