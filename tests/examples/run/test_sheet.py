import numpy as np
import pytest

from examples.anime_faces.run import Block, draw_sheet
from examples.anime_faces.run._sheet import _broken


def colored(rows: int, columns: int) -> np.ndarray:
    images = np.zeros((rows, columns, 8, 8, 3), dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            images[row, column] = (40 * row + 10, 30 * column + 10, 7)
    return images


def test_every_picture_is_on_the_sheet_in_its_place() -> None:
    sheet = np.asarray(
        draw_sheet(["a", "b", "c"], [Block("left", colored(3, 2)), Block("right", colored(3, 4))], scale=3)
    )
    places = {}
    for row in range(3):
        for column in range(4):
            found = np.argwhere((sheet == (40 * row + 10, 30 * column + 10, 7)).all(axis=-1))
            assert len(found) == 24 * 24 * (2 if column < 2 else 1)
            places[row, column] = found[0].tolist()
    assert places[0, 0][0] < places[1, 0][0] < places[2, 0][0]
    assert places[1, 0][1] < places[1, 1][1] < places[1, 2][1] < places[1, 3][1]


def test_labels_are_drawn_and_widen_the_sheet() -> None:
    short, long = (draw_sheet([text], [Block("", colored(1, 1))]) for text in ("x", "a very much longer label"))
    assert long.size[0] > short.size[0]
    blank = draw_sheet([""], [Block("", colored(1, 1))])
    assert (np.asarray(short) != 255).sum() > (np.asarray(blank) != 255).sum()


def test_labels_break_between_their_halves() -> None:
    assert _broken("blonde hair purple eyes") == "blonde hair\npurple eyes"
    assert _broken("cat") == "cat"
    assert _broken("averyveryverylongword") == "averyveryverylongword"


def test_lists_of_tags_are_cut_to_the_lines_that_fit() -> None:
    label = "touhou onozuka komachi shikieiki yamaxanadu tanabata one two three four five six seven"
    for most in (2, 3):
        lines = _broken(label, most_lines=most).split("\n")
        assert len(lines) == most
        assert lines[0] == "touhou onozuka komachi"
        assert max(map(len, lines)) <= 24
    assert lines[-1] == "tanabata one two ..."
    text = [Block("", colored(1, 1))]
    assert draw_sheet([label], text).size[0] < 220


def test_rows_and_labels_must_agree() -> None:
    with pytest.raises(ValueError, match="a block has 2 rows, but there are 3 labels"):
        draw_sheet(["a", "b", "c"], [Block("", colored(2, 2))])


def test_blanks_of_any_kind_are_drawn_as_one() -> None:
    images = np.zeros((1, 2, 32, 32, 3), np.uint8)
    plain, odd = (draw_sheet([label], [Block("", images)]) for label in ("red hair", " red\t hair\n"))
    assert plain.tobytes() == odd.tobytes()
