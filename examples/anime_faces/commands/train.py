"""`train`: learn to draw the pictures of a prepared data set."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import tyro

from examples.anime_faces.asked import check_there, check_training
from examples.anime_faces.commands import recipe_of, shown_as
from examples.anime_faces.data import Dataset, check_place_of_run, command_line
from examples.anime_faces.errors import DIVERGED
from examples.anime_faces.printing import say, without_readers
from examples.anime_faces.recipes import find_options, find_recipe, recipe_names

if TYPE_CHECKING:
    from examples.anime_faces.run import StopSignals, Together, Watcher

Options = TypeVar("Options")

RECIPES = f"How to train: {', '.join(recipe_names())}; or a recipe of your own, as package.module:RECIPE."


@dataclass(kw_only=True)
class Train(Generic[Options]):
    """Learn to draw the pictures of a prepared data set.

    The same command again continues where the run stopped. Ctrl-C finishes the step and saves first.

    The options of another recipe:
        train --recipe acgan --help
    """

    data: Path
    """Data set to learn from: a folder that `prepare` wrote."""
    out: Path
    """Folder of the run: checkpoints, sample grids, loss curves and settings."""
    recipe: Annotated[str, tyro.conf.arg(help=RECIPES)] = "default"
    minutes: Annotated[float | None, shown_as("MINUTES")] = None
    """Minutes of training: turned into steps at the start, and into fewer or more later if the machine's speed changes."""
    steps: Annotated[int | None, shown_as("STEPS")] = None
    """Train this many steps (in place of --minutes). Default: the number of the recipe."""
    plan: Annotated[Path | None, shown_as("RUN")] = None
    """Train as many steps as this run, with the same changes of the plan, to compute its numbers again."""
    start: Annotated[Path | None, shown_as("RUN", "from")] = None
    """Start from the networks of this run or checkpoint (fine-tuning)."""
    seed: int = 0
    """Fixes initial weights, noise and the order of the pictures."""
    threads: Annotated[int | None, shown_as("THREADS")] = None
    """CPU threads. Default: as many as are fastest here. Results repeat bit for bit with the same --threads and --precision."""
    device: Annotated[str | None, shown_as("DEVICE")] = None
    """cpu, cuda or cuda:1. Default: a GPU if there is one."""
    precision: Annotated[Literal["float32", "bfloat16", "float16"] | None, shown_as("float32|bfloat16|float16")] = None
    """Number format of the networks' passes. Default: the faster one of float32 and bfloat16 on this machine."""
    gradients: Annotated[Literal["eager", "compiled", "graphed"] | None, shown_as("eager|compiled|graphed")] = None
    """How updates compute gradients. Default: on a GPU the faster one of eager and graphed (CUDA graphs), else eager."""
    grid_every: Annotated[int | None, shown_as("STEPS")] = None
    """Steps between two sample grids. Default: about 30 grids over the run."""
    keep: Annotated[tuple[int, ...], shown_as("STEP [STEP ...]")] = ()
    """Steps whose checkpoints and grids stay, besides the newest two checkpoints, as in --keep 9500 18000 51000."""
    profile: tyro.conf.FlagCreatePairsOff[bool] = False
    """First measure where the time of a round goes (data, each update, penalties, waiting); see profile.png in --out."""
    strict: tyro.conf.FlagCreatePairsOff[bool] = False
    """Refuse to continue a run where it need not repeat bit for bit: with other versions, threads, hardware or ranks."""
    options: Annotated[Options, tyro.conf.arg(name="")]

    def run(self) -> None:
        """Train, and end the process with 130 or 143 if a signal stopped it, or with 7 if the training diverged."""
        self._check()
        from examples.anime_faces.report import LivePage
        from examples.anime_faces.run import StopSignals, joined, watch_nothing

        with (
            joined(self.device, self.out) as together,
            StopSignals(is_announced=together.is_alone) as signals,
            without_readers(),
        ):
            if together.is_first:
                with LivePage(self.out, recipe=self.recipe) as page:
                    diverged = self.run_watched(page.watch, together, signals)
            else:
                diverged = self.run_watched(watch_nothing, together, signals)
        if diverged:
            raise SystemExit(DIVERGED)

    def run_watched(
        self, watch: "Watcher", together: "Together | None" = None, signals: "StopSignals | None" = None
    ) -> bool:
        """Train, alone or with other ranks, and return whether the training diverged, which is said.

        Args:
            watch: Is called after every step, and may show the progress.
            together: The ranks that train.
            signals: Say whether to stop.
        """
        from examples.anime_faces.run import ALONE, TrainRequest, cure_of, train

        request = TrainRequest(
            recipe=find_recipe(self.recipe),
            options=self.options,
            data=self.data,
            out=self.out,
            minutes=self.minutes,
            steps=self.steps,
            plan=self.plan,
            start=self.start,
            seed=self.seed,
            threads=self.threads,
            device=self.device,
            precision=self.precision,
            gradients=self.gradients,
            grid_every=self.grid_every,
            keep=self.keep,
            profile=self.profile,
            strict=self.strict,
        )
        outcome = train(request, watch, together or ALONE, signals)
        if outcome.exit_code:
            say(f"stopped   after step {outcome.step} of {outcome.steps}; repeat the command to continue")
        else:
            say(
                f"done      {outcome.step} steps; grids and curves are in {self.out}, and on {self.out / 'report.html'}"
            )
        say(f"digest    {outcome.digest}")
        if outcome.diverged:
            say(
                f"diverged  {outcome.diverged}: the networks are of no use",
                f"          the checkpoint is kept; {cure_of(self.recipe, asdict(request.options))}",
            )
        elif not outcome.exit_code:
            run = str(self.out)
            say(f"next      {command_line(['sample', '--run', run])}", f"          {command_line(['evaluate', run])}")
        if outcome.exit_code:
            raise SystemExit(outcome.exit_code)
        return bool(outcome.diverged)

    def _check(self) -> None:
        """Refuse what cannot be done before torch is imported, which takes a while on a busy machine."""
        check_training(self)
        check_place_of_run(self.out)
        Dataset.open(self.data)
        if self.start is not None:
            check_there(self.start, "--from")


