"""Checkpoints by step in a folder: one process writes it, any number read it, and the newest undamaged one is loaded."""

import errno
import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from gankit._core import as_path, check_at_least, check_version, sweep_orphans
from gankit.training._saving._finite_state import check_finite_state
from gankit.training._saving._locks import FolderLock
from gankit.training._saving._one_file import CheckpointError, load_checkpoint, save_plain
from gankit.training._saving._plain import plain_copy

VERSION = 1
NAME = re.compile(r"checkpoint-(0|[1-9][0-9]*)\.pt")
ALIKE = re.compile(r"checkpoint-(\d+)\.pt", re.IGNORECASE)
"""Names that mean a step but are not those that `Checkpoints` gives: with zeros in front, or digits of other scripts."""
MOST_LISTINGS = 100
OF_THE_PROCESS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Errors that say nothing of a file: too many files are open, or there is no memory."""


class Checkpoints:
    """Save checkpoints by step into a folder, keep the newest ones, and load the newest undamaged one to resume.

    Each file holds its step and its own checksum, so there is no separate index that could disagree with it. An older file is
    removed only after the new one is on the disk.

    Reading changes nothing: making the object, `load_latest` and `steps` work in a folder that cannot be written, and while
    another process saves. The first `save` makes the folder, takes a lock in it, and removes temporary files of a killed
    process. The lock is held until the object is deleted, `release` is called, or the process ends, even if it is killed. So
    only one process writes into a folder at a time; with several ranks, let the first one save.

    Args:
        folder: The first `save` makes it if it does not exist.
        keep: Number of checkpoints to keep, 2 or more, so that an older one is left if the newest is damaged.

    Raises:
        ValueError: `keep` is below 2, or `folder` is no path.

    Example:
        >>> import tempfile
        >>> from gankit.training import Checkpoints
        >>> with tempfile.TemporaryDirectory() as folder, Checkpoints(folder, keep=2) as checkpoints:
        ...     for step in (10, 20, 30):
        ...         checkpoints.save(step, {"loss": step / 10})
        ...     checkpoints.load_latest(), checkpoints.steps()
        ((30, {'loss': 3.0}), [20, 30])
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 2) -> None:
        check_at_least("keep", keep, 2)
        self.folder = as_path("folder", folder)
        self.keep = keep
        self._warned = False
        self._lock = FolderLock(self.folder)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without the lock, which belongs to this object."""
        return type(self), (self.folder, self.keep)

    def __enter__(self) -> Self:
        """Take the folder now, so that a run which cannot save fails before it trains; see `take`."""
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        """Release the folder."""
        self.release()

    def take(self) -> None:
        """Make the folder if it does not exist, and take the right to write into it, which `save` does if need be.

        Raises:
            CheckpointFolderError: Another process has it; or the folder was removed or replaced since this object took it, so
                that it may be that of another run.
            OSError: The folder cannot be made or written.
        """
        if not self._lock.is_taken:
            self.folder.mkdir(parents=True, exist_ok=True)
        if self._lock.take():
            sweep_orphans(self.folder)

    def release(self) -> None:
        """Give the right to write back to others; the next `save` takes it again."""
        self._lock.release()

    def save(self, step: int, state: Any, *, finite: bool = True) -> None:
        """Save a state, then remove the oldest earlier ones beyond `keep`. Checkpoints of later steps are not touched.

        Args:
            step: Number of the step, 0 or more.
            state: See `save_checkpoint`.
            finite: Refuse a floating-point tensor with NaN or infinity. Pass False where they mean something, as in a mask.

        Raises:
            ValueError: `step` is not a whole number, or the state holds more than plain data.
            NonFiniteError: A tensor of the state is not finite; the message says which. Nothing is saved.
            CheckpointFolderError: See `take`. Nothing is saved.
            OSError: The file cannot be written; earlier checkpoints are unchanged.

        Warns:
            RuntimeWarning: The folder holds checkpoints of later steps, such as those of an earlier run: `load_latest` returns
                them. Said once.
        """
        check_at_least("step", step, 0)
        step = int(step)  # also where it is a number of an enumeration, or of another class
        plain = plain_copy(state)
        if finite:
            check_finite_state(plain)
        self.take()
        save_plain(self.path(step), {"version": VERSION, "step": step, "state": plain})
        steps = self.steps()
        if steps and steps[-1] > step and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.folder} holds a checkpoint of step {steps[-1]}, later than step {step} which is saved now: load_latest "
                "returns the later one. If it is of another run, move it away or use another folder",
                RuntimeWarning,
                stacklevel=2,
            )
        earlier = [other for other in steps if other < step]
        for other in earlier[: len(earlier) - (self.keep - 1)]:
            with suppress(PermissionError):  # Windows removes no file that is being read; the next save does
                self.path(other).unlink(missing_ok=True)

    def load_latest(self) -> tuple[int, Any] | None:
        """Return the newest step and its state, or None if there is no checkpoint.

        A file that is damaged, cannot be read, or has a name that is not of its step is skipped with a warning, and the one
        before it is loaded. Another process may save meanwhile: where it removes a file first, the folder is listed again.

        Raises:
            CheckpointError: There are checkpoints, but all are refused. Whether to start from the beginning is your decision.
            MemoryError: There is too little memory for the newest one now. It is not skipped: training would go on from
                an earlier step, and saves would replace it.
            OSError: The folder cannot be read, or too many files are open.

        Warns:
            RuntimeWarning: A file was skipped; one warning for each, with the reason. That of the last one is in the error.
        """
        refused: set[str] = set()
        for _ in range(MOST_LISTINGS):
            names = self._names()
            if not names:
                return None
            for name in (name for name in names if name not in refused):
                try:
                    return _load(self.folder / name)
                except FileNotFoundError:
                    if not os.path.lexists(self.folder / name):
                        break  # removed since it was listed: there are newer ones
                    problem = f"{self.folder / name} is a link to a file that does not exist"
                except OSError as error:
                    if error.errno in OF_THE_PROCESS:
                        raise
                    problem = f"{self.folder / name} cannot be read: {error.strerror or error}"
                except CheckpointError as error:
                    problem = f"{error}"
                refused.add(name)
                if refused.issuperset(names):
                    raise CheckpointError(f"{self.folder} must hold a checkpoint that can be loaded: {problem}")
                warnings.warn(f"{problem}; taking the checkpoint before it", RuntimeWarning, stacklevel=2)
        raise CheckpointError(
            f"{self.folder} must hold its checkpoints until they are read, but each was removed before"
        )

    def steps(self) -> list[int]:
        """Return the steps of all checkpoint files, in ascending order; none if the folder does not exist.

        Raises:
            OSError: The folder cannot be read.
        """
        matches = ((NAME.fullmatch(path.name), path) for path in self._listed())
        return sorted(int(match[1]) for match, path in matches if match and path.is_file())

    def path(self, step: int) -> Path:
        """Return the path of the checkpoint of a step."""
        return self.folder / f"checkpoint-{int(step)}.pt"

    def _listed(self) -> list[Path]:
        try:
            return list(self.folder.iterdir())
        except FileNotFoundError:
            return []

    def _names(self) -> list[str]:
        """Return the names of what may be a checkpoint, the newest first."""
        alike = [(int(match[1]), path.name) for path in self._listed() if (match := ALIKE.fullmatch(path.name))]
        return [name for _, name in sorted(alike, reverse=True)]


def _load(path: Path) -> tuple[int, Any]:
    """Load a file of a folder.

    Raises:
        CheckpointError: It is refused.
        OSError: It cannot be read.
    """
    loaded = load_checkpoint(path)
    try:
        check_version("a checkpoint", loaded, VERSION, "step", "state")
        check_at_least("step", loaded["step"], 0)
    except ValueError as error:
        raise CheckpointError(f"{path} was refused: {error}") from error
    step = loaded["step"]
    if path.name != f"checkpoint-{step}.pt":
        raise CheckpointError(f"{path} was refused: it holds step {step}, so it must be named checkpoint-{step}.pt")
    return step, loaded["state"]
