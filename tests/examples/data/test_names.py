import io
import os
import re
import shlex
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from examples.anime_faces.data import as_argument, command_line
from examples.anime_faces.data._file_names import FileNames, begins_as, made_by_systems, picture_id, relative_name
from examples.anime_faces.data._names import clean_name, file_key, normalized, similar_names, word_key

TEXTS = st.text(max_size=8)


@given(text=TEXTS)
def test_a_key_of_a_key_is_itself(text):
    assert file_key(file_key(text)) == file_key(text)
    assert word_key(word_key(text)) == word_key(text)


@given(text=TEXTS)
def test_a_cleaned_name_compares_as_before(text):
    assert word_key(clean_name(text)) == word_key(text)
    assert clean_name(clean_name(text)) == clean_name(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a-1", "a 1"), ("-1", "1"), ("skyblue", "sky blue"), ("a.b", "a b"), ("c++", "c"), ("a", "b"), ("1.0", "10")],
)
def test_words_that_differ_have_other_keys(one, other):
    assert word_key(one) != word_key(other)


def test_similar_names_are_grouped():
    assert similar_names(["long_hair", "short", "Long hair", "LONG-HAIR"]) == [("long_hair", "Long hair", "LONG-HAIR")]
    assert similar_names(["-1", "1", "a", "b"]) == []


@pytest.mark.parametrize("name", ["__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir", "$RECYCLE.BIN"])
def test_what_systems_make_is_known_in_any_case(name):
    assert made_by_systems(name)
    assert made_by_systems(name.upper())
    assert not made_by_systems(f"my {name}")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("17", "17"),
        ("17.JPG", "17"),
        ("./17.png", "17"),
        ("'17'", "17"),
        ("\ufeff17", "17"),
        ("v1.5", "v1.5"),
        (".png", ".png"),
    ],
)
def test_an_id_is_the_name_without_its_ending(name, found):
    assert picture_id(name) == found


@given(names=st.lists(TEXTS, unique=True))
def test_every_file_is_found_by_its_own_name(names):
    files = FileNames(Path("folder"), names)
    assert [files.find(name) for name in names] == names


@given(names=st.lists(TEXTS, unique=True), spelled=TEXTS)
def test_any_spelling_finds_one_of_the_files_or_none(names, spelled):
    assert FileNames(Path("folder"), names).find(spelled) in {None, *names}


@pytest.mark.parametrize("path", ["../a.png", "in/../../a.png", "/etc/passwd", "C:/a.png"])
def test_paths_that_lead_out_find_nothing_and_still_lead_out(tmp_path, path):
    assert FileNames(tmp_path / "in", ["b.png"]).find(path) is None
    assert ".." in relative_name(path).split("/") or relative_name(path) == path


def test_a_relative_folder_is_known_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = FileNames(Path("in"), ["a.png"])
    assert files.find(f"{tmp_path}/in/a.png") == files.find(f"{tmp_path.as_uri()}/in/a.png") == "a.png"


@given(words=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)))
def test_a_printed_command_is_read_by_a_shell_as_the_same_words(words):
    assert shlex.split(command_line(words))[1:] == ["-m", "examples.anime_faces", *words]


def test_plain_words_need_no_quotes_and_others_those_of_every_system():
    assert as_argument("glasses=yes") == "glasses=yes"
    assert as_argument("glasses=yes smile=no") == '"glasses=yes smile=no"'
    assert as_argument(f"runs{os.sep}my run") == (f'"runs{os.sep}my run"' if os.sep == "/" else f"'runs{os.sep}my run'")
    assert as_argument("a$b") == "'a$b'"


def test_a_command_calls_the_python_of_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert command_line(["digest", "a"]) == ".venv/bin/python -m examples.anime_faces digest a"
    monkeypatch.setattr("sys.executable", "/usr/bin/python3.12")
    assert command_line(["digest", "a"]) == "python -m examples.anime_faces digest a"


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@pytest.mark.parametrize(
    "text", ["", "blue hair", "cafe\u0301 " * 40, "\u0344" * 9, "\uff28\uff41", "\u1100\u1161\u11a8" * 30]
)
def test_ordinary_texts_are_normalized_as_ever(form, text):
    assert normalized(form, text) == unicodedata.normalize(form, text)


def test_no_row_of_marks_is_sorted_that_is_longer_than_any_language_has(monkeypatch):
    """To sort the marks after one letter takes a square of their number: a tag of 160 kB took 5.9 s."""
    rows = []
    normalize = unicodedata.normalize

    def counted(form, text):
        rows.append(max((len(row) for row in re.findall("[\u0300-\u034e\u0316]+", text)), default=0))
        return normalize(form, text)

    monkeypatch.setattr("examples.anime_faces.data._names.unicodedata.normalize", counted)
    tag = "a" + "\u0301\u0316" * 5000
    for key in (clean_name, word_key, file_key):
        key(tag)
        assert key(key(tag)) == key(tag)
    assert rows
    assert max(rows) <= 30


@pytest.mark.parametrize(
    "letter", [" ", "=", ":", "a", '"', ",", "-", "_", "\\", "\u0301", "a ", "a=", '\\"', "a:1,", "a:1 "]
)
def test_words_are_compared_in_a_time_that_grows_with_their_length(letter):
    start = time.process_time()
    for key in (clean_name, word_key, file_key, picture_id):
        key(letter * 100_000)
    assert time.process_time() - start < 4  # a square took minutes


def test_every_thirtieth_mark_is_followed_by_a_joiner():
    row = "\u0316" * 30
    assert normalized("NFC", "q" + row) == "q" + row
    assert normalized("NFC", "q" + row * 3 + "\u0316") == "q" + f"{row}\u034f" * 3 + "\u0316"
    assert normalized("NFC", ("q" + row) * 2) == ("q" + row) * 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_a_picture_is_known_by_its_first_bytes(kind):
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, kind)
    assert begins_as(file.getvalue()[:16]) == kind


@pytest.mark.parametrize("start", [b"", b"RIFF\0\0\0\0WAVEfmt ", b"\x89PNG\n", b"%PDF-1.7"])
def test_what_begins_like_no_picture_is_none(start):
    assert begins_as(start) is None
