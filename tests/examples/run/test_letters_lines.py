"""Labels and notes: how wide they are, where they break, and what stands for letters that cannot be drawn."""

from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import ImageFont

from examples.anime_faces.run import _letters as letters
from examples.anime_faces.run._letters import FONT_SIZE, PILLOWS, broken, font_of, lettered, noted, write_legend

DEJAVU = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


@pytest.fixture
def two_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts: Pillow's has English letters, and that of matplotlib European ones."""
    monkeypatch.setattr(letters, "_file_with", lambda needed: DEJAVU if max(needed) < 0x500 else None)


def width_of(text: str, file: str) -> int:
    font = ImageFont.truetype(file, 13) if file else ImageFont.load_default(13)
    return round(font.getlength(text))


@pytest.mark.usefixtures("two_fonts")
def test_a_label_is_as_wide_as_its_widest_line() -> None:
    label = lettered("purple eyes and red hair", 3, most_lines=2)
    assert (label.text, label.font, label.is_number) == (
        "purple eyes\nand red hair",
        font_of(PILLOWS, FONT_SIZE),
        False,
    )
    assert label.width == max(width_of("purple eyes", PILLOWS), width_of("and red hair", PILLOWS))
    assert label.width != width_of("purple eyes", PILLOWS)
    assert type(label.width) is int
    short = lettered(" café\n", 3, most_lines=2)
    assert short == ("café", font_of(DEJAVU, FONT_SIZE), width_of("café", DEJAVU), False)


@pytest.mark.usefixtures("two_fonts")
def test_a_number_stands_for_a_label_whose_letters_no_font_has() -> None:
    assert lettered("青髪", 12, most_lines=2) == ("[12]", font_of(PILLOWS, FONT_SIZE), width_of("[12]", PILLOWS), True)


def test_no_label_has_more_lines_than_fit() -> None:
    label = "touhou onozuka komachi shikieiki yamaxanadu tanabata one two three four five six seven"
    assert lettered(label, 1, most_lines=1).text == "touhou onozuka ..."
    assert lettered(label, 1, most_lines=3).text.count("\n") == 2
    assert broken(label).count("\n") == 1  # two, unless something else is asked for


@pytest.mark.usefixtures("two_fonts")
def test_a_note_is_one_line_of_at_most_32_letters() -> None:
    text = "exactly thirty-two letters of it"
    assert len(text) == 32
    assert noted(text) == (text, font_of(PILLOWS, FONT_SIZE), width_of(text, PILLOWS), False)
    long = noted(f"{text}!")
    assert long == ("exactly thirty-two letters of...", long.font, width_of(long.text, PILLOWS), False)
    assert type(long.width) is int


@pytest.mark.usefixtures("two_fonts")
def test_a_note_leaves_out_letters_that_no_font_has_but_not_those_of_another_one() -> None:
    assert noted("not in  training").text == "not in training"
    assert noted("in café").font is font_of(DEJAVU, FONT_SIZE)
    assert noted("in café").text == "in café"
    assert noted("青髪 blue") == ("blue", font_of(PILLOWS, FONT_SIZE), width_of("blue", PILLOWS), False)


def test_a_legend_says_what_each_number_stands_for(tmp_path: Path) -> None:
    write_legend(tmp_path / "legend.txt", {1: "青髪\tblue", 12: "cafe\u0301"})
    assert (tmp_path / "legend.txt").read_text(encoding="utf-8") == "[1] 青髪 blue\n[12] café\n"


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("sixteen letters.", ["sixteen letters."]),
        ("seventeen letters", ["seventeen", "letters"]),
        ("very long blonde hair, red eyes", ["very long blonde", "hair, red eyes"]),
        ("a b c d e extraordinarily", ["a b c d e", "extraordinarily"]),
        ("extraordinarily a b c d e", ["extraordinarily", "a b c d e"]),
        ("x" * 24, ["x" * 24]),
        ("x" * 25, ["x" * 24, "x"]),
        (f"{'a' * 11} {'b' * 12} {'c' * 11}", ["a" * 11, f"{'b' * 12} {'c' * 11}"]),  # 24 letters fit
        ("青い 髪", ["青い", "髪"]),  # a wide letter takes the place of two
        ("青髪", ["青髪"]),
        ("青" * 12, ["青" * 12]),
        ("青" * 12 + " hair", ["青" * 12, "hair"]),
        ("青" * 7 + " " + "髪" * 13, ["青" * 7 + " " + "髪" * 4, "髪" * 9]),
    ],
)
def test_a_label_breaks_where_its_lines_are_shortest(label: str, lines: list[str]) -> None:
    assert broken(label, most_lines=2).split("\n") == lines
