"""Rendering faces in several processes: into a data set, or into memory."""

import dataclasses
import hashlib
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from examples.anime_faces.bars import Bar
from examples.anime_faces.data._attributes import BINARY_ATTRIBUTES, FACE_ATTRIBUTES, Attribute
from examples.anime_faces.data._dataset import Dataset
from examples.anime_faces.data._only import ChosenClasses
from examples.anime_faces.data._pixels import to_gray
from examples.anime_faces.data._places import find_same
from examples.anime_faces.data._staging import staged_folder
from examples.anime_faces.data._workers import default_workers, ordered_map
from examples.anime_faces.data._writer import DatasetWriter, Watch, watch_nothing
from examples.anime_faces.data.render import DISTRACTOR_TAGS, Face, Knobs, face_from_seed, factors, render
from examples.anime_faces.printing import say

_FACES_AT_ONCE = 64
_WORTH_PROCESSES = 400
"""Below this number of faces, starting processes takes longer than it saves."""

_PLAIN = Knobs()


class _Block(NamedTuple):
    images: np.ndarray
    factors: dict[str, np.ndarray]


def write_rendered(
    out: Path,
    count: int,
    size: int = 64,
    seed: int = 0,
    knobs: Knobs = _PLAIN,
    *,
    binary_labels: bool = False,
    only: str = "",
    gray: bool = False,
    workers: int | None = None,
    overwrite: bool = False,
    watch: Watch = watch_nothing,
) -> Dataset:
    """Render faces into a data set.

    Face ``i`` depends only on ``seed``, ``knobs`` and ``i``. A larger data set therefore begins with the smaller one, and the
    files do not depend on the number of workers.

    Args:
        out: Folder to write.
        count: Number of faces, at least 1.
        size: Width and height, 32 to 128.
        seed: Decides the faces, at least 0.
        knobs: The distribution that the faces are drawn from.
        binary_labels: Also label the faces with those of glasses, ribbon and highlight that only some of them have.
        only: Colors of hair or eyes, as a prompt says them: faces of other colors are not drawn, and their classes are not
            there. Empty: all colors. The other parts of a face stay the same.
        gray: Whether to take the colors out of the pictures; labels stay.
        workers: Number of processes. 0: work in this one. Default: one for each processor core.
        overwrite: Whether to replace a data set that is already in ``out``. If not, a data set of the same settings is kept as
            it is.
        watch: Is called with each block of pictures and may show how far the work is.

    Returns:
        The data set, opened.

    Raises:
        ValueError: An argument is out of its range, or ``out`` contains something else.
    """
    _check(count, seed)
    chosen = ChosenClasses(FACE_ATTRIBUTES, only) if only else None
    attributes = (*(chosen.kept if chosen else FACE_ATTRIBUTES), *(_varying_attributes(knobs) if binary_labels else ()))
    drawn = _within(knobs, chosen) if chosen else knobs
    # The digest of the first picture stands for the version of the renderer, which is a setting too.
    first = hashlib.sha256(render(face_from_seed(seed, 0, drawn), size).tobytes()).hexdigest()
    settings = {"count": count, "size": size, "seed": seed, "knobs": dataclasses.asdict(knobs), "first_picture": first}
    # Older data sets have no such entries.
    settings |= {"binary_labels": True} if binary_labels else {}
    settings |= {"only": only} if only else {}
    settings |= {"gray": True} if gray else {}
    if not overwrite and (same := find_same(out, settings)):
        say(f"{out} already contains this data set: nothing to do")
        return same
    blocks = ordered_map(
        partial(_render_block, seed=seed, size=size, knobs=drawn, gray=gray),
        [range(start, min(start + _FACES_AT_ONCE, count)) for start in range(0, count, _FACES_AT_ONCE)],
        workers=default_workers() if workers is None else workers,
    )
    with closing(blocks), staged_folder(out, overwrite=overwrite) as folder:
        _write(folder, blocks, count, size, settings, attributes=attributes, gray=gray, watch=watch)
    return Dataset.open(out)


