"""Making a data set from the user's own pictures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from examples.anime_faces.bars import Bar
from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._dataset import Dataset
from examples.anime_faces.data._file_names import named_as_picture, natural_order
from examples.anime_faces.data._lost_pictures import nothing_used
from examples.anime_faces.data._numbers import worded
from examples.anime_faces.data._picture import Reading, Square, read_picture
from examples.anime_faces.data._pixels import UnusableError
from examples.anime_faces.data._places import check_replaceable, check_space, find_same
from examples.anime_faces.data._source import Picture, Source
from examples.anime_faces.data._staging import staged_folder
from examples.anime_faces.data._workers import default_workers, ordered_map
from examples.anime_faces.data._writer import DatasetWriter, Watch, watch_nothing
from examples.anime_faces.links import real_path
from examples.anime_faces.printing import say

_PICTURES_AT_ONCE = 16
_MOST_NAMED = 12
_LEFT_OUT = "class is left out, since no picture of it", "classes are left out, since no picture of them"
_PLAIN = Reading()


class _Outcome(NamedTuple):
    """The result of reading one file: a square, or an entry for the list of skipped files."""

    picture: Picture
    square: Square | None
    skipped: Mapping[str, str]


def write_images(
    out: Path,
    source: Source,
    reading: Reading = _PLAIN,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    watch: Watch = watch_nothing,
) -> Dataset:
    """Read pictures into a data set; files that cannot be used are skipped and listed with the reason.

    Args:
        out: Folder to write.
        source: The pictures and their labels.
        reading: How to read the pictures.
        workers: Number of processes. 0: work in this one. Default: one for each processor core.
        overwrite: Whether to replace a data set that is already in ``out``. If not, a data set of the same settings and files
            is kept as it is.
        watch: Is called after each block of pictures and may show how far the work is.

    Returns:
        The data set, opened.

    Raises:
        ValueError: No picture can be used, or ``out`` contains something else, or the disk has no room for the data set.
    """
    settings = _settings(source, reading)
    if not overwrite and (same := find_same(out, settings)):
        say(f"{out} already contains this data set: nothing to do")
        return same
    if real_path(out).is_relative_to(real_path(source.root)):
        raise ValueError(f"--out must be outside the folder with the pictures ({source.root}), got {out}")
    check_replaceable(out, overwrite=overwrite)
    pictures = source.pictures
    check_space(out, sum(named_as_picture(picture.name) for picture in pictures) * 3 * reading.size**2)
    blocks = ordered_map(
        partial(_read_block, root=source.root, reading=reading),
        [pictures[start : start + _PICTURES_AT_ONCE] for start in range(0, len(pictures), _PICTURES_AT_ONCE)],
        workers=default_workers() if workers is None else workers,
    )
    with closing(blocks), staged_folder(out, overwrite=overwrite) as folder:
        _write(folder, source, reading, blocks, settings, watch=watch)
    return Dataset.open(out)


def _settings(source: Source, reading: Reading) -> dict[str, Any]:
    settings = {
        "kind": source.kind,
        "images": str(real_path(source.root)),
        "labels": str(real_path(source.labels)) if source.labels else None,
        "size": reading.size,
        "fit": reading.fit.value,
        "least_side": reading.least_side,
        "follow_links": reading.follow_links,
        "files": source.digest(),
    }
    # Only where it is so: other data sets keep the settings that they had before these existed.
    settings |= {"texts": "all tags"} if _has_texts(source) else {}
    settings |= {"gray": True} if reading.gray else {}
    return settings | ({"only": source.only} if source.only else {})


def _has_texts(source: Source) -> bool:
    return any(picture.text is not None for picture in source.pictures)


def _write(
    folder: Path,
    source: Source,
    reading: Reading,
    blocks: Iterable[list[_Outcome]],
    settings: Mapping[str, Any],
    *,
    watch: Watch,
) -> None:
    width = sum(len(attribute.classes) for attribute in source.attributes)
    skipped = list(source.skipped)
    conversions: Counter[str] = Counter()
    with_texts = _has_texts(source)
    bar = Bar(total=len(source.pictures), unit="pictures", desc="reading")
    with bar, DatasetWriter(folder, size=reading.size, attributes=source.attributes) as writer:
        for index, block in enumerate(blocks):
            for picture, square, entry in block:
                if square is None:
                    skipped.append(entry)
                else:
                    conversions.update(square.conversions)
                    texts = [picture.text or ""] if with_texts else None
                    writer.add(square.pixels[None], _label_row(picture, width), texts=texts)
            bar.update(len(block))
            used = [square.pixels for _, square, _ in block if square is not None]
            if used:
                watch(index * _PICTURES_AT_ONCE + len(block), len(source.pictures), np.stack(used))
        skipped.sort(key=lambda entry: natural_order(entry["file"]))
        reasons = dict(Counter(entry["reason"] for entry in skipped).most_common())
        if len(skipped) == len(source.skipped) + len(source.pictures):
            if not skipped:
                raise ValueError(f"there are no files in {source.root}")
            raise ValueError(nothing_used(source.root, reasons))
        left_out = writer.drop_empty_classes()
        notes = {**source.notes, **_notes_of_classes(left_out, writer.pictures_of_classes())}
        writer.finish(
            kind=source.kind,
            settings=settings,
            skipped=skipped,
            details={
                "skipped_by_reason": reasons,
                "converted": dict(conversions.most_common()),
                "notes": notes,
                "gray": reading.gray,
            },
        )


def _notes_of_classes(left_out: Sequence[Attribute], kept: Sequence[tuple[Attribute, Sequence[int]]]) -> dict[str, int]:
    """Say which classes are not there, and from which a generator learns nothing or too little."""
    gone = [f"{attribute.name} {name}" for attribute in left_out for name in attribute.classes]
    single = [
        f"{attribute.name} {name}"
        for attribute, counts in kept
        for name, count in zip(attribute.classes, counts, strict=True)
        if count == 1
    ]
    lonely = [f"{attribute.name} {attribute.classes[0]}" for attribute, counts in kept if len(counts) == 1]
    notes = {
        f"{worded(len(gone), *_LEFT_OUT)} could be used: {_listed(gone)}": len(gone),
        f"{worded(len(single), 'class has', 'classes have')} only one picture, which a generator can just copy: "
        f"{_listed(single)}": len(single),
        f"{worded(len(lonely), 'attribute has', 'attributes have')} only one class, so it does not distinguish pictures: "
        f"{_listed(lonely)}": len(lonely),
    }
    return {note: count for note, count in notes.items() if count}


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _read_block(pictures: Sequence[Picture], *, root: Path, reading: Reading) -> list[_Outcome]:
    return [_read_one(picture, root, reading) for picture in pictures]


def _read_one(picture: Picture, root: Path, reading: Reading) -> _Outcome:
    try:
        return _Outcome(picture, read_picture(root, picture.name, reading), {})
    except UnusableError as error:
        entry = {"file": picture.name, "reason": error.reason}
        return _Outcome(picture, None, entry | ({"detail": error.detail} if error.detail else {}))


def _label_row(picture: Picture, width: int) -> np.ndarray:
    row = np.zeros((1, width), dtype=np.uint8)
    row[0, list(picture.columns)] = 1
    return row
