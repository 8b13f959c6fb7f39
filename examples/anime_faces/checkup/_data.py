"""Findings in a data set: rare and missing classes, copies, pictures of one color, pictures that were left out."""

import hashlib
from collections.abc import Iterator

import numpy as np

from examples.anime_faces.checkup._findings import Finding, problem, warning
from examples.anime_faces.data import Dataset, counted, losses_in_words

LOOKED_AT = 5_000
"""Pictures that are looked at, evenly over the data set."""
FEW = 500
"""Pictures below which a generator mostly learns them by heart."""
RARE = 20
"""Pictures of a class below which it is hardly learned."""
UNEVEN = 50.0
"""Times as many pictures of the most frequent class as of the rarest."""
FLAT = 2.0
"""Standard deviation of all pixels of a picture, of 255, below which it shows nothing."""
MOST_NAMED = 8


def data_lines(dataset: Dataset, rows: np.ndarray) -> Iterator[str]:
    """Return what a recipe would use, a line each: pictures, and how often each class occurs among them."""
    yield f"{len(rows):,} of {len(dataset):,} pictures in use, {dataset.size}x{dataset.size} pixels"
    for name, counts in _counts(dataset, rows).items():
        order = sorted(counts, key=lambda one: -counts[one])
        shown = ", ".join(f"{one} {counts[one]}" for one in order[:MOST_NAMED])
        yield f"{name}: {shown}{f' and {len(order) - MOST_NAMED} more' if len(order) > MOST_NAMED else ''}"


def findings_of_data(dataset: Dataset, rows: np.ndarray) -> Iterator[Finding]:
    """Look at a data set.

    Args:
        dataset: The data set.
        rows: Indices of the pictures that a recipe would use, ascending.
    """
    yield from (warning(text) for text in losses_in_words(dataset))
    if len(rows) < FEW:
        yield warning(
            f"only {counted(len(rows), 'picture')} in use", f"below {FEW} they are mostly learned by heart; add more"
        )
    for name, counts in _counts(dataset, rows).items():
        yield from _of_classes(name, counts)
    yield from _of_pixels(dataset, rows)


def _counts(dataset: Dataset, rows: np.ndarray) -> dict[str, dict[str, int]]:
    """Return by attribute how many of the pictures have each class."""
    found: dict[str, dict[str, int]] = {}
    labels, start = dataset.labels[rows], 0
    for attribute in dataset.attributes:
        sums = labels[:, start : start + len(attribute.classes)].sum(axis=0, dtype=np.int64)
        found[attribute.name] = dict(zip(attribute.classes, map(int, sums), strict=True))
        start += len(attribute.classes)
    return found


def _of_classes(name: str, counts: dict[str, int]) -> Iterator[Finding]:
    missing = [one for one, count in counts.items() if count == 0]
    rare = {one: count for one, count in counts.items() if 0 < count < RARE}
    if missing:
        yield warning(
            f"{name}: no picture in use is {_named(missing)}",
            "they cannot be learned; leave them out with `prepare --only`",
        )
    if rare:
        shown = _named([f"{one} ({count})" for one, count in rare.items()])
        yield warning(
            f"{name}: fewer than {RARE} pictures are {shown}", "add pictures, or join classes, or leave them out"
        )
    known = [count for count in counts.values() if count >= RARE]
    if known and max(known) > UNEVEN * min(known):
        yield warning(
            f"{name}: the most frequent class has {max(known) / min(known):.0f} times as many pictures as the rarest",
            "rare classes are learned late; train longer, or leave pictures out",
        )


def _of_pixels(dataset: Dataset, rows: np.ndarray) -> Iterator[Finding]:
    """Look at pictures that are spread evenly over the data set, for those of one color and for copies."""
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(LOOKED_AT, len(rows))).round().astype(np.int64))]
    flat: list[int] = []
    seen: dict[bytes, int] = {}
    copies: list[tuple[int, int]] = []
    for row in map(int, chosen):
        picture = np.ascontiguousarray(dataset.images[np.array([row])][0])
        if float(picture.std()) < FLAT:
            flat.append(row)
        first = seen.setdefault(hashlib.sha256(picture.tobytes()).digest(), row)
        if first != row:
            copies.append((first, row))
    looked = f"of {counted(len(chosen), 'picture')} that were looked at"
    if len(flat) == len(chosen):
        yield problem(f"all {looked} are of one color", "look at the files: they show nothing to learn")
    elif flat:
        yield warning(
            f"{len(flat)} {looked} are of one color (rows {_named(flat)})", "remove these files, and prepare again"
        )
    if copies:
        pairs = _named([f"{first} and {row}" for first, row in copies])
        yield warning(
            f"{len(copies)} {looked} are copies of others (rows {pairs})", "copies are learned by heart; remove them"
        )


def _named(values: "list[str] | list[int]") -> str:
    shown = ", ".join(map(str, values[:MOST_NAMED]))
    return f"{shown} and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else shown
