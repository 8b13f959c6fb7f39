"""Everything that a report is made of, read from a run's folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.anime_faces.asked_runs import instead_of_run
from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_recipe, is_outside, own_name, recipe_names
from examples.anime_faces.run import (
    Losses,
    RunFolder,
    Settings,
    read_log,
    read_losses,
    read_metrics,
    read_outline,
    saved_steps,
)
from examples.anime_faces.systems import Outline


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about a run.

    Args:
        folder: Its folder.
        settings: Its settings.
        recipe: What its recipe does, in one sentence.
        log: The lines of its log.
        losses: The losses of every step. None: they were not kept.
        metrics: What `evaluate` measured. None: `evaluate` was not run.
        dataset: The data set. None: it is not in its folder any more.
        outline: Networks, losses and constants. None: they were not written.
        saved: The step of the newest checkpoint; 0 where there is none.
    """

    folder: RunFolder
    settings: Settings
    recipe: str
    log: Sequence[Mapping[str, Any]]
    losses: Losses | None
    metrics: Mapping[str, Any] | None
    dataset: Dataset | None
    outline: Outline | None = None
    saved: int = 0

    @property
    def step(self) -> int:
        """The last step in the log."""
        return self.log[-1]["step"] if self.log else 0

    @property
    def measured_earlier(self) -> int | None:
        """The step that `metrics` is of, where a newer checkpoint is there. None: it is of the newest, or does not say."""
        step = None if self.metrics is None else self.metrics.get("step")
        return step if isinstance(step, int) and step < self.saved else None


def gather(run: Path, recipe: str | None = None) -> Evidence:
    """Read a run's folder.

    Args:
        run: The folder.
        recipe: The run's recipe, if it is from outside and its description should be shown.

    Raises:
        ValueError: It does not contain a run, or a file in it is damaged, or `recipe` is not that of the run.
    """
    folder = RunFolder(run)
    if not folder.settings.exists():
        missing = f"there is no {folder.settings.name}"
        raise ValueError(f"{run} does not contain a run: {missing}; {instead_of_run(run)}")
    settings = Settings.load(folder.settings)
    return Evidence(
        folder=folder,
        settings=settings,
        recipe=_description(settings.recipe, recipe),
        log=read_log(folder.log),
        losses=read_losses(folder.raw_losses),
        metrics=read_metrics(folder.metrics),
        dataset=_open(settings.data),
        outline=read_outline(folder.outline),
        saved=max(saved_steps(folder.checkpoints), default=0),
    )


def _description(used: str, given: str | None) -> str:
    if given is not None and own_name(given) != used:
        raise ValueError(f"--recipe must be that of the run, {used}, but it is {given}")
    if given is not None or used in recipe_names():
        return find_recipe(used).description
    # A report must not import what a run's files name.
    return "A recipe of your own." if is_outside(used) else "It is not a recipe of this version."


def _open(path: str) -> Dataset | None:
    try:
        return Dataset.open(path)
    except ValueError:
        return None
