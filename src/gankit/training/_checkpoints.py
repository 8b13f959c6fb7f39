"""A folder of checkpoints, the newest few."""

import os
import re
import warnings
from pathlib import Path
from typing import Any

from gankit._core import check_at_least, check_version
from gankit.training._atomic import sweep_orphans
from gankit.training._checkpoint import CheckpointError, load_checkpoint, save_checkpoint

VERSION = 1
NAME = re.compile(r"checkpoint-(\d+)\.pt")


class Checkpoints:
    """Saves states by step into a folder, keeps the newest, and loads the newest that is whole.

    One file is one commit: it holds its step and its own checksum, so there is no list beside it that could disagree. An
    older file goes only after the new one is on the disk. One process writes into a folder at a time; with several ranks,
    let the first one save. Temporary files that a killed process left are removed when the object is made.

    Args:
        folder: Made where it does not exist.
        keep: Number of checkpoints to keep, 2 or more, so that a damaged one leaves another to fall back on.

    Raises:
        ValueError: `keep` is below 2.
        OSError: The folder cannot be made or read.

    Example:
        >>> import tempfile
        >>> from gankit.training import Checkpoints
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoints = Checkpoints(folder, keep=2)
        ...     for step in (10, 20, 30):
        ...         checkpoints.save(step, {"loss": step / 10})
        ...     checkpoints.load_latest(), checkpoints.steps()
        ((30, {'loss': 3.0}), [20, 30])
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 2) -> None:
        check_at_least("keep", keep, 2)
        self.folder = Path(folder)
        self.keep = keep
        self.folder.mkdir(parents=True, exist_ok=True)
        sweep_orphans(self.folder)

    def save(self, step: int, state: Any) -> None:
        """Save a state, then remove those before it beyond `keep`. Checkpoints of later steps are left alone.

        Args:
            step: Number of the step, 0 or more.
            state: See `save_checkpoint`.

        Raises:
            ValueError: `step` is no whole number, or the state holds more than plain data.
            OSError: The file cannot be written; the checkpoints before it are as they were.
        """
        check_at_least("step", step, 0)
        save_checkpoint(self.path(step), {"version": VERSION, "step": step, "state": state})
        earlier = [other for other in self.steps() if other < step]
        for other in earlier[: len(earlier) - (self.keep - 1)]:
            self.path(other).unlink(missing_ok=True)

    def load_latest(self) -> tuple[int, Any] | None:
        """Return the newest step and its state, None where there is no checkpoint.

        A file that is damaged is passed over with a warning, for the one before it.

        Raises:
            CheckpointError: There are checkpoints, but none is whole: starting again is for you to decide.
        """
        steps = self.steps()
        for step in reversed(steps):
            try:
                loaded = load_checkpoint(self.path(step))
                check_version("a checkpoint", loaded, VERSION)
            except CheckpointError as error:
                warnings.warn(f"{error}; taking the checkpoint before it", RuntimeWarning, stacklevel=2)
            else:
                return loaded["step"], loaded["state"]
        if steps:
            raise CheckpointError(f"{self.folder} must hold a whole checkpoint, got {len(steps)} and all were refused")
        return None

    def steps(self) -> list[int]:
        """Return the steps whose files are there, in order."""
        matches = (NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def path(self, step: int) -> Path:
        """Return where the checkpoint of a step lies."""
        return self.folder / f"checkpoint-{step}.pt"
