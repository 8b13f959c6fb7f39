"""A summary of a data set in a few lines."""

from collections.abc import Iterator

import numpy as np

from examples.anime_faces.data._dataset import Dataset
from examples.anime_faces.data._numbers import count_in_words, counted, worded
from examples.anime_faces.printing import one_line

_SHOWN = 24


def summarize(dataset: Dataset) -> str:
    """Return lines of text: what was used, skipped and converted, and how often each class occurs."""
    return "\n".join(map(one_line, _lines(dataset)))


def _lines(dataset: Dataset) -> Iterator[str]:
    counts, info = dataset.info["counts"], dataset.info
    size = f"{dataset.size} x {dataset.size} pixels"
    color = "gray " if dataset.is_gray else ""
    if dataset.kind == "rendered":
        yield f"{dataset.path}: {counted(len(dataset), f'{color}rendered face')} of {size}"
    elif "sources" in info:
        parts = ", ".join(f"{one['pictures']} of {one['folder']}" for one in info["sources"])
        yield f"{dataset.path}: {counted(len(dataset), 'picture')} of {size}, joined: {parts}"
    else:
        pictures = worded(counts["used"], f"a {color}picture", f"{color}pictures")
        yield f"{dataset.path}: used {counts['used']} of {counted(counts['found'], 'file')} as {pictures} of {size}"
    if counts["skipped"]:
        yield f"  skipped {counts['skipped']}, each listed in skipped.jsonl:"
        yield from (f"  {count:6d}  {reason}" for reason, count in info["skipped_by_reason"].items())
    if info.get("converted"):
        yield f"  converted: {count_in_words(info['converted'])}"
    for note, count in info.get("notes", {}).items():
        if count:
            yield f"  {count} {note}"
    if dataset.own_texts is not None:
        held = [text for text in dataset.own_texts if text]
        have = worded(len(held), "picture has a text of all its tags", "pictures have a text of all their tags")
        yield f"  {len(held)} {have}; {counted(len(set(held)), 'text differs', 'texts differ')}"
    start = 0
    for attribute in dataset.attributes:
        block = dataset.labels[:, start : start + len(attribute.classes)]
        start += len(attribute.classes)
        yield f"  {attribute.name}: {_class_counts(attribute.classes, block)}"


def _class_counts(classes: tuple[str, ...], block: np.ndarray) -> str:
    each = [f"{name} {count}" for name, count in zip(classes, block.sum(axis=0, dtype=np.int64), strict=True)]
    more = [f"and {len(each) - _SHOWN} more classes"] if len(each) > _SHOWN else []
    held = block.sum(axis=1, dtype=np.int64)
    odd = {"none": int((held == 0).sum()), "several": int((held > 1).sum())}
    return ", ".join([*each[:_SHOWN], *more, *(f"{what} {count}" for what, count in odd.items() if count)])
