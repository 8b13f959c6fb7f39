r"""Pictures with a tag file: ``id,tag:count\ttag:count\t`` or ``id,aqua hair red eyes``."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from examples.anime_faces.data._attributes import FACE_ATTRIBUTES, phrases_of
from examples.anime_faces.data._lines import ParseError, read_lines
from examples.anime_faces.data._source import PICTURE_ENDINGS, Picture, Source, list_files
from examples.anime_faces.data._texts import text_of_tags

_LONGEST_COUNT = 18


class TagLine(NamedTuple):
    """One line of a tag file: its number, the id of a picture, and the tags exactly as they are written."""

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

    Only whole tags are compared. ``bicolored eyes`` and ``multicolored hair`` contain the letters of ``red eyes`` and
    ``red hair``, and ``11 eyes`` and ``long hair`` end like colors, but none of them names a color.

    Args:
        tags: Tags with or without blanks at their ends, in upper or lower case.

    Example:
        >>> sorted(color_columns(("blue eyes", "bicolored eyes", " Grey hair ", "11 eyes")))
        [3, 22]
    """
    names = {tag.strip().lower() for tag in tags}
    return frozenset([_COLUMNS[name] for name in names & _COLUMNS.keys()])


def read_tags(path: Path) -> Iterator[TagLine]:
    """Yield the lines of a tag file in either of its formats; empty lines are ignored.

    The counts of posts are checked and dropped. The format without counts allows only colors, so that misspelled ones are
    found.

    Raises:
        ValueError: A line fits neither format; the message names file and line.
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


def tag_source(root: Path, tags: Path) -> Source:
    """Return the pictures of a folder with the hair and eye colors of a tag file, and with all its tags as their texts.

    A picture is found by its id: ``17.jpg`` (or another ending) directly in the folder belongs to the line ``17,...``. Only
    tags that name a color become labels; several colors of hair or eyes are all kept. An id on several lines has the tags of
    all of them, so the order of the lines does not matter. Pictures without a line are skipped. Ids without a picture are only
    counted, because a tag file often covers more pictures than the user has.

    Args:
        root: The folder with the pictures.
        tags: The tag file, UTF-8, in either format of `read_tags`.

    Raises:
        ValueError: The tag file cannot be understood (the message names file and line), or there is no such folder.
    """
    lines: dict[str, list[tuple[str, ...]]] = {}
    for line in read_tags(tags):
        lines.setdefault(line.id, []).append(line.tags)
    repeated = sum(len(each) - 1 for each in lines.values())
    names, skipped = list_files(root, leave_out=tags)
    pictures: dict[str, Picture] = {}
    # If several files have the same id, the one with the preferred ending is used.
    for name in sorted(names, key=_preference):
        picture_id = str(PurePosixPath(name).with_suffix(""))
        if picture_id not in lines:
            skipped.append({"file": name, "reason": "no line in the tag file"})
        elif picture_id in pictures:
            skipped.append({"file": name, "reason": "another file has the same id"})
        else:
            # Sorted, and each tag once: neither the order nor the number of an id's lines changes its text.
            held = tuple(dict.fromkeys(tag for each in sorted(lines[picture_id]) for tag in each))
            pictures[picture_id] = Picture(name, color_columns(held), text_of_tags(held))
    places = {name: place for place, name in enumerate(names)}
    return Source(
        kind="tags",
        root=root,
        attributes=FACE_ATTRIBUTES,
        pictures=sorted(pictures.values(), key=lambda picture: places[picture.name]),
        skipped=sorted(skipped, key=lambda entry: (places.get(entry["file"], -1), entry["file"])),
        notes={
            "lines for an id that another line has too": repeated,
            "ids in the tag file without a picture": len(lines.keys() - pictures.keys()),
        },
        labels=tags,
    )


def _preference(name: str) -> tuple[int, str]:
    ending = PurePosixPath(name).suffix.lower()
    return (PICTURE_ENDINGS.index(ending) if ending in PICTURE_ENDINGS else len(PICTURE_ENDINGS), name)
