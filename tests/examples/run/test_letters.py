"""Labels on pictures: each in a font that has its letters, or a number, and never boxes for letters that a font lacks."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw

from examples.anime_faces.run import _letters as letters
from examples.anime_faces.run._letters import FONT_SIZE, PILLOWS, broken, displayed, font_file, font_of, lettered

DEJAVU = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
SMALL = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf")  # a font of few letters
NAMES = [
    "café",
    "cafe\u0301",
    "青髪",
    "شعر أزرق",
    "כחול",
    "😀",
    "👩\u200d🎤",
    "नीला",
    "Привет",
    "ẞ",
    "x\u202ey",
    "bad \udc80",
    "한국",
]


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The fonts of the machine, as tests choose them; the one that matplotlib brings is always first."""
    found: list[str] = []
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda **_: list(found))
    for cache in (letters._files, letters._file_with):
        cache.cache_clear()
    yield found
    for cache in (letters._files, letters._file_with):
        cache.cache_clear()


def drawn(text: str, file: str) -> np.ndarray:
    picture = Image.new("L", (60, 40))
    ImageDraw.Draw(picture).text((10, 10), text, fill=255, font=font_of(file, FONT_SIZE))
    return np.asarray(picture)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("fonts")
def test_no_letter_is_drawn_as_the_box_of_a_missing_one(name: str) -> None:
    label = lettered(name, 7, most_lines=3)
    if label.is_number:
        assert label.text == "[7]"
        assert label.font is font_of(PILLOWS, FONT_SIZE)
        return
    file = font_file(displayed(name))
    assert file is not None
    box = drawn("\U0010fffd", file)
    assert box.any()
    assert not any(np.array_equal(drawn(letter, file), box) for letter in displayed(name))


@pytest.mark.usefixtures("fonts")
def test_european_names_are_drawn_on_every_machine_and_others_where_there_is_a_font() -> None:
    assert [font_file(name) for name in ("cat", "café", "Привет")] == [PILLOWS, DEJAVU, DEJAVU]
    assert font_file("青髪") is None


