import random
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from examples.anime_faces.data import FACE_ATTRIBUTES, ParseError, tag_source
from examples.anime_faces.data._tag_lines import _color_tags, color_columns, read_tags, tags_of
from examples.anime_faces.data._texts import text_of_tags
from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("tags")


def parse(folder: Path, data: bytes | str):
    path = folder / "tags.csv"
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return [(name, tags_of(text)) for name, text in read_tags(path)]


def problem(folder: Path, data: bytes | str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(folder, data)
    return caught.value


NAMES = st.text(st.characters(exclude_characters="\t\r\n\0", exclude_categories=["Cs"]), min_size=1).filter(str.strip)
IDS = st.text(st.characters(exclude_characters=",/\\\r\n\0\ufeff", exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text == text.strip() and text not in {".", ".."}
)
RECORDS = st.lists(st.tuples(IDS, st.lists(NAMES).map(tuple)), min_size=1)


@given(records=RECORDS, counts=st.randoms(use_true_random=False))
@example(records=[("1", ("a:b", "c,d", " .hack", "77", "kiso (kancolle) ", "::", "ü"))], counts=random.Random(0))
def test_what_is_written_is_read(folder, records, counts):
    lines = [
        f"{name}," + "".join(f"{tag}:{counts.randrange(10**6)}\t" for tag in tags) + "\n" for name, tags in records
    ]
    assert parse(folder, "".join(lines)) == records


@given(data=st.binary() | RECORDS.map(lambda records: repr(records).encode()))
def test_any_bytes_give_records_or_a_parse_error(folder, data):
    with suppress(ParseError):
        parse(folder, data)


REAL = (
    "1,touhou:17697\tonozuka komachi:224\tshikieiki yamaxanadu:217\t\n"
    "6,date a live:351\tkeikei kitty colors :5\twaifu2x:1564\tbicolored eyes:1665\tgarter:909\t\n"
    "13,innocent bullet:89\tblue eyes:24094\tred hair:7200\tshort hair:26373\t\n"
    "14, hack legend of the twilight:34\thotaru:11\t hack :154\t\n"
    "30,77:186\tlong hair:54451\torange eyes:2292\tred hair:7200\t11 eyes:12\t\n"
)


def test_real_lines(folder):
    records = parse(folder, REAL)
    assert [name for name, _ in records] == ["1", "6", "13", "14", "30"]
    assert records[1][1] == ("date a live", "keikei kitty colors ", "waifu2x", "bicolored eyes", "garter")
    red, blue, orange = 5, 12 + 10, 12 + 2
    assert [set(color_columns(tags)) for _, tags in records] == [set(), set(), {blue, red}, set(), {orange, red}]


@pytest.mark.parametrize(
    "change", ["mark", "crlf", "no last newline", "no last tab", "blank lines", "spaces at the tabs"]
)
def test_harmless_differences_change_nothing(folder, change):
    plain = parse(folder, REAL)
    changed = {
        "mark": "\ufeff" + REAL,
        "crlf": REAL.replace("\n", "\r\n"),
        "no last newline": REAL[:-1],
        "no last tab": REAL.replace("\t\n", "\n"),
        "blank lines": REAL.replace("\n", "\n\n \n"),
        "spaces at the tabs": re.sub(r"(\d)\t", r"\1 \t", REAL),
    }[change]
    assert parse(folder, changed) == plain


def test_the_format_without_counts(folder):
    text = (
        "0,aqua hair aqua eyes\n166,aqua hair black eyes\n2,red eyes\n3,grey hair\n4,\n5,red eyes blue hair green hair"
    )
    found = [(name, set(color_columns(tags))) for name, tags in parse(folder, text)]
    assert found == [("0", {2, 17}), ("166", {2, 13}), ("2", {21}), ("3", {3}), ("4", set()), ("5", {21, 8, 4})]


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        ("1,a:1\nno comma\n", 2, "no comma"),
        ("1,a:1\n\n,b:2\n", 3, "id"),
        ("1,a:1\tb\tc:2\n", 1, "'b' has no count"),
        ("1,a:1\n2,b:-3\t\n", 2, "whole number.*'-3'"),
        ("1,b:\t\n", 1, "whole number"),
        ("1,b:1.5\t\n", 1, "whole number"),
        ("1,b:²\t\n", 1, "whole number"),
        ("1,b:" + "9" * 5000 + "\t\n", 1, "whole number"),
        ("1,:5\t\n", 1, "without a tag"),
        ("../x,a:1\n", 1, "name of a picture"),
        ("/etc/passwd,a:1\n", 1, "name of a picture"),
        ("..,a:1\n", 1, "name of a picture"),
        ("a\\b,a:1\n", 1, "name of a picture"),
        ("0,red hair\n3,si hair red eyes\n", 2, "'si hair' is not known.*orange, white"),
        ("3,red hair red\n", 1, "'red' is not known"),
        ("id,tags\n", 1, "'tags' is not known"),
    ],
)
def test_errors_name_file_and_line(folder, data, line, words):
    error = problem(folder, data)
    assert error.line == line
    assert error.path == folder / "tags.csv"
    assert re.search(words, error.problem)


