"""What a user requested, and how it ended."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from examples.anime_faces.asked import check_training
from examples.anime_faces.data import check_place_of_run
from examples.anime_faces.printing import say
from examples.anime_faces.systems import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What a user requested; None where nothing was chosen.

    Args:
        recipe: How to train, as `find_recipe` returns it.
        options: An instance of the recipe's options.
        data: A prepared data set.
        out: The run's folder.
        steps: Rounds to train.
        minutes: Time to train, turned into steps at the start; cannot be combined with `steps`.
        plan: A run whose steps, and changes of the plan, are followed; cannot be combined with `steps` or `minutes`.
        start: A run or checkpoint whose networks to start from.
        seed: Seed of weights, noise and the order of the data.
        threads: CPU threads.
        device: Device, as torch spells it.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        gradients: ``"eager"``, ``"compiled"`` or ``"graphed"``.
        grid_every: Steps between two sample grids.
        keep: Steps whose checkpoints and grids stay, besides the newest two checkpoints.
        profile: Whether to measure first where the time of a round goes.
        strict: Whether to refuse to continue where the run need not repeat bit for bit.
    """

    recipe: Recipe
    options: Any
    data: Path
    out: Path
    steps: int | None = None
    minutes: float | None = None
    plan: Path | None = None
    start: Path | None = None
    seed: int = 0
    threads: int | None = None
    device: str | None = None
    precision: str | None = None
    gradients: str | None = None
    grid_every: int | None = None
    keep: tuple[int, ...] = ()
    profile: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        check_training(self)
        check_place_of_run(self.out)
        for name, value in asdict(self.options).items():
            if not isinstance(value, str | int | float | None):
                raise ValueError(
                    f"options of a recipe must be strings, numbers, True, False or None, since they are written as JSON, but "
                    f"{name} of {self.recipe.name} is {value!r}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a session ended.

    Args:
        step: The last step.
        steps: Where the run ends.
        exit_code: 0, or 128 plus the signal that stopped it.
        digest: SHA-256 of all state.
        diverged: Why the networks are of no use, in words; empty for a run that has not diverged.
    """

    step: int
    steps: int
    exit_code: int
    digest: str
    diverged: str = ""


def note_change(request: TrainRequest, what: str) -> None:
    """Say that something has changed without which a run repeats bit for bit, or refuse it where the user requested that.

    Raises:
        ValueError: The user did.
    """
    if request.strict:
        raise ValueError(f"--strict refuses to continue, since the run need not repeat bit for bit: {what}")
    say(f"note: {what}: the run need not repeat bit for bit")
