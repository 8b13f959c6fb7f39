import json
import shlex
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from examples.anime_faces.data import (
    FACE_ATTRIBUTES,
    Attribute,
    ParseError,
    command_line,
    describe,
    parse_prompt,
)
from examples.anime_faces.data._names import clean_name
from examples.anime_faces.data._vocabulary import phrases_of

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


@pytest.mark.parametrize("name", ["back\\slash", "-dash", "it's", "Übergröße", "$home", 'a "b"'])
def test_what_is_meant_can_be_pasted(name):
    """Python's own quotes doubled a backslash, and a class like ``-dash`` was an option."""
    attributes = (Attribute("class", (name, "other")),)
    with pytest.raises(ValueError, match="Did you mean") as error:
        parse_prompt(name.strip("-") + "x", attributes)
    meant = str(error.value).split("Did you mean ")[1].split("? Known")[0].split(" or ")[0]
    (word,) = shlex.split(meant)
    assert not word.startswith("-")
    assert parse_prompt(word, attributes) == (0,)


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


YES_NO = (Attribute("glasses", ("no", "yes")), Attribute("smile", ("no", "yes")))


@pytest.mark.parametrize(
    ("class_ids", "text"), [((1, 0), "glasses=yes smile=no"), ((-1, 1), "smile=yes"), ((0, 0), "glasses=no smile=no")]
)
def test_classes_of_one_name_are_said_with_their_attribute(class_ids, text):
    assert describe(class_ids, YES_NO) == text
    assert parse_prompt(text, YES_NO) == class_ids


@pytest.mark.parametrize("text", ["no yes", "glasses=yes no", "no"])
def test_a_class_of_several_attributes_is_said_to_be_ambiguous_and_not_unknown(text):
    with pytest.raises(ValueError, match=r"^'no' is ambiguous: write 'glasses=no' or 'smile=no'$"):
        parse_prompt(text, YES_NO)


@pytest.mark.parametrize(
    "text",
    [
        "glasses=yes smile=no",
        "glasses: yes smile: no",
        "Glasses: YES, smile : no",
        "glasses = yes,smile=no",
        'glasses="yes" smile="no"',
        '"smile"="no", glasses: "yes"',
        "smile\uff1dno glasses\uff1ayes",
        "GLASSES=yes; smile\u200b=no",
        "\u201cglasses=yes\u201d smile=no",
    ],
)
def test_an_attribute_may_stand_before_its_class_in_many_ways(text):
    assert parse_prompt(text, YES_NO) == (1, 0)


@pytest.mark.parametrize(
    "text",
    [
        "blue_hair red_eyes",
        "Blue_Hair,Red_Eyes",
        "blue-hair red-eyes",
        "\uff42\uff4c\uff55\uff45\u3000\uff48\uff41\uff49\uff52 \uff52\uff45\uff44 \uff45\uff59\uff45\uff53",
        "\ufeffblue hair red eyes",
        "blue\u00a0hair\u200b red\u2011eyes",
        '"blue hair" "red eyes"',
        "hair: blue; eyes: red",
        "blue hair,red eyes",
        "\\x62lue hair \\u0072ed eyes",
    ],
)
def test_words_are_understood_however_they_are_spelled(text):
    assert parse_prompt(text, FACE_ATTRIBUTES) == ids("blue", "red")


def test_a_part_of_the_colors_is_said_as_all_of_them_are():
    some = (Attribute("hair", ("gray", "blue")), Attribute("eyes", ("blue",)))
    assert describe((1, 0), some) == "blue hair blue eyes"
    assert parse_prompt("grey hair blue eyes", some) == (0, 0)


def test_a_terminal_that_escapes_letters_prints_what_can_be_pasted():
    attributes = (Attribute("\u9aea", ("\u9752\u3044", "caf\u00e9 \U0001f431")),)
    for class_id in (0, 1):
        printed = describe((class_id,), attributes).encode("ascii", "backslashreplace").decode()
        assert parse_prompt(printed, attributes) == (class_id,)