def brute_force(tags: tuple[str, ...]) -> set[int]:
    found = set()
    for tag in tags:
        words = tag.split()
        if words == tag.strip().split(" ") and len(words) == 2:
            for start, kind, colors in ((0, "hair", HAIR_COLORS), (12, "eyes", EYE_COLORS)):
                if words[1] == kind and words[0] in colors:
                    found.add(start + colors.index(words[0]))
    return found


COLORS = st.sampled_from([*HAIR_COLORS, *EYE_COLORS, "bicolored", "multicolored", "11", "long", "short", "damage", ""])
TAGS = st.builds(
    "{}{} {}{}".format, st.sampled_from(["", " "]), COLORS, st.sampled_from(["hair", "eyes", "eyes rutherford"]),
    st.sampled_from(["", " "]),
)  # fmt: skip


@given(tags=st.lists(TAGS).map(tuple))
def test_colors_are_whole_tags(tags):
    assert set(color_columns(tags)) == brute_force(tags)


def test_case_and_spelling_of_gray_make_no_difference():
    assert color_columns(("Blue Eyes", "GREY HAIR")) == color_columns(("blue eyes", "gray hair")) == {22, 3}


@pytest.mark.parametrize(
    "tag",
    [
        "blue_hair",
        "Blue_Hair",
        " blue  hair",
        "blue-hair",
        "\uff42lue hair",
        "blue hair\u200b",
        "hair:blue",
        '"blue hair"',
    ],
)
def test_a_color_is_known_however_it_is_spelled(tag):
    assert color_columns((tag,)) == {8}


def test_letters_of_a_color_are_no_color_however_they_are_joined():
    assert (
        color_columns(("skyblue_hair", "light_blue_hair", "bluehair", "blue_haired", "hair_blue_ribbon")) == frozenset()
    )


@pytest.mark.parametrize(
    "line",
    [
        "1,blue_hair:12\tred_eyes:5",
        "1,blue_hair:12\tred_eyes:5\t",
        "1,blue_hair:12 red_eyes:5",
        "1,blue_hair:12,red_eyes:5",
        "1,blue hair:12, red eyes:5",
        "1,blue_hair red_eyes",
        "1,blue hair,red eyes",
        "1,Blue Hair, Red Eyes",
        '1,"blue hair red eyes"',
        "./1,blue hair red eyes",
        "1.jpg,blue hair red eyes",
        '"1",blue hair red eyes',
        " 1 ,blue hair red eyes",
        "1.PNG,blue hair red eyes",
    ],
)
def test_a_picture_has_the_colors_of_its_line_however_it_is_written(tmp_path, line):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.png").touch()
    (tmp_path / "tags.csv").write_text(f"{line}\n", encoding="utf-8")
    found = tag_source(tmp_path / "in", tmp_path / "tags.csv")
    assert [(picture.name, sorted(picture.columns)) for picture in found.pictures] == [("1.png", [8, 21])]
    assert found.notes == {}


