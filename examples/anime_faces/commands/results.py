"""`evaluate`, `report` and `digest`: what a run gave."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from examples.anime_faces.commands import check_seed, shown_as
from examples.anime_faces.printing import say


@dataclass(kw_only=True)
class Evaluate:
    """Measure how good a trained generator is, and write metrics.json into its run.

    All figures, in about a minute on two processor cores:
        evaluate runs/demo

    With narrower intervals, in about five minutes:
        evaluate runs/demo --samples 12000

    Every checkpoint that `train --keep` kept, beside each other:
        evaluate runs/demo --all-kept

    On rendered faces, a judge network reads color, style, pose and expression from the samples. On other
    pictures, only the figures that need no judge are given.
    """

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="run")]
    """Folder of a run, or one of its checkpoints."""
    step: Annotated[int | None, shown_as("STEP")] = None
    """Measure the checkpoint of this step, one that `train --keep` kept. Default: the newest."""
    all_kept: tyro.conf.FlagCreatePairsOff[bool] = False
    """Measure every kept checkpoint and the newest one, list the figures of each step, and mark the best."""
    by: str = "fid"
    """The figure by which --all-kept chooses the best step: the one that is nearest to that of real pictures."""
    data: Annotated[Path | None, shown_as("FOLDER")] = None
    """Data set to compare the samples with. Default: the one that the run was trained on."""
    samples: Annotated[int | None, shown_as("INT")] = None
    """How many pictures to draw. Default: 2640, or as many as fit into --seconds."""
    seconds: Annotated[float | None, shown_as("SECONDS")] = None
    """About how long to measure; fewer samples are drawn if 2640 take longer. Default: no limit."""
    seed: int = 0
    """Fixes the samples, and the real pictures that they are compared with."""
    temperature: float = 1.0
    """Multiplies the noise of the samples, as that of sample does."""
    truncation: Annotated[float | None, shown_as("NUMBER")] = None
    """Draw numbers of the noise that are farther from 0 again, as that of sample does. Default: none."""
    features: Annotated[str | None, shown_as("MODULE:CALLABLE")] = None
    """Your own feature network for FID, KID, precision, recall, density and coverage: package.module:callable."""
    device: Annotated[str | None, shown_as("DEVICE")] = None
    """Where to draw and judge: cpu, cuda or cuda:1. Default: a GPU if there is one."""
    recipe: Annotated[str | None, shown_as("MODULE:RECIPE")] = None
    """The run's recipe, needed only if it is one of your own: package.module:RECIPE."""

    def run(self) -> None:
        """Draw, measure, write, and say what passed."""
        from examples.anime_faces.metrics import (
            Question,
            evaluate_kept,
            evaluate_run,
            metrics_path,
            steps_summary,
            summary,
        )
        from examples.anime_faces.run import checkpoint_of

        check_seed(self.seed)
        if self.all_kept and self.step is not None:
            raise ValueError("--all-kept and --step must not both be given: it measures every kept step")
        run = self.run_folder if self.step is None else checkpoint_of(self.run_folder, self.step)
        question = Question(
            run=run,
            data=self.data,
            samples=self.samples,
            seed=self.seed,
            features=self.features,
            device=self.device,
            recipe=self.recipe,
            seconds=self.seconds,
            temperature=self.temperature,
            truncation=self.truncation,
        )
        if self.all_kept:
            say(*steps_summary(evaluate_kept(question), self.by).split("\n"))
            return
        say(*summary(evaluate_run(question)).split("\n"))
        say(f"written to {metrics_path(run)}")


@dataclass(kw_only=True)
class Report:
    """Write report.html into a run's folder: samples over time, curves, figures, data, settings, in one file."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="run")] = Path("runs/demo")
    """The run's folder."""
    recipe: Annotated[str | None, shown_as("MODULE:RECIPE")] = None
    """The run's recipe, if it is your own and the report should describe it: package.module:RECIPE."""
    prompt: Annotated[tuple[str, ...], shown_as("PROMPT [PROMPT ...]")] = ()
    """What to show over the steps: prompts of the grids (default: all), or any if the run kept checkpoints."""

    def run(self) -> None:
        """Write the table of prompts of a recipe that reads texts, and the page, and say where it is."""
        from examples.anime_faces.report import write_report

        self._draw_table()
        say(f"report    {write_report(self.run_folder, self.recipe, self.prompt)}")

    def _draw_table(self) -> None:
        """Draw the table of seen and unseen prompts of a recipe that reads texts, unless it is newer than the run."""
        from examples.anime_faces.commands.sample import Sample
        from examples.anime_faces.recipes import is_outside
        from examples.anime_faces.run import RunFolder, Settings

        folder = RunFolder(self.run_folder)
        settings = Settings.load(folder.settings) if folder.settings.exists() else None
        if settings is None or settings.description.text is None or (is_outside(settings.recipe) and not self.recipe):
            return
        newest = max((path.stat().st_mtime for path in folder.checkpoints.glob("*.pt")), default=0.0)
        if folder.table.exists() and folder.table.stat().st_mtime > newest:
            return
        try:
            Sample(run_folder=self.run_folder, recipe=self.recipe, table=True).run()
        except ValueError as error:
            say(f"note: no table of prompts is drawn: {error}")


@dataclass(kw_only=True)
class Digest:
    """Print the SHA-256 of all state of a run's newest checkpoint; equal runs have equal digests."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="run")]
    """The run's folder, or one checkpoint file."""

    def run(self) -> None:
        """Print step and digest."""
        from examples.anime_faces.run import digest, load_any_checkpoint

        state = load_any_checkpoint(self.run_folder)
        say(f"step      {state['step']}", f"digest    {digest(state)}")
