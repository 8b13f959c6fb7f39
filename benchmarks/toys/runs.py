"""Records of runs, and the runs that are missing, several processes at a time."""

import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The results of one run, and everything that it depends on.

    Attributes:
        experiment: The experiment's name.
        arm: The arm's name.
        seed: Of networks, data and latents.
        protocol: The settings of the run; a record of other settings is stale.
        figures: What was measured.
        seconds: Processor time of the run.
        torch: Version of torch.
        threads: Threads that torch used.
        machine: The kind of processor.
    """

    experiment: str
    arm: str
    seed: int
    protocol: dict[str, object]
    figures: dict[str, Any]
    seconds: float
    torch: str
    threads: int
    machine: str


def make_record(
    experiment: str,
    arm: str,
    seed: int,
    *,
    protocol: dict[str, object],
    figures: dict[str, Any],
    seconds: float,
) -> Record:
    """Return the record of a run that has just ended in this process."""
    return Record(
        experiment=experiment,
        arm=arm,
        seed=seed,
        protocol=_plain(protocol),
        figures=figures,
        seconds=round(seconds, 1),
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        machine=machine(),
    )


def save(folder: Path, record: Record) -> None:
    """Write a record; the file is complete or absent, even if the program is stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, record.experiment, record.arm, record.seed)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def load(folder: Path, experiment: str, arm: str, seed: int, *, protocol: dict[str, object]) -> Record | None:
    """Return the kept record of a run, or None if there is none with this protocol."""
    path = _path(folder, experiment, arm, seed)
    if not path.exists():
        return None
    record = Record(**json.loads(path.read_text(encoding="utf-8")))
    return record if record.protocol == _plain(protocol) else None


def _path(folder: Path, experiment: str, arm: str, seed: int) -> Path:
    words = re.findall(r"[a-z0-9.]+", arm.lower())
    return folder / f"{'-'.join([experiment, *words, str(seed)])}.json"


def _plain(protocol: dict[str, object]) -> dict[str, object]:
    # As JSON returns it: tuples become lists.
    return json.loads(json.dumps(protocol))


def machine() -> str:
    """Return the kind of processor."""
    cpu = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", cpu.read_text(encoding="utf-8")) if cpu.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


class Experiment(Protocol):
    """Several arms, each run once per seed; it is sent to other processes."""

    @property
    def name(self) -> str:
        """Return its name on the command line."""
        ...

    @property
    def arms(self) -> Mapping[str, object]:
        """Return what is compared, by name."""
        ...

    @property
    def drawn(self) -> bool:
        """Return whether runs draw random numbers; else each arm is run once."""
        ...

    def protocol(self, arm: str) -> dict[str, object]:
        """Return everything that a run of an arm depends on except its seed, as plain values."""
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
        """Return the record of this run, or None if the run is missing."""
        return load(folder, self.experiment.name, self.arm, self.seed, protocol=self.experiment.protocol(self.arm))


def all_runs(experiments: Iterable[Experiment], seeds: Sequence[int]) -> list[Run]:
    """Return every arm of every experiment with every seed, ordered by seed: an interrupted table has complete rows."""
    return [
        Run(experiment, arm, seed)
        for seed in seeds
        for experiment in experiments
        if experiment.drawn or seed == seeds[0]
        for arm in experiment.arms
    ]


def play(runs: Iterable[Run], folder: Path, *, workers: int) -> Iterator[Record]:
    """Make the records that `folder` lacks, each with one thread, and yield them as they are finished."""
    missing = [run for run in runs if run.kept(folder) is None]
    # Spawned, not forked: torch's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        futures = [pool.submit(_play, run, folder) for run in missing]
        for future in as_completed(futures):
            yield future.result()


def _one_thread() -> None:
    torch.set_num_threads(1)


def _processor_seconds() -> float:
    # With those of child processes that have ended.
    return sum(os.times()[:4])


def _play(run: Run, folder: Path) -> Record:
    start = _processor_seconds()
    figures = run.experiment.run(run.arm, run.seed)
    record = make_record(
        run.experiment.name,
        run.arm,
        run.seed,
        protocol=run.experiment.protocol(run.arm),
        figures=figures,
        seconds=_processor_seconds() - start,
    )
    save(folder, record)
    return record
