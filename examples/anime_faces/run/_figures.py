"""The figures of several metrics files beside each other: those of the kept checkpoints of a run, or of several runs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from examples.anime_faces.records import ANY, RecordError, read_record
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._kept import kept_steps

Key = TypeVar("Key")
Records: TypeAlias = Mapping[Key, Mapping[str, Any]]
_NUMBER = (float, None)
METRICS = {
    "step?": int,
    "samples?": (int, None),
    "data?": {"fingerprint?": str},
    "figures": {
        ANY: {
            "value": _NUMBER,
            "floor?": _NUMBER,
            "at_least?": _NUMBER,
            "at_most?": _NUMBER,
            "low?": _NUMBER,
            "high?": _NUMBER,
            "passed?": (bool, None),
            "undecided?": bool,
            "about?": str,
            "not_applied?": str,
        }
    },
    "details?": {ANY: object},
    "notes?": [str],
}
"""What `evaluate` writes, as far as others read it. A figure that could not be computed has no value."""


def read_kept(folder: RunFolder) -> dict[int, Mapping[str, Any]]:
    """Return what was measured of kept checkpoints, and of the run as a whole, by step.

    Raises:
        ValueError: A file is damaged.
    """
    whole = read_metrics(folder.metrics)
    records = {} if whole is None or "step" not in whole else {whole["step"]: whole}
    kept = {step: read_metrics(folder.kept_metrics(step)) for step in kept_steps(folder)}
    return dict(sorted({**records, **{step: record for step, record in kept.items() if record is not None}}.items()))


def best_of_each(records: Records[Key]) -> dict[str, Key]:
    """Return for each figure the record whose value is nearest to that of real pictures; the earlier of two equal ones.

    Where there is no value of real pictures, the one that is farthest inside its bound is the best. A figure without a bound
    has no best one then, and so has one that some record lacks.

    Args:
        records: Contents of metrics files, by step or by run.
    """
    every = list(records.values())
    names = [
        name for name in (every[0]["figures"] if every else ()) if all(name in record["figures"] for record in every)
    ]
    best: dict[str, Key] = {}
    for name in names:
        distances = {key: distance(record["figures"][name]) for key, record in records.items()}
        known = {key: value for key, value in distances.items() if value is not None}
        if len(known) == len(records):
            best[name] = min(known, key=known.__getitem__)
    return best


def distance(figure: Mapping[str, Any]) -> float | None:
    """Return how far a figure is from the same figure of real pictures, or from the best end of its bound; None: not known."""
    value, floor = figure["value"], figure.get("floor")
    if value is None:
        return None
    if floor is not None:
        return abs(value - floor)
    if figure.get("at_most") is not None and figure.get("at_least") is None:
        return value
    if figure.get("at_least") is not None and figure.get("at_most") is None:
        return -value
    return None


def read_metrics(path: Path) -> Mapping[str, Any] | None:
    """Return what `evaluate` has written. None: there is nothing.

    Raises:
        ValueError: The file is damaged.
        OSError: It cannot be read.
    """
    if not os.path.lexists(path):
        return None
    try:
        return read_record(path, METRICS)
    except RecordError as error:
        raise ValueError(f"{path} is damaged ({error}); run evaluate again") from error
