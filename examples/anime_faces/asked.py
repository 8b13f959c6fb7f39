"""Checks of what a user requested, which load nothing heavy: a mistake is said before torch is imported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from examples.anime_faces.asked_runs import runs_near
from examples.anime_faces.links import real_path

MOST_SEEDS = 2**64  # of torch
MOST_STEPS = 1_000_000_000  # and minutes
RUNS_COMPARED = range(2, 9)


class Asked(Protocol):
    """What is requested of a training, under the names of the options of `train`."""

    @property
    def steps(self) -> int | None: ...  # noqa: D102
    @property
    def minutes(self) -> float | None: ...  # noqa: D102
    @property
    def plan(self) -> Path | None: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def grid_every(self) -> int | None: ...  # noqa: D102
    @property
    def keep(self) -> tuple[int, ...]: ...  # noqa: D102


def check_training(asked: Asked) -> None:
    """Refuse numbers with which nothing can be trained.

    Raises:
        ValueError: One makes no sense, or some exclude each other.
    """
    if asked.steps is not None and asked.minutes is not None:
        raise ValueError("--steps and --minutes must not both be given: the minutes are turned into steps")
    if asked.plan is not None and (asked.steps is not None or asked.minutes is not None):
        raise ValueError("--plan must not be combined with --steps or --minutes: the steps are those of its run")
    counts = (("--steps", asked.steps), ("--minutes", asked.minutes), ("--grid-every", asked.grid_every))
    for name, value in (*counts, *(("--keep", step) for step in asked.keep)):
        if value is not None and not 0 < value <= MOST_STEPS:
            raise ValueError(f"{name} must be above 0, and at most {MOST_STEPS:,}, but it is {value}")
    if not 0 <= asked.seed < MOST_SEEDS:
        raise ValueError(f"--seed must be 0 or more and below 2**64, but it is {asked.seed}")


def check_at_least_1(**options: int | None) -> None:
    """Refuse numbers below 1; None is an option that was not given.

    Args:
        options: The numbers, under the names of their options.

    Raises:
        ValueError: One is below 1; the message names that one.
    """
    for name, value in options.items():
        if value is not None and value < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1, but it is {value}")


def check_there(path: Path, name: str) -> None:
    """Refuse a file or folder that is not there.

    Args:
        path: What was given.
        name: The option, as a user writes it.

    Raises:
        ValueError: There is nothing.
    """
    if not path.exists():
        near = runs_near(path) if name in ("--run", "--from") else ""
        raise ValueError(f"{name} {path} does not exist{f'; {near}' if near else ''}")


def check_runs_to_compare(runs: Sequence[Path]) -> None:
    """Refuse too few or too many runs, and one that is given twice.

    Raises:
        ValueError: There are not two to eight different runs.
    """
    if len(runs) not in RUNS_COMPARED:
        given = "1 was given" if len(runs) == 1 else f"{len(runs)} were given"
        raise ValueError(f"compare needs {RUNS_COMPARED[0]} to {RUNS_COMPARED[-1]} runs, but {given}")
    twice = [run for place, run in enumerate(runs) if real_path(run) in [real_path(one) for one in runs[:place]]]
    if twice:
        raise ValueError(f"compare needs different runs, but {twice[0]} is given twice")
    for run in runs:
        if not run.exists():
            raise ValueError(f"{run} does not exist: name folders of runs, or checkpoints that `train --keep` kept")
