r"""Lines of a tag file: ``id,tag:count\ttag:count\t`` or ``id,aqua hair red eyes``."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from examples.anime_faces.data._attributes import FACE_ATTRIBUTES
from examples.anime_faces.data._lines import ParseError, read_lines
from examples.anime_faces.data._names import word_key
from examples.anime_faces.data._phrases import explain
from examples.anime_faces.data._vocabulary import first_unknown, phrases_of, read_choices

_LONGEST_COUNT = 18
_LONGEST_COLORS = 10_000
_COUNTED = r"\S+:\d++"
_BY_BLANKS = re.compile(rf"\s*+{_COUNTED}(?:\s++{_COUNTED})++\s*+")
_BY_COMMAS = re.compile(r"[^,:]++:\d++(\s*+,[^,:]++:\d++)++\s*+,?\s*+")
_BLANKS = r"[^\S\t]*+"
_FIELD = rf"{_BLANKS}\S[^\t]*:{_BLANKS}[0-9]{{1,{_LONGEST_COUNT}}}{_BLANKS}"
_FIELDS = re.compile(rf"(?:{_FIELD}\t)++(?:{_FIELD})?+")
"""Tags with their counts, and a tab after each or between them."""
_PLAIN_LINE = re.compile(rf"((?:\./)?[0-9A-Za-z_.-]*[0-9A-Za-z_-]),({_FIELDS.pattern})")
_ONLY_LETTERS = re.compile("[A-Za-z_, -]*")
_STARTS = {"hair": 0, "eyes": len(FACE_ATTRIBUTES[0].classes)}
_key_of_tag = lru_cache(maxsize=2**16)(word_key)


@lru_cache(maxsize=1)
def _columns_of_keys() -> dict[str, int]:
    """Return the label column of each tag that names a color, by its `word_key`."""
    found = phrases_of(FACE_ATTRIBUTES).loose()
    return {key: _STARTS[FACE_ATTRIBUTES[one.attribute].name] + one.class_id for key, one in found.items()}


def color_columns(tags: Iterable[str]) -> frozenset[int]:
    """Return the label columns of the tags: 12 hair colors, then 11 eye colors.

    Only whole tags are compared, by their `word_key`. ``bicolored eyes`` and ``multicolored hair`` contain the letters of
    ``red eyes`` and ``red hair``, and ``11 eyes`` and ``long hair`` end like colors, but none of them names a color.

    Args:
        tags: Tags with blanks or underscores, in upper or lower case.

    Example:
        >>> sorted(color_columns(("blue_eyes", "bicolored eyes", " Grey hair ", "11 eyes")))
        [3, 22]
    """
    known = _columns_of_keys()
    return frozenset([known[key] for key in map(_key_of_tag, tags) if key in known])


def read_tags(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the id of each line of a tag file and its tags, for `tags_of`; empty lines are ignored.

    The counts of posts are checked. The format without counts allows only colors, so that misspelled ones are found.

    Raises:
        ValueError: A line fits neither format; the message names file and line.
    """
    for number, line in read_lines(path):
        if plain := _PLAIN_LINE.fullmatch(line):
            yield plain[1], plain[2]
        elif line.strip():
            name, comma, rest = line.partition(",")
            name = name.strip()
            if not comma:
                raise ParseError(path, number, "there is no comma after the id")
            if not _is_plain_name(name.removeprefix("./")):
                raise ParseError(path, number, f"an id must be the name of a picture without its ending, got {name!r}")
            try:
                yield name, _checked(rest)
            except ValueError as error:
                raise ParseError(path, number, str(error)) from error


def _is_plain_name(name: str) -> bool:
    return bool(name) and name not in {".", ".."} and "/" not in name and "\\" not in name


def tags_of(text: str) -> tuple[str, ...]:
    r"""Return the tags of a line exactly as they are written.

    Args:
        text: Tags with their counts and a tab after each, or colors, see `read_tags`.

    Example:
        >>> tags_of("blue hair:3\t:d:5\t"), tags_of("blue hair red eyes")
        (('blue hair', ':d'), ('blue hair', 'red eyes'))
    """
    if "\t" not in text:
        return _color_tags(text)
    return tuple([field.rpartition(":")[0] for field in text.split("\t") if ":" in field])


def _checked(text: str) -> str:
    """Return the tags of a line in the form of `tags_of`.

    Raises:
        ValueError: A tag has no count, a count is none or has no tag, or words without counts name no color.
    """
    if "\t" not in text and ":" not in text:
        _color_tags(text)
        return text
    fields = _fields(text)
    whole = "\t".join(fields) + "\t"
    if not _FIELDS.fullmatch(whole):
        for field in fields:
            _check_field(field)
    return whole


def _check_field(field: str) -> None:
    tag, colon, count = field.rpartition(":")
    if not colon:
        if field.strip():
            raise ValueError(f"the tag {field[:80]!r} has no count")
        return
    digits = count.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_COUNT):
        raise ValueError(f"the count of the tag {tag[:80]!r} must be a whole number, got {digits[:80]!r}")
    if not tag.strip():
        raise ValueError(f"there is a count without a tag: {field[:80]!r}")


def _fields(text: str) -> list[str]:
    """Divide at tabs; where there is none and every word or part has a count, at blanks or commas."""
    if "\t" not in text and _BY_BLANKS.fullmatch(text):
        return text.split()
    if "\t" not in text and _BY_COMMAS.fullmatch(text):
        return text.strip().removesuffix(",").split(",")
    return text.split("\t")


def _color_tags(text: str) -> tuple[str, ...]:
    if len(text) > _LONGEST_COLORS:
        raise ValueError(f"a line of colors must have at most {_LONGEST_COLORS:,} characters, got {len(text):,}")
    tags = _named_colors(word_key(text) if _ONLY_LETTERS.fullmatch(text) else text)
    if tags is None:
        phrases = phrases_of(FACE_ATTRIBUTES)
        raise ValueError(explain(first_unknown(text, phrases)[:80], phrases))
    return tags


@lru_cache(maxsize=4096)
def _named_colors(text: str) -> tuple[str, ...] | None:
    choices = read_choices(text, phrases_of(FACE_ATTRIBUTES))
    return None if choices is None else tuple([FACE_ATTRIBUTES[index].phrase(class_id) for index, class_id in choices])
