import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.data import (
    FACE_ATTRIBUTES,
    Attribute,
    ParseError,
    Prompt,
    describe,
    parse_prompt,
    read_prompts,
)

HAIR, EYES = FACE_ATTRIBUTES
ANIMALS = (
    Attribute("class", ("cat", "black cat", "sea lion", "lion", "Fish, fried")),
    Attribute("smiling", ("0", "1")),
    Attribute("young", ("0", "1", "sea")),
)


def ids(hair: str | None, eyes: str | None) -> tuple[int, int]:
    return (-1 if hair is None else HAIR.classes.index(hair), -1 if eyes is None else EYES.classes.index(eyes))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blue hair green eyes", ids("blue", "green")),
        ("aqua eyes purple hair", ids("purple", "aqua")),
        ("red hair", ids("red", None)),
        ("black eyes", ids(None, "black")),
        ("grey hair grey eyes", ids("gray", "gray")),
        ("Blue Hair, RED eyes\n", ids("blue", "red")),
        ("  blonde   hair\tyellow eyes ", ids("blonde", "yellow")),
        ("hair=blue eyes=red", ids("blue", "red")),
    ],
)
def test_colors_of_faces(text, expected):
    assert parse_prompt(text, FACE_ATTRIBUTES) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("si hair red eyes", "'si hair' is not known.*hair: orange, white.*eyes: gray, black"),
        ("yellow hair black eyes", "'yellow hair' is not known"),
        ("red eyes bleu hair", "'bleu hair' is not known. Did you mean 'blue hair'"),
        ("blue", "'blue' is not known"),
        ("bicolored eyes", "'bicolored eyes' is not known"),
        ("blue hair and red eyes", "'and' is not known"),
        ("blue hair red hair", "asks for hair twice"),
        ("blue hair blue hair", "asks for hair twice"),
        ("", "empty; write for example 'orange hair gray eyes'"),
        (" ,", "'?,'? is not known|empty"),
        ("x" * 10_001, "at most 10000 characters"),
    ],
)
def test_what_cannot_be_understood_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        parse_prompt(text, FACE_ATTRIBUTES)


@given(hair=st.integers(-1, 11), eyes=st.integers(-1, 10))
def test_a_description_is_understood(hair, eyes):
    if (hair, eyes) != (-1, -1):
        assert parse_prompt(describe((hair, eyes), FACE_ATTRIBUTES), FACE_ATTRIBUTES) == (hair, eyes)
        turned = describe((eyes, hair), FACE_ATTRIBUTES[::-1])
        assert parse_prompt(turned, FACE_ATTRIBUTES) == (hair, eyes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", (0, -1, -1)),
        ("black cat", (1, -1, -1)),
        ("sea lion", (2, -1, -1)),
        ("lion young=sea", (3, -1, 2)),
        ("fish, fried smiling=1", (4, 1, -1)),
        ("cat, smiling=0, young=1", (0, 0, 1)),
        ("class=black cat young=0", (1, -1, 0)),
    ],
)
def test_names_of_classes(text, expected):
    assert parse_prompt(text, ANIMALS) == expected


def test_a_class_of_two_attributes_must_be_said_in_full():
    with pytest.raises(ValueError, match="'1' is ambiguous: write 'smiling=1' or 'young=1'"):
        parse_prompt("cat 1", ANIMALS)


def test_of_two_readings_the_one_with_the_longer_words_first_is_taken():
    attributes = (Attribute("one", ("a", "a b")), Attribute("two", ("c", "b c")))
    assert parse_prompt("a b c", attributes) == (1, 0)


def test_case_tells_classes_apart_only_where_it_must():
    attributes = (Attribute("letter", ("a", "A", "b")),)
    assert [parse_prompt(text, attributes) for text in ("a", "A", "b", "B")] == [(0,), (1,), (2,), (2,)]


NAMES = st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=3).map(" ".join)


@given(classes=st.lists(NAMES, min_size=1, max_size=8, unique=True), data=st.data())
def test_every_class_is_found_by_its_name(classes, data):
    attributes = (Attribute("class", tuple(classes)),)
    wanted = data.draw(st.integers(0, len(classes) - 1))
    assert parse_prompt(classes[wanted], attributes) == (wanted,)


@given(text=st.text())
def test_any_text_is_understood_or_refused(text):
    for attributes in (FACE_ATTRIBUTES, ANIMALS):
        try:
            found = parse_prompt(text, attributes)
        except ParseError as error:
            raise AssertionError from error
        except ValueError:
            continue
        assert len(found) == len(attributes)


def test_without_attributes_nothing_can_be_asked_for():
    with pytest.raises(ValueError, match="no attributes"):
        parse_prompt("cat", ())


def read(tmp_path, text: str, attributes=FACE_ATTRIBUTES) -> list[Prompt]:
    (tmp_path / "prompts.txt").write_bytes(text.encode("utf-8"))
    return read_prompts(tmp_path / "prompts.txt", lambda text: parse_prompt(text, attributes))


def test_lines_with_and_without_ids(tmp_path):
    prompts = read(
        tmp_path,
        "1,blue hair blue eyes\n2,blue hair green eyes\ngreen hair green eyes\n\nx-7 , aqua eyes purple hair\n"
        "red hair, aqua eyes",
    )
    assert prompts == [
        Prompt("1", "blue hair blue eyes", ids("blue", "blue")),
        Prompt("2", "blue hair green eyes", ids("blue", "green")),
        Prompt("3", "green hair green eyes", ids("green", "green")),
        Prompt("x-7", "aqua eyes purple hair", ids("purple", "aqua")),
        Prompt("6", "red hair, aqua eyes", ids("red", "aqua")),
    ]


def test_a_word_of_the_text_is_no_id(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("touhou, blue hair\nsnow,red hair\n7, gray eyes\nx-7 , cat\n", encoding="utf-8")
    assert read_prompts(path, lambda text: ()) == [
        Prompt("1", "touhou, blue hair", ()),
        Prompt("snow", "red hair", ()),
        Prompt("7", "gray eyes", ()),
        Prompt("x-7", "cat", ()),
    ]


def test_a_line_without_an_id_never_takes_that_of_another(tmp_path):
    prompts = read(tmp_path, "red hair\nblue hair\n1,green hair\n2,pink hair\n")
    assert [prompt.id for prompt in prompts] == ["3", "4", "1", "2"]


@pytest.mark.parametrize("text", ["\ufeff1,red hair\r\n2,black eyes\r\n", "1,red hair\n2,black eyes"])
def test_marks_and_line_ends_change_nothing(tmp_path, text):
    assert [prompt.class_ids for prompt in read(tmp_path, text)] == [ids("red", None), ids(None, "black")]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("1,red hair\n3,si hair red eyes\n", 2, "'si hair' is not known"),
        ("1,red hair\n1,blue hair\n", 2, "the id '1' is given twice"),
        ("../x,red hair\n", 1, "an id must consist of"),
        (".x,red hair\n", 1, "an id must consist of"),
        (",red hair\n", 1, "an id must consist of"),
        ("1,\n", 1, "empty"),
        ("1,red hair blue hair\n", 1, "twice"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, line, words):
    with pytest.raises(ParseError, match=words) as caught:
        read(tmp_path, text)
    assert caught.value.line == line
    assert str(tmp_path / "prompts.txt") in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_prompts_is_an_error(tmp_path, text):
    with pytest.raises(ValueError, match="contains no prompts"):
        read(tmp_path, text)
