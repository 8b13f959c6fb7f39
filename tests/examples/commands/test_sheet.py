"""Writing the sheets of `sample` and `transfer`: places that are refused, folders that are made, and the note on letters."""

import os
from pathlib import Path

import numpy as np
import pytest

from examples.anime_faces.commands._sheet import check_place, write_sheet
from examples.anime_faces.run import Block, Sheet, draw_sheet, enlargement


def sheet(*labels: str) -> Sheet:
    return draw_sheet(labels, [Block("", np.zeros((len(labels), 1, 8, 8, 3), np.uint8))])


def test_folders_and_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--out must be a file, such as .*strip\.png, but .* is a folder"):
        check_place(tmp_path, "strip.png")
    with pytest.raises(
        ValueError, match=r"--out must end with \.png, since the sheet is a PNG file, but it is .*a\.jpg"
    ):
        check_place(tmp_path / "a.jpg", "strip.png")
    for name, written in (("a.png", "a.png"), ("a.PNG", "a.PNG"), ("my sheet", "my sheet.png")):
        assert check_place(tmp_path / name, "strip.png") == tmp_path / written
    assert check_place(Path(os.devnull), "strip.png") == Path(os.devnull)


def test_missing_folders_are_made_and_a_legend_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sheet(sheet("plain"), tmp_path / "new" / "a.png", "names")
    assert (tmp_path / "new" / "a.png").exists()
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("examples.anime_faces.run._letters.font_file", lambda text: "" if text.isascii() else None)
    write_sheet(sheet("plain", "\u9752"), tmp_path / "b.png", "prompts")
    legend = tmp_path / "b.legend.txt"
    assert legend.read_text(encoding="utf-8") == "[2] \u9752\n"
    assert capsys.readouterr().out == (
        f"note: no font here has the letters of some prompts: numbers stand for them, which {legend} explains\n"
    )


@pytest.mark.parametrize(("size", "times"), [(4, 16), (21, 4), (32, 2), (33, 2), (63, 2), (64, 1), (128, 1)])
def test_small_pictures_are_enlarged_to_64_pixels_or_more(size: int, times: int) -> None:
    assert enlargement(size) == times
