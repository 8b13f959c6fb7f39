"""The figures of several checkpoints of a run beside each other, and which of them is the best."""

from dataclasses import replace
from typing import Any

from examples.anime_faces.metrics._run import Question, evaluate_run
from examples.anime_faces.printing import one_line, say
from examples.anime_faces.run import Records, RunFolder, best_of_each, checkpoint_of, kept_steps, newest_step

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
        say(f"evaluate: step {step}", flush=True)
        run = checkpoint_of(question.run, step) if step in kept else question.run
        records[step] = evaluate_run(replace(question, run=run))
    return records


def steps_summary(records: Records[int], by: str) -> str:
    """Return a table of the figures, a column for each step; the best one of each row is marked with a star.

    Args:
        records: Metrics by step.
        by: The figure that chooses the step.

    Raises:
        ValueError: No figure has this name, or it has no best step.
    """
    best = best_of_each(records)
    if by not in best:
        raise ValueError(f"--by must name one of the figures {', '.join(best)}, but it is {by!r}")
    lines = [f"{'figure':<28}" + "".join(f"{step:>{WIDTH}}" for step in records) + f"{'real':>{WIDTH}}"]
    for name, figure in next(iter(records.values()))["figures"].items():
        line = f"{name:<28}"
        for step, record in records.items():
            one = record["figures"].get(name)
            text = (
                ""
                if one is None or one["value"] is None
                else f"{one['value']:.4g}" + ("*" if best.get(name) == step else "")
            )
            line += f"{text:>{WIDTH}}"
        floor = figure.get("floor")
        lines.append(line + ("" if floor is None else f"{floor:>{WIDTH}.4g}"))
    return "\n".join(map(one_line, [*lines, f"* nearest to real pictures. Best step by {by}: {best[by]}"]))
