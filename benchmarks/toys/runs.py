"""Runs that are missing, several processes at a time."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import torch

from benchmarks.toys.records import Record, load, make_record, save


class Experiment(Protocol):
    """Several arms, each run once a seed; it travels between processes."""

    @property
    def name(self) -> str:
        """Return what the command line calls it."""
        ...

    @property
    def arms(self) -> Mapping[str, object]:
        """Return what is compared, by name."""
        ...

    @property
    def drawn(self) -> bool:
        """Return whether a run draws anything; one that does not is run once."""
        ...

    def protocol(self, arm: str) -> dict[str, object]:
        """Return all that a run of an arm depends on but its seed, as plain values."""
        ...

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Run one arm and return what was measured."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One arm of an experiment, with one seed."""

    experiment: Experiment
    arm: str
    seed: int

    def kept(self, folder: Path) -> Record | None:
        """Return the record of this run, or None where it is still to be made."""
        return load(folder, self.experiment.name, self.arm, self.seed, protocol=self.experiment.protocol(self.arm))


def all_runs(experiments: Iterable[Experiment], seeds: Sequence[int]) -> list[Run]:
    """Return every arm of every experiment with every seed, seeds outermost: a stopped table then has whole rows."""
    return [
        Run(experiment, arm, seed)
        for seed in seeds
        for experiment in experiments
        if experiment.drawn or seed == seeds[0]
        for arm in experiment.arms
    ]


def play(runs: Iterable[Run], folder: Path, *, workers: int) -> Iterator[Record]:
    """Make the records that `folder` lacks, each with one thread, and yield them as they come."""
    missing = [run for run in runs if run.kept(folder) is None]
    # Spawned, not forked: torch's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        futures = [pool.submit(_play, run, folder) for run in missing]
        for future in as_completed(futures):
            yield future.result()


def _one_thread() -> None:
    torch.set_num_threads(1)


def _play(run: Run, folder: Path) -> Record:
    start = time.process_time()
    figures = run.experiment.run(run.arm, run.seed)
    record = make_record(
        run.experiment.name,
        run.arm,
        run.seed,
        protocol=run.experiment.protocol(run.arm),
        figures=figures,
        seconds=time.process_time() - start,
    )
    save(folder, record)
    return record