@pytest.mark.parametrize(("file", "name"), [("cafe\u0301.PNG", "caf\u00e9"), ("Kiso.JPG", "kiso"), ("\uff11.png", "1")])
def test_ids_meet_files_of_other_unicode_forms_and_case(tmp_path, file, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / file).touch()
    (tmp_path / "tags.csv").write_text(f"{name},red hair\n", encoding="utf-8")
    assert [picture.name for picture in tag_source(tmp_path / "in", tmp_path / "tags.csv").pictures] == [file]


def test_lines_without_a_known_color_are_counted(tmp_path):
    (tmp_path / "in").mkdir()
    lines = [
        "1,silver hair:3\tred eyes:1\t",
        "2,silver hair:3\tlong hair:2\t",
        "3,blue hair:1\tred eyes:5\t",
        "4,dog:1\t",
    ]
    (tmp_path / "tags.csv").write_text("\n".join(lines), encoding="utf-8")
    assert tag_source(tmp_path / "in", tmp_path / "tags.csv").notes == {
        "ids in the tag file without a picture": 4,
        "of 4 lines have no known hair color; of hair they say silver hair 2, long hair 1": 3,
        "of 4 lines have no known eye color": 2,
    }


def test_the_vocabulary_is_fixed():
    hair_names = "orange white aqua gray green red purple pink blue black brown blonde"
    eye_names = "gray black orange pink yellow aqua purple green brown red blue"
    hair, eyes = FACE_ATTRIBUTES
    assert hair.classes == tuple(hair_names.split())
    assert eyes.classes == tuple(eye_names.split())
    phrases = [f"{color} {attribute.name}" for attribute in FACE_ATTRIBUTES for color in attribute.classes]
    assert [set(color_columns((phrase,))) for phrase in phrases] == [{column} for column in range(23)]


def test_time_grows_with_the_length_alone(folder):
    line = "7,original:25774\tblonde hair:25457\tdoll:1040\tdress:16585\tpink eyes:3896\ttagme:13190\tkiso :52\t\n"
    start = time.process_time()
    assert len(parse(folder, line * 50_000)) == 50_000
    assert time.process_time() - start < 2.5
    start = time.process_time()
    ((_, tags),) = parse(folder, "1," + "blue hair:1\t" * 80_000)
    assert len(tags) == 80_000
    assert time.process_time() - start < 0.5


@pytest.mark.slow
def test_a_million_lines(folder):
    path = folder / "million.csv"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(
            f"{k},original:25774\tblonde hair:25457\tdoll:1040\tpink eyes:3896\ttagme:13190\t\n" for k in range(10**6)
        )
    start = time.process_time()
    assert sum(1 for _, text in read_tags(path) if len(color_columns(tags_of(text))) == 2) == 10**6
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "line",
    [
        " " * 200_000 + "x",
        "a:" + " " * 200_000,
        " " * 200_000 + ":",
        ":1" * 100_000,
        "a:1 " * 100_000,
        "a:1," * 100_000,
        "1" * 200_000 + ":",
        "a" * 200_000,
        "blue hair " * 20_000,
        '"' * 200_000,
        '\\"' * 100_000,
        "a\u0301\u0316" * 60_000 + ":1\t",
        "\u0301\u0316" * 80_000 + ":1\tblue hair:2\t",
    ],
)
def test_no_line_takes_a_square_of_its_length(folder, line):
    start = time.process_time()
    try:
        (folder / "tags.csv").write_text(f"1,{line}\n", encoding="utf-8")
        for _, text in read_tags(folder / "tags.csv"):
            found = tags_of(text)
            color_columns(found)
            text_of_tags(found)
    except ParseError as error:
        message = str(error)
    else:
        message = ""
    assert len(message) < 10_000
    assert time.process_time() - start < 4  # a square took from 20 s to hours


def test_a_line_of_colors_has_at_most_ten_thousand_letters():
    longest = "blue hair".ljust(10_000)
    assert _color_tags(longest) == ("blue hair",)
    with pytest.raises(ValueError, match="at most 10,000 characters, got 10,001"):
        _color_tags(longest + " ")


