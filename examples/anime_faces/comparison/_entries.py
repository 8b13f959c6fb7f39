"""The runs to compare, read from their folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from examples.anime_faces.asked import check_runs_to_compare
from examples.anime_faces.asked_runs import instead_of_run
from examples.anime_faces.links import real_path
from examples.anime_faces.run import RunFolder, Settings, loss_curves, newest_step, read_metrics

Curve = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run, or one checkpoint of it.

    Args:
        number: Its number on the page, from 1.
        name: A short name that no other run here has.
        given: What the user wrote: the run's folder, or a checkpoint.
        folder: The folder of the run.
        settings: Its settings.
        step: The step of the checkpoint that draws. None: there is none.
        curves: The loss of each network, ``"critic"`` and ``"generator"``, as running averages over 100 steps.
        metrics: What `evaluate` measured of this checkpoint. None: nothing.
    """

    number: int
    name: str
    given: Path
    folder: RunFolder
    settings: Settings
    step: int | None
    curves: Mapping[str, Curve]
    metrics: Mapping[str, Any] | None

    @property
    def label(self) -> str:
        """The number and the name."""
        return f"{self.number} {self.name}"


def read_entries(given: Sequence[Path]) -> list[Entry]:
    """Read the runs.

    Args:
        given: Folders of runs, or checkpoints in ``RUN/kept`` or ``RUN/checkpoints``.

    Raises:
        ValueError: There are fewer than two or more than eight, one is named twice, or one is no run or is damaged.
    """
    check_runs_to_compare(given)
    folders = [_folder_of(path) for path in given]
    names = _names([real_path(folder.path) for folder in folders], [_step_of(path) for path in given])
    return [
        _entry(number, name, path, folder)
        for number, (name, path, folder) in enumerate(zip(names, given, folders, strict=True), 1)
    ]


def _folder_of(given: Path) -> RunFolder:
    folder = RunFolder(given if given.is_dir() else given.parent.parent)  # RUN/kept/FILE
    if not folder.settings.exists():
        missing = f"there is no {folder.settings.name}"
        raise ValueError(f"{given} does not contain a run: {missing}; {instead_of_run(given)}")
    if not given.is_dir() and _step_of(given) is None:
        raise ValueError(f"{given} is not a checkpoint of a run: its name should be checkpoint-STEP.pt")
    return folder


def _step_of(given: Path) -> int | None:
    """Return the step of a checkpoint file. None: it is a folder, or has another name."""
    head, _, step = given.stem.rpartition("-")
    return int(step) if given.is_file() and head == "checkpoint" and step.isdigit() else None


def _names(folders: Sequence[Path], steps: Sequence[int | None]) -> list[str]:
    """Return short names: that of the folder, with as many folders above it as are needed, and the step of a checkpoint."""
    different = set(folders)
    names: list[str] = []
    for folder, step in zip(folders, steps, strict=True):
        length = 1
        while sum(other.parts[-length:] == folder.parts[-length:] for other in different) > 1:
            length += 1
        names.append("/".join(folder.parts[-length:]) + ("" if step is None else f", step {step}"))
    return names


def _entry(number: int, name: str, given: Path, folder: RunFolder) -> Entry:
    step = _step_of(given)
    if step is None:
        has_checkpoint = any(folder.checkpoints.glob("checkpoint-*.pt"))
        metrics, step = folder.metrics, newest_step(folder) if has_checkpoint else None
    else:
        metrics = folder.kept_metrics(step) if given.parent.name == folder.kept.name else folder.metrics
    return Entry(
        number=number,
        name=name,
        given=given,
        folder=folder,
        settings=Settings.load(folder.settings),
        step=step,
        curves=loss_curves(folder),
        metrics=read_metrics(metrics),
    )


def common_steps(curves: Sequence[Curve], most: int) -> list[Curve]:
    """Return curves at the same steps, so far as each reaches, with at most `most` points; each keeps its own last point."""
    last = max((int(steps[-1]) for steps, _ in curves if len(steps)), default=0)
    wanted = np.unique(np.linspace(1, max(last, 1), most).round())
    thinned: list[Curve] = []
    for steps, values in curves:
        places = np.searchsorted(np.asarray(steps), wanted)
        places = np.unique(np.append(places[places < len(steps)], len(steps) - 1)) if len(steps) else []
        thinned.append(([steps[place] for place in places], [values[place] for place in places]))
    return thinned
