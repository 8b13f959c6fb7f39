"""All that a report is made of, read from a run's folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.run import RunFolder, Settings, read_log


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a run.

    Args:
        folder: Where it lies.
        settings: What it was told.
        recipe: What its recipe does, in a sentence.
        log: Lines of its log.
        metrics: What `evaluate` found, or None where it was not asked.
        dataset: The data set, or None where it is not there any more.
    """

    folder: RunFolder
    settings: Settings
    recipe: str
    log: Sequence[Mapping[str, Any]]
    metrics: Mapping[str, Any] | None
    dataset: Dataset | None

    @property
    def step(self) -> int:
        """The last step in the log."""
        return self.log[-1]["step"] if self.log else 0


def gather(run: Path) -> Evidence:
    """Read a run's folder.

    Raises:
        ValueError: It holds no run, or a file in it is damaged.
    """
    folder = RunFolder(run)
    if not folder.settings.exists():
        raise ValueError(f"{run} holds no run: there is no {folder.settings.name}; train there first")
    settings = Settings.load(folder.settings)
    return Evidence(
        folder=folder,
        settings=settings,
        recipe=find_recipe(settings.recipe).description,
        log=read_log(folder.log),
        metrics=_read_metrics(folder.metrics),
        dataset=_open(settings.data),
    )


def _read_metrics(path: Path) -> Mapping[str, Any] | None:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged ({error}); run evaluate again") from error


def _open(path: str) -> Dataset | None:
    try:
        return Dataset.open(path)
    except ValueError:
        return None
