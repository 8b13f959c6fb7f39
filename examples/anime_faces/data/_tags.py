"""Pictures with a tag file, see `read_tags`."""

from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path, PurePosixPath

from examples.anime_faces.data._attributes import FACE_ATTRIBUTES
from examples.anime_faces.data._file_names import PICTURE_ENDINGS, picture_id
from examples.anime_faces.data._lines import without_collection
from examples.anime_faces.data._names import file_key
from examples.anime_faces.data._numbers import worded
from examples.anime_faces.data._source import Picture, Source, list_files
from examples.anime_faces.data._tag_lines import color_columns, read_tags, tags_of
from examples.anime_faces.data._tag_notes import TagNotes
from examples.anime_faces.data._texts import text_of_tags

_NOT_KEPT: list[str] = []
"""Stands for the lines of an id that no file of the folder has."""


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
    names, skipped = list_files(root, leave_out=tags)
    wanted = _keys_of(names)
    lines: dict[str, list[str]] = {}
    notes = TagNotes()
    for written, text in read_tags(tags):
        own = picture_id(written)
        held = lines.get(own)
        if held is None:
            lines[own] = [text] if own in wanted or file_key(own) in wanted else _NOT_KEPT
        elif held is not _NOT_KEPT:
            held.append(text)
        notes.add(text)
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
            held = tuple(dict.fromkeys(chain.from_iterable(sorted(map(tags_of, lines[found])))))
            pictures[found] = Picture(name, tuple(sorted(color_columns(held))), text_of_tags(held))
    repeated, without_picture = notes.lines - len(lines), len(lines) - len(pictures)
    of_ids = {
        f"{worded(repeated, 'line')} for an id that another line has too": repeated,
        f"{worded(without_picture, 'id')} in the tag file without a picture": without_picture,
    }
    places = {name: place for place, name in enumerate(names)}
    return Source(
        kind="tags",
        root=root,
        attributes=FACE_ATTRIBUTES,
        pictures=sorted(pictures.values(), key=lambda picture: places[picture.name]),
        skipped=sorted(skipped, key=lambda entry: (places.get(entry["file"], -1), entry["file"])),
        notes={note: count for note, count in (of_ids | notes.finish()).items() if count},
        labels=tags,
    )


def _keys_of(names: Iterable[str]) -> frozenset[str]:
    """Return the ids by which `_ids_of` finds the lines of these files, or the keys of such ids."""
    keys: set[str] = set()
    for name in names:
        own, bare = picture_id(name), str(PurePosixPath(name).with_suffix(""))
        keys.update((name, own, bare, file_key(own), file_key(bare)))
    return frozenset(keys)


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


def _preference(name: str) -> tuple[int, str]:
    ending = file_key(PurePosixPath(name).suffix)
    return (PICTURE_ENDINGS.index(ending) if ending in PICTURE_ENDINGS else len(PICTURE_ENDINGS), name)
