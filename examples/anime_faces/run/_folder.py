"""The folder of a run: the names of its files, and that it can be written."""

from dataclasses import dataclass
from pathlib import Path

from examples.anime_faces.files import sweep, written_whole
from examples.anime_faces.printing import say

PROBE, PROBE_BYTES = ".probe", 1 << 20


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names of everything in a run's folder.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def kept(self) -> Path:
        """The folder of the checkpoints of named steps."""
        return self.path / "kept"

    @property
    def grids(self) -> Path:
        """The folder of sample grids."""
        return self.path / "grids"

    @property
    def settings(self) -> Path:
        """The settings, as JSON."""
        return self.path / "settings.json"

    @property
    def log(self) -> Path:
        """One JSON object a line, every few steps."""
        return self.path / "log.jsonl"

    @property
    def raw_losses(self) -> Path:
        """The losses of every step, as a table."""
        return self.path / "losses.csv"

    @property
    def system(self) -> Path:
        """Networks, losses and constants, as text."""
        return self.path / "system.txt"

    @property
    def outline(self) -> Path:
        """The same as JSON, which the report reads."""
        return self.path / "system.json"

    @property
    def losses(self) -> Path:
        """The picture of the loss curves."""
        return self.path / "losses.png"

    @property
    def profile(self) -> Path:
        """The picture of where the time of a round goes; the figures are beside it, as JSON."""
        return self.path / "profile.png"

    @property
    def samples(self) -> Path:
        """The labeled sheet of samples."""
        return self.path / "samples.png"

    @property
    def strip(self) -> Path:
        """The sheet of the same prompts over the steps."""
        return self.path / "strip.png"

    @property
    def table(self) -> Path:
        """The sheet of prompts that are marked as seen or unseen."""
        return self.path / "table.png"

    @property
    def metrics(self) -> Path:
        """What `evaluate` measured."""
        return self.path / "metrics.json"

    def kept_metrics(self, step: int) -> Path:
        """Return what `evaluate` measured of a kept checkpoint."""
        return self.kept / f"metrics-{step}.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def lock(self) -> Path:
        """The file that the process which trains here has locked."""
        return self.path / "run.lock"

    @property
    def owner(self) -> Path:
        """The number of that process."""
        return self.path / "run.owner"

    def grid(self, step: int) -> Path:
        """Return the grid drawn after `step` steps."""
        return self.grids / f"step-{step:07d}.png"

    def prepare(self) -> None:
        """Make the folders and check that they can be written, before any work is done; only for who holds the lock.

        What a killed training left unfinished is removed.

        Raises:
            OSError: A folder cannot be made or written, or the disk is full.
        """
        for folder in (self.path, self.checkpoints, self.grids):
            folder.mkdir(parents=True, exist_ok=True)
            _write_probe(folder)
        # Not those of other files in the folder, which `report` or `evaluate` may be writing now.
        own = (
            self.settings,
            self.log,
            self.raw_losses,
            self.system,
            self.outline,
            self.losses,
            self.profile,
            self.owner,
        )
        sweep(
            self.path,
            PROBE,
            *(path.name for path in own),
            f"{self.profile.stem}.json",
            f"{self.losses.stem}.legend.txt",
        )
        sweep(self.grids)
        self._say_what_is_left()

    def _say_what_is_left(self) -> None:
        """Print a note if a new run begins among the results of an old one, whose checkpoints were removed."""
        if any(self.checkpoints.glob("checkpoint-*.pt")):
            return
        grids = sorted(path.name for path in self.grids.glob("step-*.png"))
        # The report is no sign: a demo writes it before it trains.
        others = [path.name for path in (self.samples, self.metrics, self.kept) if path.exists()]
        if grids or others:
            found = [*([f"{len(grids)} grids up to {grids[-1]}"] if grids else []), *others]
            say(
                f"note: {self.path} holds results of an earlier run ({', '.join(found)}) but no checkpoint: a new run begins "
                "among them; remove them or name another --out to keep the two apart"
            )


def _write_probe(folder: Path) -> None:
    with written_whole(folder / PROBE) as temporary:
        temporary.write_bytes(bytes(PROBE_BYTES))
    (folder / PROBE).unlink(missing_ok=True)
