"""JSON of this program: read as a record of the expected form, or refused in one sentence that says where and why."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from examples.anime_faces.files import TooLongError, read_bytes
from examples.anime_faces.lines import lines_of

MOST_BYTES = 1 << 22
"""Of a text: what Python builds of one may be ten times as large."""
MOST_PARTS = 1 << 17
"""Lists and objects in a text: Python needs a second for a million small ones, since it looks for garbage in between."""
MOST_DIGITS = 20  # of a whole number: seeds have as many
MOST_LEVELS = 32
ANY = "*"
"""In the form of an object: every name that is not given otherwise."""

Form: TypeAlias = Any
"""What a value must be.

- a type: ``str``, ``bool``, ``int``, ``float`` (whole numbers too), ``dict``, ``list``, or ``None``; ``object`` is anything;
- ``(one, other)``: either; the first one is named where a value is neither;
- ``[form]``: a list of such values;
- ``{"name": form, "other?": form}``: an object with these entries, of which those with a question mark may be missing, and any
  further ones; ``{ANY: form}``: an object whose further entries have this form.
"""

_WORDS = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


class RecordError(ValueError):
    """A text is not JSON, or not of the expected form; the message says where and why."""


def read_record(path: Path, form: Form = dict) -> Any:
    """Return what a JSON file holds.

    Args:
        path: The file.
        form: What it must hold, see `Form`.

    Raises:
        RecordError: It holds something else; the message does not name the file.
        OSError: It cannot be read.
        ValueError: It is not an ordinary file.
    """
    try:
        data = read_bytes(path, MOST_BYTES)
    except TooLongError as error:
        raise RecordError(str(error)) from error
    return parse_record(data, form)


def read_records(path: Path, form: Form = dict) -> list[Any]:
    """Return the records of a file that has one on each line; a last line that was not finished is left out.

    Raises:
        RecordError: A line is too long or holds something else; the message says which, and does not name the file.
        OSError: It cannot be read.
        ValueError: It is not an ordinary file.
    """
    records: list[Any] = []
    try:
        for number, line in enumerate(lines_of(path), start=1):
            if line.endswith(b"\n"):
                records.append(_parse_line(number, line[:-1], form))
    except TooLongError as error:
        raise RecordError(str(error)) from error
    return records


def _parse_line(number: int, line: bytes, form: Form) -> Any:
    try:
        return parse_record(line, form)
    except RecordError as error:
        raise RecordError(f"line {number}: {str(error).removeprefix('line 1, ')}") from error


def parse_record(data: bytes | str, form: Form = dict) -> Any:
    """Return what a JSON text holds.

    Refused are also: names that an object has twice, NaN, infinite numbers, whole numbers of more than 20 digits, more than
    131,072 lists and objects, and objects that are nested so deeply that Python cannot read them.

    Raises:
        RecordError: It holds something else.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        check_size(text)
        record = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite, parse_int=_whole
        )
    except UnicodeDecodeError as error:
        raise RecordError(f"byte {error.start + 1} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise RecordError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError:
        raise RecordError("it is nested too deeply") from None
    _check_depth(record)
    check_form(record, form)
    return record


def check_size(text: str) -> None:
    """Refuse a text that is larger than anything that this program writes.

    Raises:
        RecordError: It has more than 4 MiB, or more than 131,072 lists and objects.
    """
    if len(text) > MOST_BYTES:
        raise RecordError(f"it has more than {MOST_BYTES:,} bytes")
    if text.count("[") + text.count("{") > MOST_PARTS:
        raise RecordError(f"it has more than {MOST_PARTS:,} lists and objects")


def check_form(value: object, form: Form, place: str = "") -> None:
    """Refuse a value that does not have a form.

    Args:
        value: Plain data, as of JSON.
        form: See `Form`.
        place: Where the value is, in names with dots.

    Raises:
        RecordError: It does not.
    """
    if form is object:
        return
    if isinstance(form, tuple):
        _check_one_of(value, cast("Sequence[Form]", form), place)
    elif isinstance(form, list):
        for number, one in enumerate(_checked(value, list, place)):
            check_form(one, form[0], f"{place}[{number}]")
    elif isinstance(form, Mapping):
        _check_object(_checked(value, dict, place), cast("Mapping[str, Form]", form), place)
    else:
        _checked(value, type(None) if form is None else form, place)


def _check_depth(value: object) -> None:
    """Refuse what is nested so deeply that nothing here has written it, before something recurses into it."""
    level: list[Any] = [value] if type(value) in (dict, list) else []
    for _ in range(MOST_LEVELS):
        parts = [one.values() if type(one) is dict else one for one in level if one]
        level = [part for each in parts for part in each if type(part) in (dict, list)]
        if not level:
            return
    raise RecordError("it is nested too deeply")


def _check_object(record: Mapping[Any, object], form: Mapping[str, Form], place: str) -> None:
    for key, part in form.items():
        name = key.removesuffix("?")
        if name in record:
            check_form(record[name], part, f"{place}.{name}" if place else name)
        elif name == key != ANY:
            raise RecordError(f"{f'{place}.{name}' if place else name} is missing")
    if ANY in form:
        known = {key.removesuffix("?") for key in form}
        for name, part in record.items():
            if name not in known:
                check_form(part, form[ANY], f"{place}.{name}" if place else str(name))


def _check_one_of(value: object, forms: Sequence[Form], place: str) -> None:
    errors: list[RecordError] = []
    for form in forms:
        try:
            return check_form(value, form, place)
        except RecordError as error:
            errors.append(error)
    raise errors[0]


def _checked(value: object, kind: type[Any], place: str) -> Any:
    wanted: tuple[type[Any], ...] = {float: (int, float), list: (list, tuple)}.get(kind, (kind,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        found = next((words for one, words in _WORDS.items() if type(value) is one), f"a {type(value).__name__}")
        raise RecordError(f"{place or 'it'} must be {_WORDS.get(kind, kind.__name__)}, but it is {found}")
    return value


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in pairs:
        if name in record:
            raise RecordError(f"{name!r} is there twice")
        record[name] = value
    return record


def _refuse(name: str) -> float:
    raise RecordError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise RecordError(f"the number {text[:MOST_DIGITS]} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise RecordError(f"the number {text[:MOST_DIGITS]}... has more than {MOST_DIGITS} digits")
    return int(text)


def finite(value: Any) -> Any:
    """Return plain data with None in place of numbers that are not finite, which JSON does not have."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
