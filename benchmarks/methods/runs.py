"""The runs of the gallery, and the time that a round of each takes beside the first one's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks.failures.drawing import COLUMNS, write_sheet
from benchmarks.failures.faces import Faces, load_faces
from benchmarks.failures.measuring import measure, to_bytes
from benchmarks.failures.networks import LATENTS
from benchmarks.failures.plan import Plan
from benchmarks.failures.runs import ROOT
from benchmarks.failures.training import Play, samples_of, train
from benchmarks.methods.arms import ARMS, BASE, Arm
from benchmarks.timing import compare

PICTURES = ROOT / "docs" / "guides" / "images" / "gallery"
TIMES = "times"
ROWS = 2
KEPT = ("distance", "variety", "faces")


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """The runs, and one more that measures the time of a round of each.

    Args:
        work: Folder of the data set.
        pictures: Folder of the samples.
        methods: The runs by name.
        rounds: The most rounds of a run; None: those of its plan.
        repeats: How often the time of a round is measured.
    """

    work: Path
    pictures: Path = PICTURES
    methods: Mapping[str, Arm] = field(default_factory=lambda: ARMS)
    rounds: int | None = None
    repeats: int = 15
    name: str = "methods"
    drawn: bool = False

    @property
    def arms(self) -> Mapping[str, object]:
        """Return the runs, and the measurement of times."""
        return {**self.methods, TIMES: None}

    def protocol(self, arm: str) -> dict[str, object]:
        """Return what a run depends on."""
        if arm == TIMES:
            return {"repeats": self.repeats, **{name: self._plan(name).protocol() for name in self.methods}}
        return self._plan(arm).protocol()

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Train, draw and measure one run; or measure the times."""
        faces = _faces(self.work)
        if arm == TIMES:
            return {"ratios": self._times(faces, seed)}
        plan = self._plan(arm)
        outcome = train(plan, faces, seed, lambda _: {})
        rng = torch.Generator().manual_seed(1)
        colors = torch.eye(faces.labels.shape[1])[[0, 4]].repeat_interleave(COLUMNS, 0)
        samples = samples_of(outcome.generator, torch.randn(ROWS * COLUMNS, LATENTS, generator=rng), colors)
        write_sheet(to_bytes(samples), self.pictures / f"{arm}.png", rows=ROWS)
        figures = measure(outcome, faces, plan)
        return {"figures": {name: float(f"{figures[name]:.4g}") for name in KEPT}, "ended": outcome.ended}

    def _times(self, faces: Faces, seed: int) -> dict[str, float]:
        torch.manual_seed(seed)
        names = [BASE, *(name for name in self.methods if name != BASE)]
        rounds = [Play.of(self._plan(name), faces).round for name in names]
        ratios = compare(rounds, device=torch.device("cpu"), warmup=2, repeats=self.repeats, inner=2)
        return {name: round(ratio.median, 2) for name, ratio in zip(names, ratios, strict=True)}

    def _plan(self, arm: str) -> Plan:
        plan = self.methods[arm].plan
        return plan if self.rounds is None else plan.changed({"rounds": self.rounds})


@cache
def _faces(folder: Path) -> Faces:
    return load_faces(folder)
