"""Pictures with a tag file: the colors of hair and eyes by the id of the picture."""

from pathlib import Path, PurePosixPath

from examples.anime_faces.data._attribute import FACE_ATTRIBUTES
from examples.anime_faces.data._folder import list_files
from examples.anime_faces.data._source import PICTURE_ENDINGS, Picture, Source
from examples.anime_faces.data._tags import color_columns, read_tags
from examples.anime_faces.data._texts import text_of_tags


def tag_source(root: Path, tags: Path) -> Source:
    """Return the pictures of a folder with the hair and eye colors of a tag file, and with all its tags as their texts.

    A picture is found by its id: ``17.jpg`` (or another ending) directly in the folder belongs to the line ``17,...``.
    Tags that are no color make no label; several colors of hair or eyes are all kept. An id on several lines has the
    tags of all of them, so the order of the lines changes nothing. Pictures without a line are skipped; ids without a
    picture are counted only, since a tag file often covers more than one has.

    Args:
        root: the folder with the pictures.
        tags: the tag file, UTF-8, in either format of `read_tags`.

    Raises:
        ValueError: if the tag file cannot be understood (naming file and line), or there is no such folder.
    """
    lines: dict[str, list[tuple[str, ...]]] = {}
    for line in read_tags(tags):
        lines.setdefault(line.id, []).append(line.tags)
    repeated = sum(len(each) - 1 for each in lines.values())
    names, skipped = list_files(root, leave_out=tags)
    pictures: dict[str, Picture] = {}
    # Of several files with one id, the one with the preferred ending is taken.
    for name in sorted(names, key=_preference):
        picture_id = str(PurePosixPath(name).with_suffix(""))
        if picture_id not in lines:
            skipped.append({"file": name, "reason": "no line in the tag file"})
        elif picture_id in pictures:
            skipped.append({"file": name, "reason": "another file has the same id"})
        else:
            # Sorted and each tag once: neither the order nor the number of an id's lines changes its text.
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