def render_faces(faces: Sequence[Face], size: int, *, workers: int | None = None) -> Generator[np.ndarray, None, None]:
    """Yield the pictures of the faces in their order, in blocks uint8 ``(k, size, size, 3)``.

    Args:
        faces: The faces.
        size: Width and height, 32 to 128.
        workers: Number of processes. 0: work in this one. Default: one for each processor core, or 0 for a few faces.
    """
    blocks = [faces[start : start + _FACES_AT_ONCE] for start in range(0, len(faces), _FACES_AT_ONCE)]
    if workers is None:
        workers = default_workers() if len(faces) >= _WORTH_PROCESSES else 0
    with closing(ordered_map(partial(_pictures_of, size=size), blocks, workers=workers)) as pictures:
        yield from pictures


def _pictures_of(faces: Sequence[Face], *, size: int) -> np.ndarray:
    return np.stack([render(face, size) for face in faces])


def _check(count: int, seed: int) -> None:
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")


def _write(
    folder: Path,
    blocks: Iterable[_Block],
    count: int,
    size: int,
    settings: dict[str, object],
    *,
    attributes: tuple[Attribute, ...],
    gray: bool,
    watch: Watch,
) -> None:
    bar = Bar(total=count, unit="faces", desc="rendering")
    with bar, DatasetWriter(folder, size=size, attributes=attributes) as writer:
        for index, block in enumerate(blocks):
            writer.add(block.images, _labels(attributes, block.factors), block.factors)
            bar.update(len(block.images))
            watch(index * _FACES_AT_ONCE + len(block.images), count, block.images)
        writer.finish(kind="rendered", settings=settings, details={"extra_tags": list(DISTRACTOR_TAGS), "gray": gray})


def _render_block(indices: range, *, seed: int, size: int, knobs: Knobs, gray: bool) -> _Block:
    faces = [face_from_seed(seed, index, knobs) for index in indices]
    rows = [factors(face) for face in faces]
    values = {name: _narrow(np.array([row[name] for row in rows])) for name in rows[0]}
    values["extra_tags"] = np.array([[tag in face.extra_tags for tag in DISTRACTOR_TAGS] for face in faces], np.uint8)
    images = _pictures_of(faces, size=size)
    return _Block(to_gray(images) if gray else images, values)


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32 if values.dtype.kind == "f" else np.int32)


def _varying_attributes(knobs: Knobs) -> tuple[Attribute, ...]:
    """Return the binary attributes that some faces have and others do not."""
    varying = tuple(one for one in BINARY_ATTRIBUTES if 0.0 < getattr(knobs, f"{one.name}_rate") < 1.0)
    if not varying:
        rates = ", ".join(f"{one.name}_rate" for one in BINARY_ATTRIBUTES)
        raise ValueError(
            f"binary_labels must have something to label: one of {rates} must be above 0 and below 1, but none is"
        )
    return varying


def _labels(attributes: Sequence[Attribute], values: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([_one_hot(attribute, values[attribute.name]) for attribute in attributes], axis=1)


def _one_hot(attribute: Attribute, values: np.ndarray) -> np.ndarray:
    """Return a row for each value, which counts all classes of faces, also where an attribute has only some of them."""
    every = next(one for one in (*FACE_ATTRIBUTES, *BINARY_ATTRIBUTES) if one.name == attribute.name).classes
    columns = np.array([every.index(name) for name in attribute.classes])
    return (values[:, None] == columns).astype(np.uint8)


def _within(knobs: Knobs, chosen: ChosenClasses) -> Knobs:
    """Return knobs that withhold all pairs of colors but those of chosen classes."""
    hair, eyes = (range(len(attribute.classes)) for attribute in FACE_ATTRIBUTES)
    pairs = {(one, other) for one in hair for other in eyes}
    pairs -= {(one, other) for one in chosen.ids_of(0) for other in chosen.ids_of(1)}
    try:
        return dataclasses.replace(knobs, withheld_pairs=tuple(sorted(pairs | set(knobs.withheld_pairs))))
    except ValueError as error:
        raise ValueError(f"--only must leave a pair of colors that is not withheld, got {chosen.words!r}") from error
