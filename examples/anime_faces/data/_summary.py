"""Saying in a few lines what a data set holds."""

from collections.abc import Iterator, Mapping

import numpy as np

from examples.anime_faces.data._dataset import Dataset

_SHOWN = 24


def summarize(dataset: Dataset) -> str:
    """Return what was used, skipped and converted, and how often each class occurs, in lines of text."""
    return "\n".join(_lines(dataset))


def _lines(dataset: Dataset) -> Iterator[str]:
    counts, info = dataset.info["counts"], dataset.info
    size = f"{dataset.size} x {dataset.size} pixels"
    if dataset.kind == "rendered":
        yield f"{dataset.path}: {len(dataset)} rendered faces of {size}"
    else:
        yield f"{dataset.path}: used {counts['used']} of {counts['found']} files as pictures of {size}"
    if counts["skipped"]:
        yield f"  skipped {counts['skipped']}, listed in skipped.jsonl: {count_in_words(info['skipped_by_reason'])}"
    if info.get("converted"):
        yield f"  converted: {count_in_words(info['converted'])}"
    for note, count in info.get("notes", {}).items():
        if count:
            yield f"  {count} {note}"
    start = 0
    for attribute in dataset.attributes:
        block = dataset.labels[:, start : start + len(attribute.classes)]
        start += len(attribute.classes)
        yield f"  {attribute.name}: {_class_counts(attribute.classes, block)}"


def _class_counts(classes: tuple[str, ...], block: np.ndarray) -> str:
    each = [f"{name} {count}" for name, count in zip(classes, block.sum(axis=0, dtype=np.int64), strict=True)]
    more = [f"and {len(each) - _SHOWN} more classes"] if len(each) > _SHOWN else []
    held = block.sum(axis=1, dtype=np.int64)
    odd = [f"{count} pictures with {what}" for what, count in _odd(held) if count]
    return ", ".join(each[:_SHOWN] + more) + (f"; {', '.join(odd)}" if odd else "")


def _odd(held: np.ndarray) -> list[tuple[str, int]]:
    return [("none", int((held == 0).sum())), ("several", int((held > 1).sum()))]


def count_in_words(counts: Mapping[str, int]) -> str:
    """Return counts as text, such as ``3 x an empty file, 1 x no regular file``."""
    return ", ".join(f"{count} x {what}" for what, count in counts.items()) or "none"
