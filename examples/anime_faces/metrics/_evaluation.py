"""Everything that one evaluation found."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from examples.anime_faces.metrics._figure import Figure


@dataclass(slots=True, kw_only=True)
class Evaluation:
    """Figures gathered step by step, with the time that each step took.

    Args:
        samples: number of samples.
        reference: number of real pictures that the samples were held against.
        seed: of the asked classes, the samples and the fresh renders.
        figures: by name.
        details: tables behind the figures, by name.
        notes: what a reader must know to read the figures rightly.
        seconds: by step.
    """

    samples: int
    reference: int
    seed: int
    figures: dict[str, Figure] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Time a step under its name and say so when it is over."""
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 2)
        print(f"evaluate: {step} took {self.seconds[step]:.1f} s", flush=True)

    def add(self, figures: dict[str, Figure], details: dict[str, Any] | None = None) -> None:
        """Take in the figures of a step, and the tables behind them."""
        self.figures |= figures
        self.details |= details or {}

    def record(self) -> dict[str, Any]:
        """Return all of it as plain data for a JSON file."""
        verdicts = [figure.passed for figure in self.figures.values() if figure.passed is not None]
        return {
            "samples": self.samples,
            "reference": self.reference,
            "seed": self.seed,
            "passed": sum(verdicts),
            "bounded": len(verdicts),
            "figures": {name: figure.record() for name, figure in self.figures.items()},
            "details": self.details,
            "notes": self.notes,
            "seconds": self.seconds,
        }
