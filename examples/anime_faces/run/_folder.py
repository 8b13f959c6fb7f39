"""The folder of a run: the names of its files, that it can be written, and that one process owns it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from examples.anime_faces.errors import RunLockedError

PROBE_BYTES = 1 << 20
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
"""What systems say of files on networks and in containers that cannot be locked."""


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

    def grid(self, step: int) -> Path:
        """Return the grid drawn after `step` steps."""
        return self.grids / f"step-{step:07d}.png"

    def prepare(self) -> None:
        """Make the folders and check that they can be written, before any work is done.

        Raises:
            OSError: A folder cannot be made or written, or the disk is full.
        """
        for folder in (self.path, self.checkpoints, self.grids):
            folder.mkdir(parents=True, exist_ok=True)
            _write_probe(folder)
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
            print(
                f"note: {self.path} holds results of an earlier run ({', '.join(found)}) but no checkpoint: a new run begins "
                "among them; remove them or name another --out to keep the two apart"
            )


def _write_probe(folder: Path) -> None:
    probe = folder / f".probe-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the folder for this process; the lock of a process that died is free.

    A folder that was made here and is still empty afterwards, since the request was a mistake, is removed.

    Where the file system has no locks, a note says so and nothing is locked.

    Raises:
        RunLockedError: Another process holds it; the message names it.
    """
    made = not folder.path.exists()
    folder.path.mkdir(parents=True, exist_ok=True)
    # Beside the lock, since a locked file cannot be read on Windows.
    owner = folder.path / "run.owner"
    lock = FileLock(folder.path / "run.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        process = owner.read_text(encoding="utf-8").strip() if owner.exists() else "unknown"
        raise RunLockedError(f"{folder.path} is in use by another training run (process {process})") from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in WITHOUT_LOCKS:
            raise
        print(f"note: the file system of {folder.path} has no locks: take care that only one training runs in it")
    try:
        owner.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        unused = made and [path.name for path in folder.path.iterdir()] == ["run.lock"]
        if unused:
            with suppress(OSError):  # Windows removes no file that is locked
                (folder.path / "run.lock").unlink()
        lock.release()
        if unused:
            with suppress(OSError):  # another process has begun to use it
                folder.path.rmdir()
