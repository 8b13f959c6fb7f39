"""`check`: look at data and settings before hours are spent."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import tyro

from examples.anime_faces.commands import shown_as
from examples.anime_faces.commands.train import RECIPES, options_added
from examples.anime_faces.data import Dataset, check_apart_from_data
from examples.anime_faces.printing import say
from examples.anime_faces.recipes import find_recipe

if TYPE_CHECKING:
    from examples.anime_faces.checkup import Finding, Trial
    from examples.anime_faces.systems import Recipe, Selection

Options = TypeVar("Options")
SAVE_EVERY = 90.0
LEAST_SECONDS = 0.1
FOUND_PROBLEMS = 8


@dataclass(kw_only=True)
class Check(Generic[Options]):
    """Look at data and settings before hours are spent, and say what `train` would do with them.

    It trains nothing and writes nothing: it counts classes, looks for copies and pictures of one color, builds the
    networks, plays a few steps, and compares what the run needs with what is there. Give it the options of `train`.

        check --data data/faces --recipe acgan --steps 20000

    The exit code is 0 if there are no problems, and 8 if there are problems; each comes with what to do.
    """

    data: Path
    """Data set to learn from: a folder that `prepare` wrote."""
    recipe: Annotated[str, tyro.conf.arg(help=RECIPES)] = "default"
    out: Annotated[Path, shown_as("FOLDER")] = Path("runs")
    """Where the run would be written: the room on this disk is looked at. Default: runs."""
    steps: Annotated[int | None, shown_as("STEPS")] = None
    """Steps of the run. Default: the number of the recipe."""
    keep: Annotated[tuple[int, ...], shown_as("STEP [STEP ...]")] = ()
    """Steps whose checkpoints would stay, which need room."""
    threads: Annotated[int | None, shown_as("THREADS")] = None
    """CPU threads. Default: the first choice of `train`, which may find a faster one."""
    device: Annotated[str | None, shown_as("DEVICE")] = None
    """cpu, cuda or cuda:1. Default: a GPU if there is one."""
    precision: Annotated[Literal["float32", "bfloat16", "float16"] | None, shown_as("float32|bfloat16|float16")] = None
    """Number format of the networks' passes. Default: float32, where `train` may find bfloat16 faster."""
    trial_seconds: float = 8.0
    """Begin no further step of the trial after this time."""
    options: Annotated[Options, tyro.conf.arg(name="")]

    def run(self) -> None:
        """Look at everything, say what was found, and end the process with 8 if there are problems."""
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"--steps must be at least 1, but it is {self.steps}")
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
        from examples.anime_faces.checkup import data_lines, findings_of_data, findings_of_settings, problem
        from examples.anime_faces.systems import training_on_meta

        steps = recipe.steps if self.steps is None else self.steps
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
        say(f"plan      {steps:,} steps with {training.system.batch_size} pictures in a batch")
        found = list(findings_of_settings(training, pictures=len(selection.rows), steps=steps))
        yield from found
        if not any(one.is_problem for one in found):
            yield from self._try(dataset, recipe, selection, steps)

    def _try(self, dataset: Dataset, recipe: "Recipe", selection: "Selection", steps: int) -> "Iterator[Finding]":
        from examples.anime_faces.checkup import findings_of_room, problem, room_lines, try_steps
        from examples.anime_faces.systems import hardware_choices

        hardware = hardware_choices(device=self.device, precision=self.precision, threads=self.threads)[0]
        say(f"hardware  {hardware}")
        try:
            trial = try_steps(
                recipe, self.options, dataset, selection, hardware, steps=steps, seconds=self.trial_seconds
            )
        except (ValueError, MemoryError, RuntimeError) as error:  # of torch, where memory is too small
            yield problem(f"a step of {recipe.name} fails on {hardware.device}", str(error).split("\n", maxsplit=1)[0])
            return
        for line in time_lines(trial, steps):
            say(f"time      {line}")
        for line in room_lines(trial, self.out, len(self.keep)):
            say(f"room      {line}")
        yield from findings_of_room(trial, self.out, len(self.keep))


def time_lines(trial: "Trial", steps: int) -> Iterator[str]:
    """Return what a step takes, by network, and what the whole run and its checkpoints take."""
    parts = ", ".join(f"{name} {1000 * seconds:.3g} ms" for name, seconds in trial.parts.items())
    yield f"a step takes {1000 * trial.seconds:.3g} ms here (mean of {trial.rounds}): {parts}"
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