def test_a_font_of_the_system_is_used_if_it_has_all_letters(fonts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    has = {DEJAVU: "abé", SMALL: "青髪é"}
    monkeypatch.setattr(letters, "_letters_of", lambda path: frozenset(map(ord, has[path])))
    fonts += [SMALL]
    assert font_file("青é") == SMALL
    assert font_file("é") == DEJAVU
    assert font_file("青b") is None


def test_fonts_of_boxes_are_not_used(fonts: list[str]) -> None:
    fonts += [
        "/fonts/LastResort.otf",
        "/fonts/NotoColorEmoji.ttf",
        "/fonts/B-Bold.ttf",
        "/fonts/ASerif.ttf",
        "/fonts/Z.ttf",
    ]
    assert letters._files() == (DEJAVU, "/fonts/Z.ttf", "/fonts/ASerif.ttf", "/fonts/B-Bold.ttf")


def test_fonts_that_cannot_be_read_are_passed_over(fonts: list[str], tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    fonts += [str(tmp_path / "broken.ttf"), str(tmp_path / "gone.ttf")]
    assert font_file("青髪") is None


def test_letters_that_join_need_a_library_that_joins_them(fonts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    del fonts
    monkeypatch.setattr("PIL.features.check", lambda name: False)
    assert font_file("שלום") is None
    assert font_file("café") == DEJAVU


def test_looking_through_fonts_ends_after_a_while(fonts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    fonts += [f"/fonts/{number:03}.ttf" for number in range(500)]
    seen: list[str] = []
    clock = iter(range(10_000))
    monkeypatch.setattr(letters.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(letters, "_letters_of", lambda path: seen.append(path) or frozenset())
    monkeypatch.setattr(letters, "_spent", [0.0])
    assert font_file("青髪") is None
    assert len(seen) < 10


def test_invisible_characters_are_left_out() -> None:
    assert displayed(" red\t hair\n") == "red hair"
    assert displayed("cafe\u0301") == "café"
    assert displayed("a\u202eb\ufeff\x1b[0m") == "ab[0m"
    assert displayed("a\udc80") == "a\ufffd"
    assert displayed("क\u094d\u200dष") == "क\u094d\u200dष"


def test_labels_break_between_their_halves() -> None:
    assert broken("blonde hair purple eyes") == "blonde hair\npurple eyes"
    assert broken("cat") == "cat"
    assert broken("averyveryverylongword") == "averyveryverylongword"


def test_long_words_are_broken_and_wide_letters_count_twice() -> None:
    for label, widest in (("x" * 300, 24), ("x" * 40 + " y", 24), ("長い名前" * 20, 12)):
        lines = broken(label, most_lines=3).split("\n")
        assert len(lines) <= 3
        assert max(map(len, lines)) <= widest


def test_lists_of_tags_are_cut_to_the_lines_that_fit() -> None:
    label = "touhou onozuka komachi shikieiki yamaxanadu tanabata one two three four five six seven"
    for most in (2, 3):
        lines = broken(label, most_lines=most).split("\n")
        assert len(lines) == most
        assert lines[0] == "touhou onozuka komachi"
        assert max(map(len, lines)) <= 24
    assert lines[-1] == "tanabata one two ..."
    assert lettered(label, 1, most_lines=2).width < 200


def test_a_font_must_have_the_letters_but_not_blanks_and_joiners(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[frozenset[int]] = []
    monkeypatch.setattr(letters, "_file_with", asked.append)
    monkeypatch.setattr(letters, "_is_shaped", lambda text: False)
    font_file("é b\u200dc")
    assert asked == [frozenset(map(ord, "ébc"))]


def test_a_font_of_fixed_sizes_is_not_drawn_with(monkeypatch: pytest.MonkeyPatch) -> None:
    assert letters._can_draw(DEJAVU) is True
    assert letters._can_draw(str(Path(DEJAVU).with_name("none.ttf"))) is False


@pytest.mark.parametrize("text", ["כחול", "شعر", "é \u0661\u0662", "é \u0905\u093f", "é a\u200db"])
@pytest.mark.parametrize("library", ["raqm", "fribidi", ""])
def test_letters_that_join_need_both_libraries(text: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "_file_with", lambda needed: DEJAVU)
    monkeypatch.setattr("PIL.features.check", lambda name: name != library)
    assert font_file(text) == (None if library else DEJAVU)


def test_the_seconds_of_looking_are_those_of_all_texts_together(
    fonts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts += [f"/fonts/{number:03}.ttf" for number in range(9)]
    seen: list[str] = []
    now = [100.0]

    def look(path: str) -> frozenset[int]:
        seen.append(path)
        now[0] += 1.0
        return frozenset()

    monkeypatch.setattr(letters.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(letters, "_letters_of", look)
    monkeypatch.setattr(letters, "_spent", [0.0])
    assert font_file("青") is None
    assert len(seen) == 4  # a second each: after three, one more
    assert font_file("髪") is None
    assert len(seen) == 5


def test_a_font_with_exactly_the_letters_is_enough_if_it_can_be_drawn_with(
    fonts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts += ["/fonts/a.ttf", "/fonts/b.ttf"]
    monkeypatch.setattr(letters, "_letters_of", lambda path: frozenset(map(ord, "é" if path == DEJAVU else "青髪")))
    monkeypatch.setattr(letters, "_can_draw", lambda path: path != "/fonts/a.ttf")
    assert font_file("青髪") == "/fonts/b.ttf"


def test_plain_fonts_come_first_and_those_with_serifs_or_of_one_width_after_them(fonts: list[str]) -> None:
    names = ["Z.ttf", "B-Sans.ttf", "A-Mono.ttf", "A-Serif.ttf", "A-Light.ttf", "A-Condensed-Mono.ttf"]
    fonts += [f"/fonts/{name}" for name in reversed(names)]
    expected = ["B-Sans.ttf", "Z.ttf", "A-Mono.ttf", "A-Serif.ttf", "A-Light.ttf", "A-Condensed-Mono.ttf"]
    assert letters._files() == (DEJAVU, *(f"/fonts/{name}" for name in expected))


def test_the_letters_of_a_font_are_those_that_it_has_a_picture_of() -> None:
    assert {ord(letter) for letter in "aéЖ"} <= letters._letters_of(DEJAVU)
    assert ord("青") not in letters._letters_of(DEJAVU)
