r"""Reading tag files: ``id,tag:count\ttag:count\t`` and ``id,aqua hair red eyes``."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from examples.anime_faces.data._attribute import FACE_ATTRIBUTES
from examples.anime_faces.data._lines import ParseError, read_lines
from examples.anime_faces.data._phrases import phrases_of

_LONGEST_COUNT = 18


class TagLine(NamedTuple):
    """One line of a tag file: its number, the id of a picture, and the tags just as they are written."""

    number: int
    id: str
    tags: tuple[str, ...]


def _columns_of_tags() -> dict[str, int]:
    phrases = [attribute.phrase(k) for attribute in FACE_ATTRIBUTES for k in range(len(attribute.classes))]
    columns = {phrase: column for column, phrase in enumerate(phrases)}
    return columns | {phrase.replace("gray", "grey"): column for phrase, column in columns.items()}


_COLUMNS = _columns_of_tags()


def color_columns(tags: tuple[str, ...]) -> frozenset[int]:
    """Return the label columns of the tags: 12 hair colors, then 11 eye colors.

    A tag counts only as a whole. ``bicolored eyes`` and ``multicolored hair`` hold the letters of ``red eyes`` and
    ``red hair``, and ``11 eyes`` and ``long hair`` end as colors do; none of them is a color.

    Args:
        tags: tags with or without blanks at their ends, in upper or lower case.

    Example:
        >>> sorted(color_columns(("blue eyes", "bicolored eyes", " Grey hair ", "11 eyes")))
        [3, 22]
    """
    names = {tag.strip().lower() for tag in tags}
    return frozenset([_COLUMNS[name] for name in names & _COLUMNS.keys()])


def read_tags(path: Path) -> Iterator[TagLine]:
    """Yield the lines of a tag file, in either of its formats, empty ones left out.

    The counts of posts are checked and dropped. In the format without counts only colors may stand, so that a slip
    of the pen is found.

    Raises:
        ValueError: naming file and line, where a line fits neither format.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        name, comma, rest = line.partition(",")
        name = name.strip()
        if not comma:
            raise ParseError(path, number, "there is no comma after the id")
        if not _is_plain_name(name):
            raise ParseError(path, number, f"an id must be the name of a picture without its ending, got {name!r}")
        try:
            tags = _counted_tags(rest) if "\t" in rest or ":" in rest else _color_tags(rest)
        except ValueError as error:
            raise ParseError(path, number, str(error)) from error
        yield TagLine(number, name, tags)


def _is_plain_name(name: str) -> bool:
    return bool(name) and name not in {".", ".."} and "/" not in name and "\\" not in name


def _counted_tags(text: str) -> tuple[str, ...]:
    tags = []
    for field in text.split("\t"):
        tag, colon, count = field.rpartition(":")
        if not colon:
            if field.strip():
                raise ValueError(f"the tag {field[:80]!r} has no count")
            continue
        digits = count.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_COUNT):
            raise ValueError(f"the count of the tag {tag[:80]!r} must be a whole number, got {digits[:80]!r}")
        if not tag.strip():
            raise ValueError(f"there is a count without a tag: {field[:80]!r}")
        tags.append(tag)
    return tuple(tags)


def _color_tags(text: str) -> tuple[str, ...]:
    words = text.split()
    tags = tuple(" ".join(words[start : start + 2]) for start in range(0, len(words), 2))
    for tag in tags:
        if tag.lower() not in _COLUMNS:
            raise ValueError(phrases_of(FACE_ATTRIBUTES).explain(tag[:80]))
    return tags
