"""The result of an evaluation: figures beside those of real pictures, collected step by step, and the file they go to."""

import json
import math
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import torch

from examples.anime_faces.files import write_text
from examples.anime_faces.judge import load_card, renderer_fingerprint
from examples.anime_faces.printing import say
from examples.anime_faces.records import finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number, the same number for real pictures, and the bounds within which it passes.

    Args:
        value: The number for the samples.
        floor: The number for fresh real pictures instead of the samples. None: it has no meaning for them.
        at_least: Smallest value that passes. None: no such bound.
        at_most: Largest value that passes. None: no such bound.
        interval: Where the number for very many samples probably is, in 95 of 100 cases. None: unknown.
        about: What the number means, in one phrase.
        not_applied: Why no bounds are applied where others have them. Empty: they are, if there are any.

    Example:
        >>> Figure(value=0.97, floor=1.0, at_least=0.98, about="share of samples with the asked hair").passed
        False
    """

    value: float
    floor: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    interval: tuple[float, float] | None = None
    about: str
    not_applied: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the value is within the bounds. None: there are no bounds."""
        return self._within(self.value)

    @property
    def undecided(self) -> bool:
        """Whether more samples could change the verdict: one end of the interval passes and the other does not."""
        if self.passed is None or self.interval is None:
            return False
        return any(self._within(end) is not self.passed for end in self.interval)

    def _within(self, value: float) -> bool | None:
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or value >= self.at_least
        below = self.at_most is None or value <= self.at_most
        return above and below

    def record(self) -> dict[str, Any]:
        """Return the figure as plain data for a JSON file, rounded to six digits."""
        return {
            "value": _rounded(self.value),
            "floor": _rounded(self.floor),
            "at_least": _rounded(self.at_least),
            "at_most": _rounded(self.at_most),
            "low": None if self.interval is None else _rounded(self.interval[0]),
            "high": None if self.interval is None else _rounded(self.interval[1]),
            "passed": self.passed,
            "undecided": self.undecided,
            "about": self.about,
            **({"not_applied": self.not_applied} if self.not_applied else {}),
        }


def _rounded(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(f"{number:.6g}")


WORTH_A_WORD = 3.0
"""Steps that take fewer seconds are not announced."""


@dataclass(slots=True, kw_only=True)
class Evaluation:
    """Figures collected step by step, with the time of each step.

    Args:
        samples: Number of samples.
        reference: Number of real pictures that the samples were compared with.
        seed: Seed of the requested classes, the samples and the fresh renders.
        figures: The figures by name.
        details: Tables behind the figures, by name.
        notes: What a reader must know to understand the figures.
        seconds: Seconds of each step.
        until: When it should be done, as `time.perf_counter` counts. Default: never.
    """

    samples: int
    reference: int
    seed: int
    until: float = math.inf
    figures: dict[str, Figure] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _expected: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str, expected: float = 0.0) -> Iterator[None]:
        """Measure the time of a step, and print it at its end; and before it what is expected, if that is worth a word."""
        if expected >= WORTH_A_WORD:
            say(f"evaluate: {step}: about {expected:.0f} s", flush=True)
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 2)
        self._expected[step] = expected
        say(f"evaluate: {step} took {self.seconds[step]:.1f} s", flush=True)

    @property
    def left(self) -> float:
        """The seconds until it should be done; negative if that is over."""
        return self.until - time.perf_counter()

    @property
    def slowdown(self) -> float:
        """How many times as long as expected the steps with an expectation took, and at least 1."""
        known = [step for step, expected in self._expected.items() if expected >= WORTH_A_WORD]
        expected = sum(self._expected[step] for step in known)
        return max(1.0, sum(self.seconds[step] for step in known) / expected) if known else 1.0

    def shrink(self, samples: int) -> None:
        """Continue with the first samples only, because the time does not suffice for all, and note it."""
        note = (
            f"{samples} samples instead of {self.samples}, because the machine was slower than at the start: the intervals are "
            "wider. `evaluate` with `--samples` measures more."
        )
        say(f"evaluate: {note}", flush=True)
        self.notes.append(note)
        self.samples, self.reference = samples, min(self.reference, samples)

    def add(self, figures: dict[str, Figure], details: dict[str, Any] | None = None) -> None:
        """Add the figures of a step, and the tables behind them."""
        self.figures |= figures
        self.details |= details or {}

    def exempt(self, names: Collection[str], why: str) -> None:
        """Take the bounds from figures to which they do not apply, as far as they have any.

        Args:
            names: The figures.
            why: Why they do not apply, in a phrase.
        """
        for name, figure in self.figures.items():
            if name in names and figure.passed is not None:
                self.figures[name] = replace(figure, at_least=None, at_most=None, not_applied=why)

    def record(self) -> dict[str, Any]:
        """Return everything as plain data for a JSON file."""
        verdicts = [figure.passed for figure in self.figures.values() if figure.passed is not None]
        return {
            "samples": self.samples,
            "reference": self.reference,
            "seed": self.seed,
            "passed": sum(verdicts),
            "bounded": len(verdicts),
            "undecided": sum(figure.undecided for figure in self.figures.values()),
            "figures": {name: figure.record() for name, figure in self.figures.items()},
            "details": self.details,
            "notes": self.notes,
            "seconds": self.seconds,
        }


Generate: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Draws uint8 pictures ``(n, 3, size, size)`` for n rows of class ids."""

SCHEMA = 2
"""1 had no `low`, `high` and `undecided`; everything else is as it was."""

PACKAGES = ("gankit", "torch", "numpy", "torchmetrics", "pillow", "safetensors")


def write_metrics(path: Path, evaluation: Evaluation, about: dict[str, Any]) -> dict[str, Any]:
    """Write an evaluation as JSON, whole or not at all, and return what was written.

    Args:
        path: The file.
        evaluation: The result.
        about: What was evaluated: run, data set, feature network.
    """
    judge, encoder = load_card("judge"), load_card("encoder")
    record = {
        "schema": SCHEMA,
        **about,
        **evaluation.record(),
        "networks": {"judge": judge["file"]["sha256"], "encoder": encoder["file"]["sha256"]},
        "renderer": {"judge_trained_on": judge["renderer"], "now": renderer_fingerprint()},
        "revision": revision(),
        "versions": _versions(),
    }
    record = finite(record)
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return record


def revision() -> str | None:
    """Return the git revision of this code, with ``+changes`` if files differ from it. None: the code is not in a checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    folder = Path(__file__).parent
    commit = _output([git, "rev-parse", "HEAD"], folder)
    changes = _output([git, "status", "--porcelain", "--untracked-files=no"], folder)
    return f"{commit}+changes" if commit and changes else commit


def _output(command: list[str], folder: Path) -> str | None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=20)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None  # figures that took minutes are worth keeping without a revision
    return done.stdout.decode("utf-8", "replace").strip()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
