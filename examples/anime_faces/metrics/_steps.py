"""The figures of several checkpoints of a run beside each other, and which of them is the best."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from examples.anime_faces.metrics._run import Question, evaluate_run
from examples.anime_faces.run import RunFolder, checkpoint_of, kept_steps, newest_step

Records = Mapping[int, Mapping[str, Any]]
WIDTH = 10  # of a column of the table


def evaluate_kept(question: Question) -> dict[int, dict[str, Any]]:
    """Evaluate every checkpoint that `train --keep` kept, and the newest one; each gets a metrics file of its own.

    Args:
        question: What to measure; its run is the folder of a run.

    Returns:
        The contents of the metrics files by step, in ascending order.

    Raises:
        ValueError: The run has no kept checkpoints, or an evaluation is refused.
    """
    folder = RunFolder(question.run)
    kept, newest = kept_steps(folder), newest_step(folder)
    if not kept:
        raise ValueError(
            f"--all-kept must be used with a run that kept checkpoints, but {question.run} has none: train it with --keep STEPS"
        )
    records = {}
    for step in sorted({*kept, newest}):
        print(f"evaluate: step {step}", flush=True)
        run = checkpoint_of(question.run, step) if step in kept else question.run
        records[step] = evaluate_run(replace(question, run=run))
    return records


def read_kept(folder: RunFolder) -> dict[int, dict[str, Any]]:
    """Return what was measured of kept checkpoints, and of the run as a whole, by step; files that are no JSON are left out."""
    records: dict[int, dict[str, Any]] = {}
    for step in kept_steps(folder):
        records |= _read(folder.kept_metrics(step), step)
    return dict(sorted({**_read(folder.metrics, None), **records}.items()))


def best_steps(records: Records) -> dict[str, int]:
    """Return for each figure the step whose value is nearest to that of real pictures; the earlier of two equal ones.

    Where there is no value of real pictures, the step that is farthest inside its bound is the best. A figure without a bound
    has none then, and so has one that some step lacks.

    Args:
        records: Metrics by step.
    """
    every = list(records.values())
    names = [name for name in every[0]["figures"] if all(name in record["figures"] for record in every)]
    best: dict[str, int] = {}
    for name in names:
        distances = {step: distance(record["figures"][name]) for step, record in records.items()}
        known = {step: value for step, value in distances.items() if value is not None}
        if len(known) == len(records):
            best[name] = min(known, key=lambda step: (known[step], step))
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


def steps_summary(records: Records, by: str) -> str:
    """Return a table of the figures, a column for each step; the best one of each row is marked with a star.

    Args:
        records: Metrics by step.
        by: The figure that chooses the step.

    Raises:
        ValueError: No figure has this name, or it tells no best step.
    """
    best = best_steps(records)
    if by not in best:
        raise ValueError(f"--by must name one of the figures {', '.join(best)}, but it is {by!r}")
    lines = [f"{'figure':<28}" + "".join(f"{step:>{WIDTH}}" for step in records) + f"{'real':>{WIDTH}}"]
    for name, figure in next(iter(records.values()))["figures"].items():
        line = f"{name:<28}"
        for step, record in records.items():
            one = record["figures"].get(name)
            text = "" if one is None else f"{one['value']:.4g}" + ("*" if best.get(name) == step else "")
            line += f"{text:>{WIDTH}}"
        floor = figure.get("floor")
        lines.append(line + ("" if floor is None else f"{floor:>{WIDTH}.4g}"))
    return "\n".join([*lines, f"* nearest to real pictures. Best step by {by}: {best[by]}"])


def _read(path: Path, step: int | None) -> dict[int, dict[str, Any]]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {record["step"] if step is None else step: record} if isinstance(record, dict) and "step" in record else {}