def test_a_misspelled_escape_is_answered_with_the_word_that_was_meant():
    attributes = (Attribute("\u9aea", ("\u9752\u3044\u9aea", "\u9ed2\u9aea", "other")),)
    printed = "\u9752\u3044\u9aea\u9aea".encode("ascii", "backslashreplace").decode()
    assert printed.isascii()
    with pytest.raises(ValueError, match="is not known") as caught:
        parse_prompt(printed, attributes)
    meant = str(caught.value).split("Did you mean '")[1].split("'")[0]
    assert parse_prompt(meant.encode("ascii", "backslashreplace").decode(), attributes) == (0,)


def test_an_ambiguous_word_is_answered_with_words_that_can_be_pasted():
    attributes = (Attribute("a b", ("x, y", "z")), Attribute("c", ("x, y", "z")))
    with pytest.raises(ValueError, match="is ambiguous: write ") as caught:
        parse_prompt("x, y", attributes)
    options = [part.strip("'") for part in str(caught.value).split("write ")[1].split(" or ")]
    assert [parse_prompt(option, attributes) for option in options] == [(0, -1), (-1, 0)]


PARTS = st.sampled_from(
    [
        *"abc-=:,;_\"'\\ .01$x`!(~#",
        *("--help", "-1", "yes", "no", "hair", "blue", "name=", "%a%", "&|<>", "{}", "\\u0061"),
        *("\u9752", "e\u0301", "\U0001f469\u200d\U0001f467", "\u200b", "\ufeff", "\x00", "\x7f", "\udcff", "\uff1d"),
    ]
) | st.text(max_size=3)
ANY_NAMES = st.lists(PARTS, min_size=1, max_size=5).map("".join).map(clean_name).filter(bool)


@st.composite
def labeled(draw: st.DrawFn) -> tuple[tuple[Attribute, ...], tuple[int, ...]]:
    """Attributes of any names, which share some of them, and a row of class ids."""
    pool = draw(st.lists(ANY_NAMES, min_size=2, max_size=5, unique=True))
    names = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
    classes = st.lists(st.sampled_from(pool) | ANY_NAMES, min_size=1, max_size=4, unique=True)
    attributes = tuple(Attribute(name, tuple(draw(classes))) for name in names)
    class_ids = tuple(draw(st.integers(-1, len(attribute.classes) - 1)) for attribute in attributes)
    return attributes, class_ids if max(class_ids) >= 0 else (0, *class_ids[1:])


@given(data=labeled())
def test_whatever_is_described_is_read_as_it_was_meant(data):
    attributes, class_ids = data
    text = describe(class_ids, attributes)
    assert parse_prompt(text, attributes) == class_ids
    assert parse_prompt(f"  {text}\n", attributes) == class_ids
    assert not text.startswith("-")
    text.encode("utf-8")
    assert len(text.splitlines()) == 1
    assert shlex.split(command_line(["sample", text]))[-1] == text


@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.lists(labeled(), min_size=12, max_size=12))
@pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
def test_what_is_printed_comes_through_a_shell(data):
    texts = [describe(class_ids, attributes) for attributes, class_ids in data]
    shown = [f"{sys.executable} -c 'import json, sys; print(json.dumps(sys.argv[1:]))'"]
    shown += [command_line([text]).split("anime_faces ", 1)[1] for text in texts]
    found = subprocess.run(["sh", "-c", " ".join(shown)], capture_output=True, check=True, encoding="utf-8").stdout
    assert json.loads(found) == texts


def test_a_phrase_may_name_what_is_written_most_like_it():
    phrases = phrases_of((Attribute("a", ("Red", "red", "RED", "red-hot")), Attribute("b", ("red_hot",))))
    assert phrases.choices_like("red") == [(0, 1)]
    assert phrases.choices_like("reD") == [(0, 0), (0, 1), (0, 2)]
    assert phrases.choices_like("red hot") == [(0, 3), (1, 0)]
    assert phrases.choices_like("blue") == []
