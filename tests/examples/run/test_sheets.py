"""Sheets of samples: their pictures, labels and headings."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.run import Block, draw_sheet, read_layout
from examples.anime_faces.run._sheet_files import read_sheet
from examples.anime_faces.run._sheets import GAP, LAYOUT, LINE_HEIGHT, MARGIN, ROOM


def colored(rows: int, columns: int) -> np.ndarray:
    images = np.zeros((rows, columns, 8, 8, 3), dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            images[row, column] = (40 * row + 10, 30 * column + 10, 7)
    return images


def test_a_heading_with_signs_that_cannot_be_drawn_is_drawn_without_them() -> None:
    one, other = (draw_sheet(["a"], [Block(heading, colored(1, 1))]) for heading in ("O8\xa5C", "\x1dO8\xa5C"))
    assert np.array_equal(np.asarray(one.image), np.asarray(other.image))


def test_every_picture_is_on_the_sheet_in_its_place() -> None:
    sheet = np.asarray(
        draw_sheet(["a", "b", "c"], [Block("left", colored(3, 2)), Block("right", colored(3, 4))], scale=3).image
    )
    places = {}
    for row in range(3):
        for column in range(4):
            found = np.argwhere((sheet == (40 * row + 10, 30 * column + 10, 7)).all(axis=-1))
            assert len(found) == 24 * 24 * (2 if column < 2 else 1)
            places[row, column] = found[0].tolist()
    assert places[0, 0][0] < places[1, 0][0] < places[2, 0][0]
    assert places[1, 0][1] < places[1, 1][1] < places[1, 2][1] < places[1, 3][1]


def test_a_row_of_pictures_ends_where_its_margin_begins() -> None:
    sheet = draw_sheet([""], [Block("", colored(1, 3))], scale=2)
    inner = np.asarray(sheet.image)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert inner.shape == (16, 3 * 16 + 2 * GAP, 3)
    assert (inner[:, -1] == colored(1, 3)[0, 2, 0, 0]).all()


def test_a_note_takes_a_line_of_the_label() -> None:
    label, pictures = " ".join(["label"] * 60), [Block("", colored(1, 1))]
    alone, noted = (draw_sheet([label], pictures, scale=10, notes=notes) for notes in ((), ("note",)))

    def lines_of(sheet: Image.Image) -> int:
        ink = np.asarray(np.less(np.asarray(sheet)[:, : MARGIN * 8], 200).any(axis=(1, 2)))
        return int((ink[1:] & ~ink[:-1]).sum())

    assert lines_of(noted.image) <= lines_of(alone.image) == 80 // LINE_HEIGHT


def test_a_sheet_that_is_not_there_is_an_error_of_the_system_and_a_damaged_one_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    with pytest.raises(FileNotFoundError):
        read_sheet(path)
    draw_sheet(["a"], [Block("", colored(1, 1))]).save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"sheet\.png is damaged or cut off"):
        read_sheet(path)


def test_headings_do_not_run_into_each_other() -> None:
    heading = "a heading wider than its pictures"
    narrow = [Block("left", colored(1, 1)), Block("right", colored(1, 1))]
    wide = [Block(heading, colored(1, 1)), Block(heading, colored(1, 1))]
    first, second = draw_sheet([""], narrow), draw_sheet([""], wide)
    width = second.layout.lefts[1] - second.layout.lefts[0] - 14
    assert width > len(heading) * 3 > first.layout.lefts[1] - first.layout.lefts[0]
    assert second.image.size[0] == second.layout.lefts[1] + width + 12
    ink = (np.asarray(second.image)[:24] != 255).any(axis=(0, 2))
    assert ink[second.layout.lefts[0] : second.layout.lefts[0] + width].mean() > 0.5
    assert not ink[second.layout.lefts[0] + width + 1 : second.layout.lefts[1]].any()


def test_labels_are_drawn_and_widen_the_sheet() -> None:
    short, long = (draw_sheet([text], [Block("", colored(1, 1))]).image for text in ("x", "a very much longer label"))
    assert long.size[0] > short.size[0]
    blank = draw_sheet([""], [Block("", colored(1, 1))]).image
    assert (np.asarray(short) != 255).sum() > (np.asarray(blank) != 255).sum()


def test_rows_and_labels_must_agree() -> None:
    with pytest.raises(ValueError, match="a block has 2 rows, but there are 3 labels"):
        draw_sheet(["a", "b", "c"], [Block("", colored(2, 2))])


def test_blanks_of_any_kind_are_drawn_as_one() -> None:
    images = np.zeros((1, 2, 32, 32, 3), np.uint8)
    plain, odd = (draw_sheet([label], [Block("", images)]).image for label in ("red hair", " red\t hair\n"))
    assert plain.tobytes() == odd.tobytes()


def test_a_file_says_what_stands_where(tmp_path: Path) -> None:
    long = "an endless list of words " * 20
    sheet = draw_sheet(["a", long, "青"], [Block("left", colored(3, 2)), Block("right", colored(3, 4))], scale=3)
    sheet.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as picture:
        layout = read_layout(picture)
        assert layout is not None
        assert (list(layout.labels), list(layout.headings)) == (["a", long, "青"], ["left", "right"])
        assert (layout.side, layout.step, list(layout.columns)) == (24, 26, [2, 4])
        for block, columns in enumerate(layout.columns):
            for row in range(3):
                for column in range(columns):
                    x, y = layout.lefts[block] + column * layout.step, layout.top + row * layout.step
                    cut = np.asarray(picture.crop((x, y, x + layout.side, y + layout.side)))
                    assert (cut == (40 * row + 10, 30 * column + 10, 7)).all()


@pytest.mark.parametrize("text", [None, "{", "[]", '{"labels": []}', "3"])
def test_a_picture_that_says_nothing_has_no_layout(text: str | None) -> None:
    picture = Image.new("RGB", (3, 3))
    if text is not None:
        picture.info[LAYOUT] = text
    assert read_layout(picture) is None


def test_labels_without_a_font_are_numbers_with_a_legend_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.anime_faces.run._letters.font_file", lambda text: "" if text.isascii() else None)
    images = [Block("", colored(3, 2))]
    sheet = draw_sheet(["cat", "青髪", "cafe\u0301"], images)
    assert sheet.numbered == {2: "青髪", 3: "cafe\u0301"}
    assert sheet.image.tobytes() == draw_sheet(["cat", "[2]", "[3]"], images).image.tobytes()
    assert sheet.save(tmp_path / "sheet.png") == tmp_path / "sheet.legend.txt"
    assert (tmp_path / "sheet.legend.txt").read_text(encoding="utf-8") == "[2] 青髪\n[3] café\n"
    assert draw_sheet(["cat", "a", "b"], images).save(tmp_path / "plain.png") is None
    assert not (tmp_path / "plain.legend.txt").exists()


def test_blocks_of_one_size_have_one_distance_whatever_their_headings() -> None:
    """Long headings made uneven gaps between the columns of a strip."""
    picture = np.zeros((2, 1, 64, 64, 3), np.uint8)
    lefts = draw_sheet(
        ["a", "b"], [Block(name, picture) for name in ("x", "a very long heading", "y", "z")]
    ).layout.lefts
    assert len(set(np.diff(lefts).tolist())) == 1
    wide = np.zeros((2, 3, 64, 64, 3), np.uint8)
    lefts = draw_sheet(["a", "b"], [Block("x", picture), Block("y", wide), Block("z", picture)]).layout.lefts
    first, second = np.diff(lefts).tolist()
    assert second > first + 100


def test_there_is_more_room_before_rows_with_which_something_begins() -> None:
    """The rows of a comparison ran together."""
    pictures = np.stack([np.full((1, 64, 64, 3), 40 * (row + 1), np.uint8) for row in range(4)])
    close, apart = (draw_sheet(list("abcd"), [Block("", pictures)], begins=begins) for begins in ((), (1, 3)))
    layout = apart.layout
    tops = [layout.top_of(row) for row in range(4)]
    assert np.diff(tops).tolist() == [layout.step + ROOM, layout.step, layout.step + ROOM]
    assert apart.image.height == close.image.height + 2 * ROOM
    pixels, x = np.asarray(apart.image), layout.lefts[0]
    for row, top in enumerate(tops):
        assert (pixels[top : top + layout.side, x : x + layout.side] == 40 * (row + 1)).all()
        assert (pixels[top + layout.side : top + layout.side + 2, x] == 255).all()
    assert [close.layout.top_of(row) for row in range(3)] == [layout.top + row * layout.step for row in range(3)]