def with_options_of_recipe(arguments: list[str]) -> Any:
    """Return the command with the options of the recipe that the arguments name; see `options_added`."""
    return options_added(Train, arguments)


def options_added(command: Any, arguments: Sequence[str]) -> Any:
    """Return a command that is generic in the options of a recipe, with those of the recipe that the arguments name.

    Raises:
        ValueError: There is no such recipe, or its options are called like some of `train`; or an argument is an option of
            other recipes only.
    """
    name = recipe_of(arguments)
    options = find_options(name)
    clashing = {field.name for field in fields(options)} & {
        field.name for each in (Train, command) for field in fields(each)
    } - {"start"}
    if clashing:
        raise ValueError(
            f"Options of --recipe {name} must not have the names of options of train, but they have "
            f"{', '.join(sorted(clashing))}"
        )
    _refuse_options_of_others(command, name, arguments)
    return command[options]


def _refuse_options_of_others(command: type[Any], name: str, arguments: Sequence[str]) -> None:
    known = {*_flags(command), *_flags(find_options(name)), "--from", "--help"}
    unknown = [
        one for one in (argument.partition("=")[0].replace("_", "-") for argument in arguments) if one not in known
    ]
    for flag in (one for one in unknown if one.startswith("--")):
        others = [other for other in recipe_names() if flag in _flags(find_options(other))]
        if others:
            raise ValueError(
                f"{flag} is an option of {', '.join(others)}, not of {name}; "
                f"the options of {name} are listed by `train --recipe {name} --help`"
            )


def _flags(options: type[Any]) -> set[str]:
    names = [field.name.replace("_", "-") for field in fields(options)]
    return {f"--{start}{name}" for name in names for start in ("", "no-")}
