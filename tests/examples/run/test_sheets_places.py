"""Where each picture and each text of a sheet stands, to the pixel."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw

from examples.anime_faces.run import Block, Sheet, draw_sheet
from examples.anime_faces.run._letters import broken, font_of
from examples.anime_faces.run._sheets import FAINT, INK, Layout

DEJAVU = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
Text = tuple[tuple[float, float], str, str, str]  # where, what, which point of it, color


def random(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows).integers(0, 255, (rows, columns, 4, 4, 3), dtype=np.uint8)


def width_of(text: str, file: str = "") -> int:
    return round(font_of(file, 13).getlength(text))


def is_page(
    sheet: Sheet, pictures: Sequence[tuple[tuple[int, int], np.ndarray]], texts: Sequence[Text] = (), file: str = ""
) -> bool:
    """Whether a sheet is white, but for pictures and texts where a test wants them."""
    page = Image.new("RGB", sheet.image.size, "white")
    draw = ImageDraw.Draw(page)
    for place, picture in pictures:
        large = picture.repeat(sheet.layout.side // 4, axis=0).repeat(sheet.layout.side // 4, axis=1)
        page.paste(Image.fromarray(large), place)
    for place, text, anchor, color in texts:
        draw.multiline_text(place, text, color, font_of(file, 13), anchor, spacing=3, align="right")
    return page.tobytes() == sheet.image.tobytes()


def test_pictures_stand_beside_and_below_each_other_with_margins_around() -> None:
    left, right = random(2, 3), random(2, 1)
    sheet = draw_sheet(["", ""], [Block("", left), Block("", right)], scale=2)
    assert sheet.layout == Layout(("", ""), ["", ""], lefts=[12, 54], columns=[3, 1], top=12, side=8, step=10)
    assert sheet.image.size == (74, 42)
    places = [((12 + 10 * column, 12 + 10 * row), left[row, column]) for row in range(2) for column in range(3)]
    assert is_page(sheet, [*places, ((54, 12), right[0, 0]), ((54, 22), right[1, 0])])
    assert sheet.numbered == {}


def test_pictures_have_their_own_size_where_no_other_is_wanted() -> None:
    picture = random(1, 1)
    sheet = draw_sheet([""], [Block("", picture)])
    assert sheet.image.size == (28, 28)
    assert is_page(sheet, [((12, 12), picture[0, 0])])


def test_a_sheet_without_rows_is_empty() -> None:
    sheet = draw_sheet([], [Block("", random(0, 2))])
    assert sheet.image.size == (12 + 10 + 12, 12 - 2 + 12)
    assert is_page(sheet, [])


def test_headings_stand_above_their_blocks() -> None:
    one, two = random(1, 2), random(1, 1)
    sheet = draw_sheet([""], [Block("one", one), Block("two", two)], scale=10)
    assert (sheet.layout.headings, sheet.layout.lefts, sheet.layout.top) == (["one", "two"], [12, 108], 33)
    assert sheet.image.size == (160, 85)
    texts = [((12, 12), "one", "la", FAINT), ((108, 12), "two", "la", FAINT)]
    assert is_page(sheet, [((12, 33), one[0, 0]), ((54, 33), one[0, 1]), ((108, 33), two[0, 0])], texts)


def test_one_block_with_a_heading_moves_the_pictures_of_all() -> None:
    sheet = draw_sheet([""], [Block("", random(1, 2)), Block("two", random(1, 1))], scale=10)
    assert sheet.layout.top == 33


@pytest.mark.parametrize(("heading", "file"), [("wider than its pictures", ""), ("Привет", DEJAVU)])
def test_a_heading_is_drawn_in_a_font_that_has_its_letters_and_widens_its_block(heading: str, file: str) -> None:
    picture, width = random(1, 1), width_of(heading, file)
    sheet = draw_sheet([""], [Block(heading, picture)])
    assert sheet.image.size == (12 + width + 12, 33 + 4 + 12)
    assert is_page(sheet, [((12, 33), picture[0, 0])], [((12, 12), heading, "la", FAINT)], file)


def test_blocks_of_one_size_are_all_as_wide_as_the_widest_heading_needs() -> None:
    wide = width_of("wider than its pictures")
    sheet = draw_sheet([""], [Block(text, random(1, 1)) for text in ("x", "wider than its pictures", "y")])
    assert sheet.layout.lefts == [12, 12 + wide + 14, 12 + 2 * (wide + 14)]
    assert sheet.image.width == 12 + 3 * wide + 2 * 14 + 12


def test_a_heading_whose_letters_no_font_has_is_drawn_in_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._sheets.font_file", lambda text: None)
    picture = random(1, 1)
    assert is_page(draw_sheet([""], [Block("é", picture)]), [((12, 33), picture[0, 0])], [((12, 12), "é", "la", FAINT)])


def test_labels_end_beside_the_middle_of_their_rows_and_the_widest_makes_room() -> None:
    pictures = random(2, 1)
    sheet = draw_sheet(["ab", "blonde hair purple eyes"], [Block("", pictures)], scale=16)
    width = max(width_of("blonde hair"), width_of("purple eyes"))
    assert sheet.layout.lefts == [12 + width + 12]
    assert sheet.image.size == (12 + width + 12 + 64 + 12, 12 + 2 * 66 - 2 + 12)
    right = 12 + width
    texts = [((right, 44), "ab", "rm", INK), ((right, 110), "blonde hair\npurple eyes", "rm", INK)]
    places = [((right + 12, 12), pictures[0, 0]), ((right + 12, 78), pictures[1, 0])]
    assert is_page(sheet, places, texts)


def test_a_note_stands_below_its_label_or_in_its_place() -> None:
    pictures, note = random(4, 1), "in training"
    labels = ["ab", "", "cd", "blonde hair purple eyes"]
    sheet = draw_sheet(labels, [Block("", pictures)], scale=16, notes=[note, note, "", "new"], begins=[2])
    width = max(width_of("blonde hair"), width_of("purple eyes"), width_of(note))
    right, tops = 12 + width, [12, 78, 156, 222]  # there is more room before the third row
    assert (sheet.layout.notes, sheet.layout.begins) == ((note, note, "", "new"), (2,))
    assert [sheet.layout.top_of(row) for row in range(5)] == [*tops, 288]
    assert sheet.image.height == 288 - 2 + 12
    texts = [
        *[((right, 44 - 8), "ab", "rm", INK), ((right, 44 + 8), note, "rm", FAINT)],
        *[((right, 110), note, "rm", FAINT), ((right, 188 - 8), "cd", "rm", INK)],
        *[((right, 254 - 8), "blonde hair\npurple eyes", "rm", INK), ((right, 254 + 16), "new", "rm", FAINT)],
    ]
    assert is_page(sheet, [((right + 12, top), pictures[row, 0]) for row, top in enumerate(tops)], texts)


def test_a_note_that_is_wider_than_all_labels_makes_room() -> None:
    sheet = draw_sheet(["a"], [Block("", random(1, 1))], notes=["in training"])
    assert sheet.layout.lefts == [12 + width_of("in training") + 12]


@pytest.mark.parametrize(("scale", "notes", "lines"), [(20, (), 5), (20, ("",), 4), (4, (), 2), (8, ("",), 2)])
def test_a_long_label_has_as_many_lines_as_fit_beside_its_pictures_and_two_at_least(
    scale: int, notes: Sequence[str], lines: int
) -> None:
    picture, label = random(1, 1), "label " * 60
    sheet = draw_sheet([label], [Block("", picture)], scale=scale, notes=notes)
    left, shown = sheet.layout.lefts[0], broken(label.strip(), most_lines=lines)
    assert len(shown.splitlines()) == lines
    middle = 12 + 2 * scale - (8 if notes else 0)
    assert is_page(sheet, [((left, 12), picture[0, 0])], [((left - 12, middle), shown, "rm", INK)])


def test_the_legend_of_numbered_labels_is_written_where_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.anime_faces.run._letters.font_file", lambda text: "" if text.isascii() else None)
    sheet = draw_sheet(["a", "青"], [Block("", random(2, 1))])
    assert sheet.save(tmp_path / "sheet.png", legend=tmp_path / "legend.txt") == tmp_path / "legend.txt"
    assert (tmp_path / "legend.txt").read_text(encoding="utf-8") == "[2] 青\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["legend.txt", "sheet.png"]
