"""`check`: look at data and settings before hours are spent."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from examples.anime_faces.asked import check_there, check_training
from examples.anime_faces.commands import shown_as
from examples.anime_faces.commands.train import Train, options_added
from examples.anime_faces.data import Dataset, check_apart_from_data
from examples.anime_faces.printing import say
from examples.anime_faces.recipes import find_recipe

if TYPE_CHECKING:
    from examples.anime_faces.checkup import Finding, Trial
    from examples.anime_faces.systems import Recipe, Selection, Training

Options = TypeVar("Options")
SAVE_EVERY = 90.0
LEAST_SECONDS = 0.1
FOUND_PROBLEMS = 8


@dataclass(kw_only=True)
class Check(Train[Options], Generic[Options]):
    """Look at data and settings before hours are spent, and say what `train` would do with them.

    It trains nothing and writes nothing: it counts classes, looks for copies and pictures of one color, builds the
    networks, plays a few steps, and compares what the run needs with what is there. Give it the options of `train`.

        check --data data/faces --recipe acgan --steps 20000

    The exit code is 0 if there are no problems, and 8 if there are problems; each comes with what to do.
    """

    out: Annotated[Path, shown_as("FOLDER")] = Path("runs")
    """Where the run would be written: the room on this disk is looked at. Default: runs."""
    trial_seconds: float = 8.0
    """Begin no further step of the trial after this time."""

    def run(self) -> None:
        """Look at everything, say what was found, and end the process with 8 if there are problems."""
        check_training(self)
        if self.start is not None:
            check_there(self.start, "--from")
        if self.trial_seconds < LEAST_SECONDS:
            raise ValueError(f"--trial-seconds must be at least {LEAST_SECONDS}, but it is {self.trial_seconds}")
        check_apart_from_data(self.out)
        dataset = Dataset.open(self.data)
        recipe = find_recipe(self.recipe)
        findings = list(self._look(dataset, recipe))
        problems = [one for one in findings if one.is_problem]
        for one in findings:
            if not one.is_problem:
                say(f"warning   {one}")
        for number, one in enumerate(problems, start=1):
            say(f"problem {number} {one}")
        if problems:
            raise SystemExit(FOUND_PROBLEMS)
        say(
            "result    nothing stands against this training"
            if not findings
            else "result    it can be trained; see the warnings"
        )

    def _look(self, dataset: Dataset, recipe: "Recipe") -> "Iterator[Finding]":
        """Go from what is quick to what takes seconds; what cannot be looked at after a problem is left out."""
        from examples.anime_faces.checkup import (
            data_lines,
            findings_of_data,
            findings_of_length,
            findings_of_settings,
            problem,
        )
        from examples.anime_faces.run import read_plan
        from examples.anime_faces.systems import training_on_meta

        steps = recipe.steps if self.steps is None else self.steps
        if self.plan is not None:
            steps = read_plan(self.plan).first_steps
        try:
            dataset.verify()
            selection = recipe.conditioning(self.options).select(dataset)
        except ValueError as error:
            yield problem(f"{recipe.name} cannot be trained on {self.data}", str(error))
            return
        for line in data_lines(dataset, selection.rows):
            say(f"data      {line}")
        yield from findings_of_data(dataset, selection.rows)
        try:
            training = training_on_meta(recipe, selection.description, self.options, steps=steps)
        except ValueError as error:
            yield problem(f"the networks of {recipe.name} cannot be built for these pictures", str(error))
            return
        sizes = {name: sum(one.numel() for one in network.parameters()) for name, network in training.networks.items()}
        say(f"recipe    {recipe.name}, parameters: {', '.join(f'{name} {size:,}' for name, size in sizes.items())}")
        length = f"{steps:,} steps" if self.minutes is None else f"{self.minutes:g} minutes"
        say(f"plan      {length} with {training.system.batch_size} pictures in a batch")
        found = list(findings_of_settings(training, self.options, pictures=len(selection.rows)))
        found += self._look_at_start(training)
        yield from found
        trial = None
        if not any(one.is_problem for one in found):
            trial = yield from self._try(dataset, recipe, selection, steps)
        if self.minutes is not None and trial is None:
            return
        if self.minutes is not None and trial is not None:
            steps = max(1, int(60 * self.minutes / trial.seconds))
        yield from findings_of_length(training, pictures=len(selection.rows), steps=steps)

    def _look_at_start(self, training: "Training") -> "Iterator[Finding]":
        """Say how much of the networks would be taken from --from."""
        from examples.anime_faces.checkup import problem
        from examples.anime_faces.run import load_any_checkpoint, take_networks

        if self.start is None:
            return
        for network in (*training.networks.values(), *(one.network for one in training.averages.values())):
            network.to_empty(device="cpu")
        try:
            taken, left_out = take_networks(load_any_checkpoint(self.start), training)
        except ValueError as error:
            yield problem(f"--from {self.start} cannot be used", str(error))
            return
        say(
            f"start     {taken} entries of the networks of {self.start} fit; {len(left_out)} would keep their fresh start"
        )

    def _try(
        self, dataset: Dataset, recipe: "Recipe", selection: "Selection", steps: int
    ) -> "Generator[Finding, None, Trial | None]":
        """Try a few steps; returns what they took, or None if one fails."""
        from examples.anime_faces.checkup import findings_of_room, problem, room_lines, try_steps
        from examples.anime_faces.systems import hardware_choices

        hardware = hardware_choices(
            device=self.device, precision=self.precision, threads=self.threads, gradients=self.gradients
        )[0]
        say(f"hardware  {hardware}")
        try:
            trial = try_steps(
                recipe, self.options, dataset, selection, hardware, steps=steps, seconds=self.trial_seconds
            )
        except (ValueError, MemoryError, RuntimeError) as error:  # of torch, where memory is too small
            yield problem(f"a step of {recipe.name} fails on {hardware.device}", str(error).split("\n", maxsplit=1)[0])
            return None
        for line in time_lines(trial, steps, self.minutes):
            say(f"time      {line}")
        for line in room_lines(trial, self.out, len(self.keep)):
            say(f"room      {line}")
        yield from findings_of_room(trial, self.out, len(self.keep))
        return trial


def time_lines(trial: "Trial", steps: int, minutes: float | None = None) -> Iterator[str]:
    """Return what a step takes, by network, and what the whole run and its checkpoints take; of minutes, their steps."""
    parts = ", ".join(f"{name} {1000 * seconds:.3g} ms" for name, seconds in trial.parts.items())
    yield f"a step takes {1000 * trial.seconds:.3g} ms here (mean of {trial.rounds}): {parts}"
    if minutes is not None:
        steps = max(1, int(60 * minutes / trial.seconds))
        yield f"{minutes:g} minutes are about {steps:,} steps"
    whole = steps * trial.seconds
    saves = 2 + int(whole / SAVE_EVERY)
    yield f"{steps:,} steps take about {in_words(whole)}, and {saves} checkpoints about {in_words(saves * trial.saving)} more"


def in_words(seconds: float) -> str:
    """Return a time with its unit.

    Example:
        >>> in_words(7.25), in_words(600.0), in_words(90_000.0)
        ('7.2 s', '10 min', '25 h')
    """
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.3g} min" if seconds < 100 * 60 else f"{seconds / 3600:.3g} h"


def with_options_of_recipe(arguments: list[str]) -> Any:
    """Return the command with the options of the recipe that the arguments name; see `options_added`."""
    return options_added(Check, arguments)
