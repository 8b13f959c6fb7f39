"""`evaluate`: measure how good a trained generator is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(kw_only=True)
class Evaluate:
    """Measure how good a trained generator is, and write metrics.json into its run.

    evaluate runs/demo                    every figure, in two to three minutes on two processor cores.
    evaluate runs/demo --samples 1320     a rougher answer in half a minute.

    On rendered faces a judge, which knows every color, style, pose and expression, reads the samples. On other
    pictures only the figures that need no judge are given.
    """

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="run")]
    """Folder of a run, or one of its checkpoints."""
    data: Path | None = None
    """Data set to hold samples against; the one that the run was trained on if not given."""
    samples: int = 12_000
    """How many pictures to draw; the thresholds are meant for 12,000."""
    seed: int = 0
    """Of the samples, and of the real pictures that they are held against."""
    features: str | None = None
    """A feature network for FID, KID, precision, recall, density and coverage, as package.module:callable. It takes
    uint8 pictures (n, 3, size, size) and returns vectors (n, features)."""
    device: str | None = None
    """Where to draw and judge: cpu, cuda or cuda:1; a GPU if there is one, if not given."""

    def run(self) -> None:
        """Draw, measure, write, and say what passed."""
        from examples.anime_faces.metrics import Question, evaluate_run, metrics_path, summary

        question = Question(
            run=self.run_folder,
            data=self.data,
            samples=self.samples,
            seed=self.seed,
            features=self.features,
            device=self.device,
        )
        print(summary(evaluate_run(question)))
        print(f"written to {metrics_path(self.run_folder)}")
