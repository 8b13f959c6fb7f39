"""What happened in each step: kept on the device, read once in a while, written as one JSON object per line."""

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.files import is_device
from examples.anime_faces.records import ANY, RecordError, read_records
from examples.anime_faces.run._divergence import signs_of
from examples.anime_faces.run._growing import GrowingFile
from examples.anime_faces.run._losses import WINDOW, LossTable, read_losses, totals
from examples.anime_faces.run._monitors import GRIDS, is_generators_gradient, states_of
from examples.anime_faces.run._pace import Stopwatch
from examples.anime_faces.run._settings import PlanChange

NO_GRID: Mapping[str, float] = {}
FORM = {
    "step": int,
    "seconds": float,
    "images": int,
    "averages": {ANY: float},
    "grid?": {ANY: float},
    "states?": [str],
    "plan?": {"step": int, "before": int, "after": int},
}
"""A line of the log."""


class Record:
    """Losses of all steps, as running averages over the last 100.

    Nothing waits for the device until :meth:`read`, which moves all steps since the last reading to the host at once.

    Args:
        path: The log file. None: nothing is written, as by ranks that are not the first.
        every: Steps between two lines of the log.
        losses: The table that gets the losses of every step. None: they are not kept.
        skips: Whether a step may have been skipped, as in float16: its values that are not finite are then left out, and the
            stepper finds a training that diverges.
    """

    def __init__(self, path: Path | None, *, every: int, losses: Path | None = None, skips: bool = False) -> None:
        self.every = every
        self.skips = skips
        self.logged: int | None = None  # the step of the last line
        self._file = None if path is None else GrowingFile(path)
        self._losses = None if losses is None else LossTable(losses)
        self._ring = gk.training.LogRing(WINDOW)
        self._pending: list[int] = []
        self._recent: dict[str, deque[float]] = {}
        self._longest: dict[str, float] = {}  # mean of each generator's gradient
        self._grids: deque[Mapping[str, float]] = deque(maxlen=GRIDS)
        self._watch = Stopwatch()
        self._seconds_before = 0.0
        self._has_diverged = False
        self.heavy: list[str] = []  # networks whose weights were too large when they were last looked at

    @property
    def seconds(self) -> float:
        """Seconds of training, over all sessions of this run; without the time in which the computer slept."""
        return self._seconds_before + self._watch.seconds

    def check(self) -> None:
        """Refuse files that an earlier session cannot have left, before anything is written.

        Raises:
            ValueError: The log or the losses are damaged.
        """
        if self._file is not None:
            read_log(self._file.path)
        if self._losses is not None:
            read_losses(self._losses.path)

    def open(self, step: int) -> None:
        """Open the log and the losses to append, after removing lines after `step` that a stopped session may have left."""
        if self._losses is not None:
            self._losses.open(step)
        if self._file is None:
            return
        lines = [line for line in read_log(self._file.path) if line["step"] <= step]
        self._file.open("".join(json.dumps(line) + "\n" for line in lines))
        for line in lines:
            if line["step"] >= WINDOW:
                self._note_gradients(line["averages"])
            if "grid" in line:
                self._grids.append(line["grid"])
        self._seconds_before = lines[-1]["seconds"] if lines else 0.0
        self._watch = Stopwatch()

    def close(self) -> None:
        """Close the log and the losses."""
        if self._losses is not None:
            self._losses.close()
        if self._file is not None:
            self._file.close()

    def add(self, step: int, values: Mapping[str, torch.Tensor]) -> None:
        """Keep the values of a finished step; `step` counts from 1."""
        if len(self._pending) == WINDOW:
            self.read()
        self._watch.tick()
        self._ring.write(values)
        self._pending.append(step)

    def read(self) -> dict[str, float]:
        """Read all steps since the last reading, and return the running averages.

        Raises:
            TrainingDivergedError: A value is NaN or infinite; names the first such step and term.
        """
        pending, self._pending = self._pending, []
        rows: list[tuple[int, dict[str, float]]] = []
        try:
            for step, read in zip(pending, self._ring.read(), strict=True):
                values = (
                    {name: number for name, number in read.items() if math.isfinite(number)} if self.skips else read
                )
                for name, number in values.items():
                    if not math.isfinite(number):
                        raise TrainingDivergedError(f"step {step}: {name} is {number}")
                rows.append((step, values))
                # Added up step by step: a term of some steps only, such as a lazy penalty, counts in those alone.
                for name, number in {**values, **totals(values)}.items():
                    self._recent.setdefault(name, deque(maxlen=WINDOW)).append(number)
        finally:
            if self._losses is not None:
                self._losses.append(rows)
        return self.averages()

    def sync(self) -> None:
        """Wait until the losses that were read are on the disk."""
        if self._losses is not None:
            self._losses.sync()

    def averages(self) -> dict[str, float]:
        """Return the mean of each value over its last 100 steps."""
        means = {name: math.fsum(numbers) / len(numbers) for name, numbers in self._recent.items()}
        for real in [name for name in means if name.startswith("scores/real")]:
            critic = real.removeprefix("scores/real")
            if (fake := f"scores/fake{critic}") in means:
                means[f"critic gap{critic}"] = means[real] - means[fake]
        return means

    def signs(self) -> list[str]:
        """Return in words what says that the training has diverged; see `signs_of` and `heavy_networks`."""
        return [*signs_of(self._recent), *self.heavy]

    def alarm(self, step: int) -> str:
        """Return what to say where the training has just diverged; empty at all other steps."""
        signs, before = self.signs(), self._has_diverged
        self._has_diverged = bool(signs)
        return f"step {step}: the training has diverged: {'; '.join(signs)}" if signs and not before else ""

    def write(
        self,
        step: int,
        *,
        images: int,
        images_per_second: float,
        change: PlanChange | None = None,
        grid: Mapping[str, float] = NO_GRID,
    ) -> None:
        """Append one line with the running averages after `step` steps, and the states of the run that follow from them.

        Args:
            step: Steps so far.
            images: Real pictures so far.
            images_per_second: Since the line before.
            change: The change of the plan, if there was one.
            grid: How much the pictures of the sample grid differ, if one was drawn.
        """
        averages = self.averages()
        whole = {name: averages[name] for name, numbers in self._recent.items() if len(numbers) == WINDOW}
        self._note_gradients(whole)
        line: dict[str, Any] = {
            "step": step,
            "seconds": round(self.seconds, 3),
            "images": images,
            "images_per_second": round(images_per_second, 2),
            "averages": {name: round(value, 6) for name, value in averages.items() if math.isfinite(value)},
        }
        if grid:
            line["grid"] = {name: round(value, 4) for name, value in grid.items() if math.isfinite(value)}
            self._grids.append(line["grid"])
        line["states"] = states_of(whole, self._longest, self._grids, diverged=bool(self.signs()))
        if change is not None:
            line["plan"] = asdict(change)
        self.logged = step
        if self._file is not None:
            self._file.append(json.dumps(line) + "\n")

    def _note_gradients(self, averages: Mapping[str, float]) -> None:
        for name, length in averages.items():
            if is_generators_gradient(name):
                self._longest[name] = max(length, self._longest.get(name, 0.0))

    def state_dict(self) -> dict[str, Any]:
        """Return the recent values, from which averages continue."""
        return {name: list(numbers) for name, numbers in self._recent.items()}

    def load_state_dict(self, state: Mapping[str, list[float]]) -> None:
        """Restore recent values."""
        self._recent = {name: deque(numbers, maxlen=WINDOW) for name, numbers in state.items()}


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return all complete lines of a log; a last line that a killed process did not finish is left out.

    Raises:
        ValueError: The file is no log of a run.
    """
    if not path.exists() or is_device(path):
        return []
    try:
        return read_records(path, FORM)
    except RecordError as error:
        raise ValueError(
            f"{path} is damaged, remove it to continue without the log of earlier steps: {error}"
        ) from error
