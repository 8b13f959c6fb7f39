"""What `train` is asked for, and what it answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.anime_faces.recipes._recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What a user asked for; None leaves a choice open.

    Args:
        recipe: How to train.
        options: An instance of the recipe's options.
        data: A prepared data set.
        out: The run's folder.
        steps: Rounds to train.
        minutes: Time to train, turned into steps at the start; not together with `steps`.
        start: A run or checkpoint to take networks from.
        seed: Of weights, noise and the order of the data.
        threads: CPU threads.
        device: Device, as torch spells it.
        precision: ``"float32"`` or ``"bfloat16"``.
        grid_every: Steps between two sample grids.
    """

    recipe: Recipe
    options: Any
    data: Path
    out: Path
    steps: int | None = None
    minutes: float | None = None
    start: Path | None = None
    seed: int = 0
    threads: int | None = None
    device: str | None = None
    precision: str | None = None
    grid_every: int | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.minutes is not None:
            raise ValueError("--steps and --minutes must not both be given: the minutes are turned into steps")
        for name, value in (("--steps", self.steps), ("--minutes", self.minutes), ("--grid-every", self.grid_every)):
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, but it is {value}")
        if self.seed < 0:
            raise ValueError(f"--seed must be 0 or more, but it is {self.seed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a session ended.

    Args:
        step: The last step.
        steps: Where the run ends.
        exit_code: 0, or 128 plus the signal that stopped it.
        digest: SHA-256 of all state.
    """

    step: int
    steps: int
    exit_code: int
    digest: str