@pytest.mark.parametrize(
    ("line", "name", "tags"),
    [
        ("17,blue hair:3\tred eyes:4\t", "17", ("blue hair", "red eyes")),
        ("17,blue hair:3\tred eyes:4", "17", ("blue hair", "red eyes")),
        ("a_b-1,blue hair :003\t", "a_b-1", ("blue hair ",)),
        ("17, blue hair:3\t", "17", (" blue hair",)),
        ("17,a:b:3\t", "17", ("a:b",)),
        ("17,blue hair: 3 \t", "17", ("blue hair",)),
        ("17,blue hair:3\t\tred eyes:4\t", "17", ("blue hair", "red eyes")),
        ("./x.png,blue hair:3\t", "./x.png", ("blue hair",)),
        ("17,(:o):3\t", "17", ("(:o)",)),
    ],
)
def test_a_plain_line_is_read_like_any_other(tmp_path: Path, line: str, name: str, tags: tuple[str, ...]) -> None:
    """Plain lines are read by one expression, the others field by field."""
    (tmp_path / "tags.txt").write_text(line + "\n")
    assert [(own, tags_of(text)) for own, text in read_tags(tmp_path / "tags.txt")] == [(name, tags)]


def test_lines_without_a_color_are_counted_with_what_they_say_of_it(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"")
    said = [
        "blue_hair:1\tEYES:2\t",
        "Long-Hair:1\thair:2\t",
        "\uff2c\uff4f\uff4e\uff47 \uff48\uff41\uff49\uff52:1\tred eyes:1\t",
    ]
    (tmp_path / "tags.csv").write_text("".join(f"{number},{tags}\n" for number, tags in enumerate(said)))
    notes = tag_source(tmp_path, tmp_path / "tags.csv").notes
    assert notes["of 3 lines have no known hair color; of hair they say long hair 2"] == 2
    assert notes["of 3 lines have no known eye color"] == 2


def test_a_line_of_counts_says_the_same_of_colors_as_its_tags_in_any_letters(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"")
    said = [
        "\u9752\u3044\u9aea:1\tblue ha\u200bir:2\t\uff32ed eyes:3\t",
        "Blue_Hair:1\tRED eyes:2\t",
        "blue hair:1, red eyes:2",
    ]
    (tmp_path / "tags.csv").write_text("".join(f"{number},{tags}\n" for number, tags in enumerate(said)), "utf-8")
    found = tag_source(tmp_path, tmp_path / "tags.csv")
    assert found.notes == {"ids in the tag file without a picture": 2}
    assert found.pictures[0].columns == (8, 21)


def test_more_different_tags_than_are_kept_are_still_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.data._tag_notes._MOST_KEPT", 3)
    (tmp_path / "0.png").write_bytes(b"")
    lines = [f"{number},tag {number} eyes:1\tblue hair:2\t" for number in range(9)]
    (tmp_path / "tags.csv").write_text("\n".join([*lines, *lines[:1], "9,solo:1\t"]))
    notes = tag_source(tmp_path, tmp_path / "tags.csv").notes
    assert notes["of 11 lines has no known hair color"] == 1
    (of_eyes,) = (note for note in notes if "eye color" in note)
    assert notes[of_eyes] == 11
    assert of_eyes.startswith("of 11 lines have no known eye color; of eyes they say ")


@pytest.mark.parametrize("ids", [["7", "7"], ["7", "./7"], ["7.png", '"7"'], ["\uff17", "\uff17"], ["a.b", "a.b"]])
def test_lines_of_one_id_are_held_for_its_picture(tmp_path: Path, ids: list[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ("a.b.png" if "a.b" in ids else "7.PNG")).write_bytes(b"")
    tags = ["red eyes:1\tsolo:2\t", "blue hair:1\tsolo:2\t"]
    for order in (1, -1):
        lines = [f"{own},{each}\n" for own, each in zip(ids, tags, strict=True)][::order]
        (tmp_path / "tags.csv").write_text("8,dog:1\t\n" + "".join(lines), "utf-8")
        (found,) = tag_source(tmp_path / "in", tmp_path / "tags.csv").pictures
        assert found.columns == (8, 21)
        assert found.text == "blue hair solo red eyes"
