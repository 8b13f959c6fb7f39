"""The runs of all rows, two of each: they leave a record and a sheet of samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.failures.drawing import COLUMNS, ROWS, write_sheet
from benchmarks.failures.faces import Faces, load_faces
from benchmarks.failures.measuring import measure, to_bytes, watched
from benchmarks.failures.networks import LATENTS
from benchmarks.failures.plan import Plan
from benchmarks.failures.rows import TABLE, Row
from benchmarks.failures.training import samples_of, train

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "guides" / "images" / "failures"
FAILS, CURED = "fails", "cured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The runs.

    Args:
        work: Folder of the data set.
        pictures: Folder of the sheets.
        rows: The rows of the guide by name.
        rounds: The most rounds of a run; None: those of its plan.
    """

    work: Path
    pictures: Path = PICTURES
    rows: Mapping[str, Row] = field(default_factory=lambda: TABLE)
    rounds: int | None = None
    name: str = "failures"
    drawn: bool = False

    @property
    def arms(self) -> Mapping[str, Plan]:
        """Return the plans of the runs by name: of each row the one that fails, then the one with the cure."""
        return {
            f"{name} {kind}": plan
            for name, row in self.rows.items()
            for kind, plan in ((FAILS, row.fails), (CURED, row.cured))
        }

    def protocol(self, arm: str) -> dict[str, object]:
        """Return what a run depends on."""
        return self._plan(arm).protocol()

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Train and measure one run and draw its samples; returns its figures and its curves."""
        plan, row = self._plan(arm), self.rows[arm.split(maxsplit=1)[0]]
        faces = _faces(self.work)
        watch = partial(watched, faces=faces, by_judge=row.curve == "hair")
        outcome = train(plan, faces, seed, watch)
        write_sheet(_shown(outcome.generator, faces), self.pictures / f"{arm.replace(' ', '-')}.png")
        return {
            "figures": {name: _short(value) for name, value in measure(outcome, faces, plan).items()},
            "curve": [_short(value) for value in outcome.curves.get(row.curve, [])],
            "ended": outcome.ended,
            "error": outcome.error,
            "warnings": outcome.warnings,
        }

    def _plan(self, arm: str) -> Plan:
        plan = self.arms[arm]
        return plan if self.rounds is None else plan.changed({"rounds": self.rounds})


@cache
def _faces(folder: Path) -> Faces:
    return load_faces(folder)


def _shown(generator: torch.nn.Module, faces: Faces) -> torch.Tensor:
    """Return the pictures of a sheet; a row asks for one hair color where the network takes labels."""
    rng = torch.Generator().manual_seed(1)
    colors = torch.eye(faces.labels.shape[1])[[0, 4, 8]].repeat_interleave(COLUMNS, 0)
    return to_bytes(samples_of(generator, torch.randn(ROWS * COLUMNS, LATENTS, generator=rng), colors))


def _short(value: float) -> float:
    return float(f"{value:.4g}")
