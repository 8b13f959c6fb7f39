"""The folder of a run: where its files lie, that it can be written, and that one process owns it."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROBE_BYTES = 1 << 20


class RunLockedError(OSError):
    """Another process is training in this folder."""


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
    def losses(self) -> Path:
        """The picture of the loss curves."""
        return self.path / "losses.png"

    @property
    def samples(self) -> Path:
        """The labeled sheet of samples."""
        return self.path / "samples.png"

    @property
    def metrics(self) -> Path:
        """What `evaluate` measured."""
        return self.path / "metrics.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def grid(self, step: int) -> Path:
        """Return the grid drawn after `step` steps."""
        return self.grids / f"step-{step:07d}.png"

    def prepare(self) -> None:
        """Make the folders and prove that they can be written, before any work is spent.

        Raises:
            OSError: A folder cannot be made or written, or the disk is full.
        """
        for folder in (self.path, self.checkpoints, self.grids):
            folder.mkdir(parents=True, exist_ok=True)
            _write_probe(folder)


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
    """Hold the folder for this process; a lock whose process died is free by itself.

    Raises:
        RunLockedError: Another process holds it.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    with (folder.path / "run.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise RunLockedError(f"{folder.path} is in use by another training run (process {owner})") from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
