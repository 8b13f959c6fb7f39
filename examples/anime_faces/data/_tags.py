r"""Pictures with a tag file: ``id,tag:count\ttag:count\t`` or ``id,aqua hair red eyes``."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from examples.anime_faces.data._attributes import FACE_ATTRIBUTES
from examples.anime_faces.data._lines import ParseError, read_lines, without_collection
from examples.anime_faces.data._names import PICTURE_ENDINGS, file_key, picture_id, word_key
from examples.anime_faces.data._numbers import counted, worded
from examples.anime_faces.data._phrases import explain
from examples.anime_faces.data._source import Picture, Source, list_files
from examples.anime_faces.data._texts import text_of_tags
from examples.anime_faces.data._vocabulary import first_unknown, phrases_of, read_choices

_LONGEST_COUNT = 18
_LONGEST_COLORS = 10_000
_COUNTED = r"\S+:\d++"
_BY_BLANKS = re.compile(rf"\s*+{_COUNTED}(?:\s++{_COUNTED})++\s*+")
_BY_COMMAS = re.compile(r"[^,:]++:\d++(\s*+,[^,:]++:\d++)++\s*+,?\s*+")
_PLAIN_LINE = re.compile(r"([0-9A-Za-z_-]+),((?:[^\s:][^\t:]*+:[0-9]{1,18}(?:\t|\Z))++)")
"""An id and fields of which each is a tag without a colon, and its count."""
_PLAIN_FIELD = re.compile(r"([^\t:]+):[0-9]+\t?")
_MOST_KEPT = 2**17
"""How many different tags are kept once, and counted: a file of nothing but different ones needs no more memory for that."""
_STARTS = {"hair": 0, "eyes": len(FACE_ATTRIBUTES[0].classes)}
_MOST_NAMED = 5


class TagLine(NamedTuple):
    """One line of a tag file: its number, the id of a picture, and the tags exactly as they are written."""

    number: int
    id: str
    tags: tuple[str, ...]


_key_of_tag = lru_cache(maxsize=2**16)(word_key)


class _Kept(dict[str, str]):
    """The first of equal tags, by the tag, so that each is kept once."""

    def __missing__(self, tag: str) -> str:
        if len(self) < _MOST_KEPT:
            self[tag] = tag
        return tag


@lru_cache(maxsize=1)
def _columns_of_keys() -> dict[str, int]:
    """Return the label column of each tag that names a color, by its `word_key`."""
    found = phrases_of(FACE_ATTRIBUTES).loose()
    return {key: _STARTS[FACE_ATTRIBUTES[one.attribute].name] + one.class_id for key, one in found.items()}


def color_columns(tags: tuple[str, ...]) -> frozenset[int]:
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
    return frozenset(known[key] for key in map(_key_of_tag, tags) if key in known)


def read_tags(path: Path) -> Iterator[TagLine]:
    """Yield the lines of a tag file in either of its formats; empty lines are ignored.

    The counts of posts are checked and dropped. The format without counts allows only colors, so that misspelled ones are
    found.

    Raises:
        ValueError: A line fits neither format; the message names file and line.
    """
    for number, line in read_lines(path):
        if plain := _PLAIN_LINE.fullmatch(line):
            yield TagLine(number, plain[1], tuple(_PLAIN_FIELD.findall(plain[2])))
            continue
        if not line.strip():
            continue
        name, comma, rest = line.partition(",")
        name = name.strip()
        if not comma:
            raise ParseError(path, number, "there is no comma after the id")
        if not _is_plain_name(name.removeprefix("./")):
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
    for field in _fields(text):
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


def _fields(text: str) -> list[str]:
    """Divide at tabs; where there is none and every word or part has a count, at blanks or commas."""
    if "\t" not in text and _BY_BLANKS.fullmatch(text):
        return text.split()
    if "\t" not in text and _BY_COMMAS.fullmatch(text):
        return text.strip().removesuffix(",").split(",")
    return text.split("\t")


@lru_cache(4096)
def _color_tags(text: str) -> tuple[str, ...]:
    if len(text) > _LONGEST_COLORS:
        raise ValueError(f"a line of colors must have at most {_LONGEST_COLORS:,} characters, got {len(text):,}")
    phrases = phrases_of(FACE_ATTRIBUTES)
    choices = read_choices(text, phrases)
    if choices is None:
        raise ValueError(explain(first_unknown(text, phrases)[:80], phrases))
    return tuple(FACE_ATTRIBUTES[index].phrase(class_id) for index, class_id in choices)


@without_collection()
def tag_source(root: Path, tags: Path) -> Source:
    """Return the pictures of a folder with the hair and eye colors of a tag file, and with all its tags as their texts.

    A picture is found by its id: ``17.jpg`` (or another ending) directly in the folder belongs to the line ``17,...``; if there
    is no such line, to one whose id has the same `file_key`. Only tags that name a color become labels; several colors of hair
    or eyes are all kept. An id on several lines has the tags of all of them, so the order of the lines does not matter.
    Pictures without a line are skipped. Ids without a picture are only counted, because a tag file often covers more pictures
    than the user has.

    Args:
        root: The folder with the pictures.
        tags: The tag file, UTF-8, in either format of `read_tags`.

    Raises:
        ValueError: The tag file cannot be understood (the message names file and line), or there is no such folder.
    """
    lines: dict[str, list[tuple[str, ...]]] = {}
    kept = _Kept()
    for line in read_tags(tags):
        held = tuple(map(kept.__getitem__, line.tags))
        lines.setdefault(picture_id(line.id), []).append(held)
    del kept
    names, skipped = list_files(root, leave_out=tags)
    ids = _ids_of(names, lines)
    pictures: dict[str, Picture] = {}
    # If several files have the same id, the one with the preferred ending is used.
    for name in sorted(names, key=_preference):
        found = ids.get(name)
        if found is None:
            skipped.append({"file": name, "reason": "no line in the tag file"})
        elif found in pictures:
            skipped.append({"file": name, "reason": "another file has the same id"})
        else:
            # Sorted, and each tag once: neither the order nor the number of an id's lines changes its text.
            held = tuple(dict.fromkeys(tag for each in sorted(lines[found]) for tag in each))
            pictures[found] = Picture(name, color_columns(held), text_of_tags(held))
    places = {name: place for place, name in enumerate(names)}
    return Source(
        kind="tags",
        root=root,
        attributes=FACE_ATTRIBUTES,
        pictures=sorted(pictures.values(), key=lambda picture: places[picture.name]),
        skipped=sorted(skipped, key=lambda entry: (places.get(entry["file"], -1), entry["file"])),
        notes=_notes(lines, len(lines.keys() - pictures.keys())),
        labels=tags,
    )


def _ids_of(names: list[str], lines: Mapping[str, object]) -> dict[str, str]:
    """Return the id in the tag file of each file that has one."""
    found: dict[str, str] = {}
    others: dict[str, str] = {}  # of each other file the key by which its id is compared
    for name in names:
        own = picture_id(name) if name not in lines else name
        own = own if own in lines else str(PurePosixPath(name).with_suffix(""))
        if own in lines:
            found[name] = own
        else:
            others[name] = file_key(own)
    by_key: dict[str, list[str]] = {key: [] for key in others.values()}
    for each in lines if by_key else ():
        if (same := by_key.get(file_key(each))) is not None:
            same.append(each)
    return found | {name: by_key[key][0] for name, key in others.items() if len(by_key[key]) == 1}


def _notes(lines: Mapping[str, list[tuple[str, ...]]], without_picture: int) -> dict[str, int]:
    """Say what of the tag file is not used: repeated and idle lines, lines without a color, and tags that look like one."""
    total = sum(map(len, lines.values()))
    notes = {
        f"{worded(total - len(lines), 'line')} for an id that another line has too": total - len(lines),
        f"{worded(without_picture, 'id')} in the tag file without a picture": without_picture,
    }
    known = _columns_of_keys()
    starts = [_STARTS[attribute.name] for attribute in FACE_ATTRIBUTES]
    of_attribute = [
        frozenset(range(one, one + len(each.classes))) for one, each in zip(starts, FACE_ATTRIBUTES, strict=True)
    ]
    idles = [0 for _ in FACE_ATTRIBUTES]
    said: list[Counter[str]] = [Counter() for _ in FACE_ATTRIBUTES]
    for tags in chain.from_iterable(lines.values()):
        # Before a tag is looked at more closely: could it name a color of hair or eyes?
        marked = [tag for tag in tags if "hair" in (low := tag.lower()) or "eyes" in low or not low.isascii()]
        keys = [_key_of_tag(tag) for tag in marked]
        columns = [known[key] for key in keys if key in known]
        for place, attribute in enumerate(FACE_ATTRIBUTES):
            if of_attribute[place].isdisjoint(columns):
                idles[place] += 1
                alike = said[place]
                for key in keys:
                    if key.endswith(f" {attribute.name}") and (key in alike or len(alike) < _MOST_KEPT):
                        alike[key] += 1
    for attribute, words, idle, alike in zip(FACE_ATTRIBUTES, ("hair color", "eye color"), idles, said, strict=True):
        most = ", ".join(f"{tag} {count}" for tag, count in alike.most_common(_MOST_NAMED))
        note = f"of {counted(total, 'line')} {worded(idle, 'has', 'have')} no known {words}"
        notes[f"{note}; of {attribute.name} they say {most}" if most else note] = idle
    return {note: count for note, count in notes.items() if count}


def _preference(name: str) -> tuple[int, str]:
    ending = file_key(PurePosixPath(name).suffix)
    return (PICTURE_ENDINGS.index(ending) if ending in PICTURE_ENDINGS else len(PICTURE_ENDINGS), name)
