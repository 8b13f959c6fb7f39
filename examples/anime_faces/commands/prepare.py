"""The command that makes a data set."""

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from examples.anime_faces.data import write_rendered
from examples.anime_faces.data.render import Knobs


@dataclass(kw_only=True)
class Prepare:
    """Make a data set.

    prepare --out data/faces --count 20000 --size 64 --seed 0    renders anime faces with exact labels.
    """

    out: Path
    """Folder to write. It appears only when all is done; repeating a finished command does nothing."""
    size: int = 64
    """Width and height of the pictures in pixels."""
    count: int = 20_000
    """Number of faces to render."""
    seed: int = 0
    """Names the rendered faces: the same seed gives the same faces."""
    workers: int | None = None
    """Number of processes; one for each processor core if not given, 0 to work in one process."""
    overwrite: bool = False
    """Replace the data set that is in --out."""
    knobs: tyro.conf.OmitArgPrefixes[Knobs] = field(default_factory=Knobs)

    def run(self) -> None:
        """Make the data set and say what is in it."""
        dataset = write_rendered(
            self.out, self.count, self.size, self.seed, self.knobs, workers=self.workers, overwrite=self.overwrite
        )
        print(f"{self.out}: {len(dataset)} faces of {dataset.size} x {dataset.size} pixels")
