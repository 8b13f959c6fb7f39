"""What a user should know where many pictures of a folder did not get into a data set, or many labels do not name them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from examples.anime_faces.data._dataset import Dataset
from examples.anime_faces.data._numbers import counted
from examples.anime_faces.data._only import NOT_CHOSEN

MUCH = 0.25
"""Share of the pictures from which on it is said that they were left out, or that an attribute is unknown for them."""
MOST_REASONS = 3
ADVICE = {
    "no line in the table of labels": "are the names in --labels written as in --images, with subfolders and endings?",
    "no line in the tag file": "are the ids in --tags those of the files, without their endings?",
    "another file has the same id": "files of one id in several subfolders: give the folder of one of them",
    "in the folder of no class": "with --unlabeled all pictures are used, without classes",
    "a side shorter than": "with a smaller --least-side they are used",
    "a link that leads out of the folder": "with --follow-links they are read",
}
"""What to look at, by how the reason begins."""
NO_PICTURES = ("not a picture", "made by the operating system", "a folder", "a link to a folder", "not a regular file")
"""Reasons of files that nobody takes for pictures."""
MISSING = "no such file"
"""The reason of a line in a table whose file is not there."""


def losses_in_words(dataset: Dataset) -> list[str]:
    """Return warnings: how many of the pictures were kept, and why the others were not; and attributes that are mostly unknown.

    Pictures that `--only` left out are not counted: they were not requested.

    Args:
        dataset: A data set that was prepared from files; for others, nothing is said.
    """
    return [*_of_files(dataset), *_of_labels(dataset)]


def _of_files(dataset: Dataset) -> Iterator[str]:
    reasons: Mapping[str, int] = dataset.info.get("skipped_by_reason") or {}
    lost = {
        reason: count
        for reason, count in reasons.items()
        if reason != NOT_CHOSEN and not reason.startswith(NO_PICTURES)
    }
    kept, left_out = len(dataset), sum(lost.values())
    if left_out < MUCH * (kept + left_out):
        return
    named = sorted(lost, key=lambda reason: -lost[reason])
    parts = [f"{lost[reason]}: {reason}{_advice(reason)}" for reason in named[:MOST_REASONS]]
    if len(named) > MOST_REASONS:
        parts.append(f"{sum(lost[reason] for reason in named[MOST_REASONS:])}: other reasons")
    share = kept / (kept + left_out)
    yield (
        f"only {kept} of {counted(kept + left_out, 'picture')} ({share:.0%}) got into the data set. Of the others, "
        f"{'; '.join(parts)}. Each is listed in skipped.jsonl"
    )


def _of_labels(dataset: Dataset) -> Iterator[str]:
    if dataset.kind == "rendered" or "sources" in dataset.info:
        return
    start = 0
    for attribute in dataset.attributes:
        block = dataset.labels[:, start : start + len(attribute.classes)]
        start += len(attribute.classes)
        known = int(np.count_nonzero(np.any(block, axis=1)))
        if len(dataset) - known >= MUCH * len(dataset):
            yield (
                f"only {known} of {counted(len(dataset), 'picture')} ({known / len(dataset):.0%}) have a class of "
                f"{attribute.name}; recipes that read labels leave the others out or take them as unknown"
            )


def nothing_used(folder: Path, reasons: Mapping[str, int]) -> str:
    """Return that not one picture of a folder could be used, and why, with what to look at.

    Files that nobody takes for pictures, and lines of a table without a file, are counted only where there is nothing else.

    Args:
        folder: The folder of the pictures.
        reasons: How many files there are of each reason, the most frequent first.
    """
    lost = {reason: count for reason, count in reasons.items() if not reason.startswith((*NO_PICTURES, MISSING))}
    noun, lost = ("picture", lost) if lost else ("file", dict(reasons))
    count = sum(lost.values())
    what = f"the only {noun} in {folder} could not be used"
    what = what if count == 1 else f"not one of the {count} {noun}s in {folder} could be used"
    return f"{what}: {', '.join(f'{count} x {reason}{_advice(reason)}' for reason, count in lost.items())}"


def _advice(reason: str) -> str:
    return next((f" ({advice})" for start, advice in ADVICE.items() if reason.startswith(start)), "")
