"""The pictures that are to be changed, from a folder or from a data set, with what their labels say."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from examples.anime_faces.data import (
    Attribute,
    Dataset,
    ParseError,
    Reading,
    UnusableError,
    is_dataset,
    line_of_class,
    list_files,
    open_verified,
    read_picture,
    table_source,
    to_square,
    word_key,
)
from examples.anime_faces.recipes.stargan.vector import TargetVector, sign_of
from examples.anime_faces.transfer._labels import UNKNOWN, known_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Pictures that are to be changed.

    Args:
        names: What each is called.
        images: uint8 ``(n, size, size, 3)``.
        numbers: What labels say of their vectors, ``(n, entries)``; -1 where they say nothing.
        notes: What a user should know.
    """

    names: Sequence[str]
    images: np.ndarray
    numbers: torch.Tensor
    notes: Sequence[str] = ()


def read_given(
    images: Path, vector: TargetVector | None, reading: Reading, *, most: int, labels: Path | None = None
) -> Given:
    """Read the first pictures of a folder, or of a data set that `prepare` wrote.

    Args:
        images: The folder.
        vector: What is to be known of each picture. None: nothing, so that vectors have no entries.
        reading: Size and shape of the result.
        most: How many pictures at most.
        labels: A table with the classes of the pictures in a folder, as `prepare` reads them. A data set has labels of its own.

    Raises:
        ValueError: There is no picture that can be used, or the labels do not fit.
    """
    if is_dataset(images):
        if labels is not None:
            raise ValueError(f"--labels is for a folder of pictures, but {images} is a data set with labels of its own")
        return _of_dataset(open_verified(images), vector, reading, most)
    found, skipped = list_files(images, leave_out=labels)
    table = None if labels is None or vector is None else _Table(images, labels, vector)
    names: list[str] = []
    pictures: list[np.ndarray] = []
    unused = [f"{entry['file']} ({entry['reason']})" for entry in skipped]
    for name in found:
        if len(names) == most:
            break
        try:
            pictures.append(read_picture(images, name, reading).pixels)
            names.append(name)
        except UnusableError as error:
            unused.append(f"{name} ({error.reason})")
    if not names:
        reason = f"; not {', not '.join(unused[:3])}" if unused else ""
        raise ValueError(f"--images {images} has no picture that can be used{reason}")
    notes = (
        [f"files that cannot be used: {', '.join(unused[:5])}{', ...' if len(unused) > 5 else ''}"] if unused else []
    )
    unknown = torch.full((len(names), 0 if vector is None else len(vector.entries)), UNKNOWN)
    return Given(
        names=names,
        images=np.stack(pictures),
        numbers=unknown if table is None else table.numbers(names),
        notes=[*notes, *_note_of_more(len(names) + len(unused) - len(skipped), len(found), images)],
    )


def _note_of_more(seen: int, there: int, images: Path) -> list[str]:
    return [f"{images} has {there} files: --n shows more of them"] if seen < there else []


def _of_dataset(dataset: Dataset, vector: TargetVector | None, reading: Reading, most: int) -> Given:
    count, size = min(most, len(dataset)), reading.size
    images = np.asarray(dataset.images[:count])
    if dataset.size != size:
        images = np.stack([np.asarray(to_square(Image.fromarray(one), size, reading.fit)) for one in images])
    return Given(
        names=[str(row) for row in range(count)],
        images=images,
        numbers=torch.zeros(count, 0)
        if vector is None
        else known_numbers(vector, dataset.attributes, dataset.class_ids()[:count]),
        notes=_note_of_more(count, len(dataset), dataset.path),
    )


class _Table:
    """A table of labels."""

    def __init__(self, images: Path, labels: Path, vector: TargetVector) -> None:
        source = table_source(images, labels)
        self._vector, self._attributes = vector, source.attributes
        self._columns: Mapping[str, tuple[int, ...]] = {one.name: one.columns for one in source.pictures}
        self._refuse_unknown(labels)
        nothing = np.zeros((1, len(source.attributes)), dtype=np.int64)
        if bool((known_numbers(vector, source.attributes, nothing) == UNKNOWN).all()):
            names = ", ".join(dict.fromkeys(vector.attributes[entry.attribute].name for entry in vector.entries))
            raise ValueError(
                f"--labels {labels} must have one of the attributes {names}, but it has "
                f"{', '.join(attribute.name for attribute in source.attributes) or 'none'}"
            )

    def _refuse_unknown(self, labels: Path) -> None:
        """Refuse what is neither of the two classes of an attribute: it would be taken for an empty cell."""
        own = {word_key(one.name): one for one in self._vector.attributes if len(one.classes) == 2}
        for attribute in self._attributes:
            known = own.get(word_key(attribute.name))
            keys = [] if known is None else [word_key(name) for name in known.classes]
            wrong = [name for name in attribute.classes if keys and word_key(name) not in keys and sign_of(name) == 0]
            if wrong:
                line = line_of_class(labels, attribute.name, wrong[0])
                words = (
                    f"class {wrong[0]!r} of {attribute.name} must be one of {', '.join(known.classes if known else ())}"
                )
                problem = f"{words}, or yes, no, 1, 0, -1"
                raise ValueError(f"{labels}: {problem}") if line is None else ParseError(labels, line, problem)

    def numbers(self, names: Sequence[str]) -> torch.Tensor:
        """Return what the table says of pictures."""
        ids = np.array([[*_class_ids(self._columns.get(name, ()), self._attributes)] for name in names])
        numbers = known_numbers(self._vector, self._attributes, ids)
        numbers[[name not in self._columns for name in names]] = UNKNOWN
        return numbers


def _class_ids(columns: Collection[int], attributes: Sequence[Attribute]) -> list[int]:
    """Return the one class of each attribute; -1 where there is none, or several."""
    ids: list[int] = []
    start = 0
    for attribute in attributes:
        own = [column - start for column in columns if start <= column < start + len(attribute.classes)]
        ids.append(own[0] if len(own) == 1 else -1)
        start += len(attribute.classes)
    return ids
