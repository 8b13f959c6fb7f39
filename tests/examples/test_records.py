import json
import os
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.records import ANY, RecordError, check_form, finite, parse_record, read_record, read_records

FORM = {"name": str, "count": int, "share?": (float, None), "parts": [{"of": {ANY: int}}]}
GOOD = {"name": "a", "count": 3, "share": None, "parts": [{"of": {"b": 1}}], "more": [1.5]}


def test_a_record_of_the_form_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(GOOD), encoding="utf-8")
    assert read_record(tmp_path / "a.json", FORM) == GOOD
    without = {name: value for name, value in GOOD.items() if name != "share"}
    assert parse_record(json.dumps(without), FORM) == without
    assert parse_record('{"share": 1, "name": "", "count": 0, "parts": []}', FORM)["share"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "name must be a text, but it is a whole number"),
        ({"count": True}, "count must be a whole number, but it is true or false"),
        ({"count": 1.5}, "count must be a whole number, but it is a number"),
        ({"share": "much"}, "share must be a number, but it is a text"),
        ({"parts": {}}, "parts must be a list, but it is an object"),
        ({"parts": [{"of": {}}, []]}, r"parts\[1\] must be an object, but it is a list"),
        ({"parts": [{"of": {"b": None}}]}, r"parts\[0\]\.of\.b must be a whole number, but it is null"),
        ({"parts": [{}]}, r"parts\[0\]\.of is missing"),
    ],
)
def test_what_differs_from_the_form_is_named_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=f"^{message}$"):
        parse_record(json.dumps({**GOOD, **change}), FORM)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1, column 1: Expecting value"),
        (b'{"a": 1\n "b": 2}', "line 2, column 2: Expecting ',' delimiter"),
        (b"[1, 2]", "it must be an object, but it is a list"),
        (b"null", "it must be an object, but it is null"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' is there twice"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": [-Infinity]}', "-Infinity is not a number"),
        (b'{"a": 1e999}', "the number 1e999 is too large"),
        (b'{"a": ' + b"7" * 9000 + b"}", r"the number 7{20}\.\.\. has more than 20 digits"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "it is nested too deeply"),
        (b'{"a": [' + b"{}," * 140_000 + b"1]}", "it has more than 131,072 lists and objects"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "it is nested too deeply"),
        (b'{"a": "caf\xe9"}', "byte 11 is not UTF-8"),
        ("\ufeff{}".encode(), "line 1, column 1: Unexpected UTF-8 BOM"),
    ],
)
def test_whatever_else_is_one_error_that_says_where_and_why(data: bytes, message: str) -> None:
    with pytest.raises(RecordError, match=f"^{message}"):
        parse_record(data)


def test_of_lines_the_last_one_may_be_unfinished_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n{"a": ')
    assert read_records(path, {"a": int}) == [{"a": 1}, {"a": 2}]
    path.write_bytes(b'{"a": 1}\n{"a": \n{"a": 2}\n')
    with pytest.raises(RecordError, match=r"^line 2: column 7: Expecting value$"):
        read_records(path, {"a": int})
    path.write_bytes(b'{"a": 1}\n{"b": 2}\n')
    with pytest.raises(RecordError, match=r"^line 2: a is missing$"):
        read_records(path, {"a": int})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path / "pipe", "no ordinary file"), (tmp_path, "a folder")):
        with pytest.raises(ValueError, match=f"must be a file, but it is {what}"):
            read_record(path)
    with pytest.raises(FileNotFoundError):
        read_record(tmp_path / "nowhere")


def test_tuples_are_lists() -> None:
    check_form({"a": (1, 2)}, {"a": [int]})


def test_what_json_does_not_have_becomes_nothing() -> None:
    record = {"a": [1.0, float("nan")], "b": {"c": float("inf"), "d": "e"}, "f": 3}
    assert finite(record) == {"a": [1.0, None], "b": {"c": None, "d": "e"}, "f": 3}


def _sparse(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(1 << 40)
    return path


def test_of_a_huge_file_no_more_is_read_than_a_record_may_have(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"^it has more than 4,194,304 bytes$"):
        read_record(_sparse(tmp_path / "a.json"))
    with pytest.raises(RecordError, match=r"^line 1: it has more than 1,048,576 bytes$"):
        read_records(_sparse(tmp_path / "a.jsonl"))


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\nnull\n', encoding="utf-8")
    with pytest.raises(RecordError, match=r"^line 2: it must be an object, but it is null$"):
        read_records(tmp_path / "a.jsonl")
