import os

import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.data import ParseError
from examples.anime_faces.data._lines import read_lines


def write(folder, data: bytes):
    path = folder / "file.csv"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lines")


TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))


@given(lines=st.lists(TEXT, min_size=1), crlf=st.booleans(), mark=st.booleans(), last=st.booleans())
def test_line_ends_and_marks_change_nothing(folder, lines, crlf, mark, last):
    lines = [*lines, "end"]
    if lines[0].startswith("\ufeff"):
        mark = True  # else the text's own first sign is the mark
    end = "\r\n" if crlf else "\n"
    text = end.join(lines) + (end if last else "")
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode("utf-8")
    assert list(read_lines(write(folder, data))) == list(enumerate(lines, start=1))


def outcome(path) -> list[tuple[int, str]] | ParseError:
    try:
        return list(read_lines(path))
    except ParseError as error:
        return error


@given(data=st.binary())
def test_any_bytes_give_lines_or_an_error_that_names_file_and_line(folder, data):
    path = write(folder, data)
    found = outcome(path)
    if isinstance(found, ParseError):
        assert found.path == path
        assert 1 <= found.line <= data.count(b"\n") + 1
        assert str(found).startswith(f"{path}, line {found.line}: ")
    else:
        assert b"".join(text.encode() + b"\n" for _, text in found).strip() == data.replace(b"\r\n", b"\n").strip()


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        ("1,a\n2,é\n".encode("latin-1"), 2, "byte 0xe9 at position 3 is not UTF-8.*Latin-1"),
        ("1,a\n\n3,青い髪\n".encode("shift_jis"), 3, "not UTF-8.*Shift-JIS"),
        ("1,a\n".encode("utf-16"), 1, "UTF-16"),
        ("1,a\n".encode("utf-16-be"), 1, "NUL"),
        ("1,a\n".encode("utf-32"), 1, "UTF-16 or UTF-32"),
        (b"1,a\r2,b\r", 1, "carriage return"),
        (b"1,a\n2,\0b\n", 2, "NUL"),
    ],
)
def test_other_encodings_are_never_guessed(tmp_path, data, line, words):
    with pytest.raises(ParseError, match=words) as caught:
        list(read_lines(write(tmp_path, data)))
    assert caught.value.line == line
    assert isinstance(caught.value, ValueError)


def test_a_missing_file_a_folder_and_a_pipe_are_no_files(tmp_path):
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none.csv", tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match=rf"there is no file {path}|{path} is a folder, not a file"):
            list(read_lines(path))


def test_of_a_line_without_an_end_no_more_is_read_than_the_longest_line_has(folder):
    path = folder / "endless.csv"
    with path.open("wb") as file:
        file.write(b"a\n")
        file.truncate(1 << 40)
    lines = read_lines(path)
    assert next(lines) == (1, "a")
    with pytest.raises(
        ValueError, match=r"endless\.csv, line 2: it has more than 1,048,576 bytes: is this a text file"
    ):
        next(lines)
    assert list(read_lines(write(folder, b"a" * (1 << 20)))) == [(1, "a" * (1 << 20))]


@given(
    lines=st.lists(
        st.sampled_from([b"", b"a", b"b" * 7, "\u9752".encode(), b"c\r", b"d\re", b"\xff", b"\0"]), max_size=40
    ),
    block=st.integers(1, 40),
    last=st.booleans(),
)
def test_blocks_of_any_size_give_the_same_lines(folder, lines, block, last):
    """The lines of a block are checked together; what is wrong in one is found at its own number, after those before it."""
    data = b"\n".join(lines) + (b"\n" if last else b"")
    path = write(folder, data)
    whole = _until_wrong(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("examples.anime_faces.lines._BLOCK", block)
        found = _until_wrong(path)
    assert found == whole
    divided = data.split(b"\n")
    expected = [line.removesuffix(b"\r") for line in (divided if divided[-1] else divided[:-1])]
    assert [line.encode() for line in found[0]] == expected[: len(found[0])]
    assert (found[1] is None) == (len(found[0]) == len(expected))


def _until_wrong(path) -> tuple[list[str], str | None]:
    found = []
    wrong = None
    try:
        for one in read_lines(path):
            found.append(one)  # noqa: PERF402 - those before an error are kept
    except ParseError as error:
        wrong = error
    numbers = [number for number, _ in found] + ([] if wrong is None else [wrong.line])
    assert numbers == list(range(1, len(numbers) + 1))
    return [line for _, line in found], None if wrong is None else wrong.problem
