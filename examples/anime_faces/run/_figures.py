"""The figures of several metrics files beside each other: those of the kept checkpoints of a run, or of several runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._kept import kept_steps

Key = TypeVar("Key")
Records: TypeAlias = Mapping[Key, Mapping[str, Any]]


def read_kept(folder: RunFolder) -> dict[int, dict[str, Any]]:
    """Return what was measured of kept checkpoints, and of the run as a whole, by step; damaged files are left out."""
    records: dict[int, dict[str, Any]] = {}
    for step in kept_steps(folder):
        records |= _read(folder.kept_metrics(step), step)
    return dict(sorted({**_read(folder.metrics, None), **records}.items()))


def best_of_each(records: Records[Key]) -> dict[str, Key]:
    """Return for each figure the record whose value is nearest to that of real pictures; the earlier of two equal ones.

    Where there is no value of real pictures, the one that is farthest inside its bound is the best. A figure without a bound
    has no best one then, and so has one that some record lacks.

    Args:
        records: Contents of metrics files, by step or by run.
    """
    every, order = list(records.values()), list(records)
    names = [
        name for name in (every[0]["figures"] if every else ()) if all(name in record["figures"] for record in every)
    ]
    best: dict[str, Key] = {}
    for name in names:
        distances = {key: distance(record["figures"][name]) for key, record in records.items()}
        known = {key: value for key, value in distances.items() if value is not None}
        if len(known) == len(records):
            best[name] = min(order, key=known.__getitem__)
    return best


def distance(figure: Mapping[str, Any]) -> float | None:
    """Return how far a figure is from the same figure of real pictures, or from the best end of its bound; None: not known."""
    value, floor = figure["value"], figure.get("floor")
    if floor is not None:
        return abs(value - floor)
    if figure.get("at_most") is not None and figure.get("at_least") is None:
        return value
    if figure.get("at_least") is not None and figure.get("at_most") is None:
        return -value
    return None


def _read(path: Path, step: int | None) -> dict[int, dict[str, Any]]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict) or not isinstance(record.get("step"), int) or not _has_figures(record):
        return {}
    return {record["step"] if step is None else step: record}


def _has_figures(record: Mapping[str, Any]) -> bool:
    figures = record.get("figures")
    return isinstance(figures, dict) and all(
        isinstance(figure, dict) and isinstance(figure.get("value"), int | float) for figure in figures.values()
    )
