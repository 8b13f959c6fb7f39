"""Checkpoints of named steps: they stay, whatever is saved later. They are in a folder of their own, which nothing sweeps."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import gankit as gk
from examples.anime_faces.asked_runs import instead_of_run
from examples.anime_faces.run._folder import RunFolder

ALL = sys.maxsize  # of the checkpoints in the folder stay


def keep_checkpoint(folder: RunFolder, step: int, state: dict[str, Any]) -> None:
    """Write the state of a named step."""
    gk.training.Checkpoints(folder.kept, ALL).save(step, state)


def saved_steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints in a folder, in ascending order; none where there is no such folder."""
    return gk.training.Checkpoints(folder).steps() if folder.is_dir() else []


def kept_steps(folder: RunFolder) -> list[int]:
    """Return the steps whose checkpoints are kept, in ascending order."""
    return saved_steps(folder.kept)


def newest_step(folder: RunFolder) -> int:
    """Return the step of the newest checkpoint of a run.

    Raises:
        ValueError: There is none.
    """
    steps = saved_steps(folder.checkpoints)
    if not steps:
        raise ValueError(f"{folder.path} holds no checkpoint; {instead_of_run(folder.path)}")
    return steps[-1]


def checkpoint_of(run: Path, step: int) -> Path:
    """Return the checkpoint of a run after `step` steps: one that is kept, or one of the newest two.

    Raises:
        ValueError: `run` is not the folder of a run, or it holds no checkpoint of this step.
    """
    folder = RunFolder(run)
    if not folder.checkpoints.is_dir():
        raise ValueError(f"--step must be used with the folder of a run, but {run} holds no checkpoints")
    newest = gk.training.Checkpoints(folder.checkpoints)
    kept = kept_steps(folder)
    if step in kept:
        return folder.kept / newest.path(step).name
    if step in newest.steps():
        return newest.path(step)
    there = ", ".join(map(str, sorted({*kept, *newest.steps()})))
    raise ValueError(f"--step must be one of {there}, whose checkpoints {run} holds, but it is {step}")


def check_kept_steps(asked: Collection[int], folder: RunFolder, *, trained: int, steps: int | None) -> None:
    """Refuse steps to keep that are over, or that the run will not reach.

    Args:
        asked: The steps that are named for the first time.
        folder: The folder of the run.
        trained: The steps that the run has done.
        steps: The steps of the plan. None: they may change on the way.

    Raises:
        ValueError: A step was done before it was named, or is beyond the plan.
    """
    over = [step for step in sorted(asked) if step < trained and step not in kept_steps(folder)]
    if over:
        raise ValueError(
            f"--keep must name steps to come, but {over[0]} is over: the run in {folder.path} has done {trained} steps"
        )
    if steps is not None and any(step > steps for step in asked):
        raise ValueError(f"--keep must name steps of the plan, which has {steps}, but {max(asked)} is beyond it")


def kept_in_words(keep: Collection[int], steps: int) -> str:
    """Return which checkpoints will be kept, for a plan of `steps` steps."""
    words = f"the checkpoints of the steps {', '.join(map(str, keep))}"
    beyond = [str(step) for step in keep if step > steps]
    return f"{words}; beyond the plan, and kept only if it becomes longer: {', '.join(beyond)}" if beyond else words
