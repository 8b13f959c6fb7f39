"""Checkpoints: plain data and tensors in files that are whole, unchanged and safe to read, or refused."""

import os
import re
import warnings
from pathlib import Path
from typing import IO, Any, cast

import torch

from gankit._core import check_at_least, check_version
from gankit.training._saving._files import SealingWriter, check_seal, replaced_atomically, sweep_orphans
from gankit.training._saving._plain import count_bytes, plain_copy


class CheckpointError(ValueError):
    """A file is not a checkpoint, or was changed after it was saved."""


def save_checkpoint(path: str | os.PathLike[str], state: Any) -> None:
    """Save a state; at any moment the file of this name is complete: the previous one or the new one.

    The file is a ``torch.save`` archive with the sha256 of its bytes in it. Equal states give equal bytes: the same types,
    order of keys, numbers, and tensors of the same shape, dtype, memory format and bits. Tensors that share a storage are
    saved, and loaded, separately.

    Args:
        path: The file to write; its folder must exist.
        state: Nested dicts, lists and tuples of dense tensors, strings, numbers and None, such as what ``state_dict()``
            returns.

    Raises:
        ValueError: The state holds something else; the message says where. Nothing is written.
        OSError: The file cannot be written, for example because the disk is full; the previous file is unchanged.

    Example:
        >>> import tempfile, torch
        >>> from gankit.training import load_checkpoint, save_checkpoint
        >>> critic = torch.nn.Linear(2, 1, bias=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_checkpoint(folder + "/a.pt", {"critic": critic.state_dict(), "round": 7})
        ...     loaded = load_checkpoint(folder + "/a.pt")
        >>> loaded["round"], bool((loaded["critic"]["weight"] == critic.weight).all())
        (7, True)
    """
    plain = plain_copy(state)
    path = Path(path)
    try:
        with replaced_atomically(path) as file:
            _write(plain, file)
    except OSError as error:
        message = f"{error.strerror} (saving a checkpoint of about {count_bytes(plain)} bytes)"
        raise OSError(error.errno, message, str(path)) from error


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Load a state that `save_checkpoint` saved, its tensors on the CPU.

    A file with a changed bit or a missing part is refused, and so is a file that would run code when loaded. There is no
    option to load it anyway.

    Args:
        path: The file.

    Raises:
        CheckpointError: The file was not written by `save_checkpoint`, was changed since, or holds more than plain data.
        OSError: The file cannot be read.

    Example:
        >>> import tempfile, torch
        >>> from gankit.training import load_checkpoint
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     _ = file.write(bytes(200))
        ...     file.flush()
        ...     load_checkpoint(file.name)
        Traceback (most recent call last):
        ...
        gankit.training._saving._checkpoints.CheckpointError: /... was refused: its last bytes are not a seal: ...
    """
    if not (Path(path).is_file() or Path(path).is_dir()) and Path(path).exists():
        raise CheckpointError(
            f"{os.fspath(path)} was refused: it is not an ordinary file"
        )  # opening a pipe would block
    with Path(path).open("rb") as file:
        fault = check_seal(file)
        if fault is not None:
            raise CheckpointError(f"{os.fspath(path)} was refused: {fault}")
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            raise CheckpointError(f"{os.fspath(path)} was refused: it holds more than plain data ({error})") from error


def _write(plain: Any, file: IO[bytes]) -> None:
    writer = SealingWriter(file)
    try:
        torch.save(plain, cast("IO[bytes]", writer))
        writer.seal()
    except RuntimeError:
        # torch's writer turns what a write raised into a RuntimeError that does not say what it was.
        if writer.failure is None:
            raise
        raise writer.failure from None


VERSION = 1
NAME = re.compile(r"checkpoint-(\d+)\.pt")


class Checkpoints:
    """Save states by step into a folder, keep the newest ones, and load the newest that is undamaged.

    Each file holds its step and its own checksum, so there is no separate index that could disagree with it. An older file is
    removed only after the new one is on the disk. Only one process may write into a folder at a time; with several ranks, let
    the first one save. Temporary files that a killed process left are removed when the object is made.

    Args:
        folder: Created if it does not exist.
        keep: Number of checkpoints to keep, 2 or more, so that an older one is left if the newest is damaged.

    Raises:
        ValueError: `keep` is below 2.
        OSError: The folder cannot be created or read.

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
        self._warned = False
        self.folder.mkdir(parents=True, exist_ok=True)
        sweep_orphans(self.folder)

    def save(self, step: int, state: Any) -> None:
        """Save a state, then remove the oldest earlier ones beyond `keep`. Checkpoints of later steps are not touched.

        Args:
            step: Number of the step, 0 or more.
            state: See `save_checkpoint`.

        Raises:
            ValueError: `step` is not a whole number, or the state holds more than plain data.
            OSError: The file cannot be written; earlier checkpoints are unchanged.

        Warns:
            RuntimeWarning: The folder holds checkpoints of later steps, such as those of an earlier run: `load_latest` returns
                them. Said once.
        """
        check_at_least("step", step, 0)
        save_checkpoint(self.path(step), {"version": VERSION, "step": step, "state": state})
        steps = self.steps()
        if steps[-1] > step and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.folder} holds a checkpoint of step {steps[-1]}, later than step {step} which is saved now: load_latest "
                "returns the later one. If it is of another run, move it away or use another folder",
                RuntimeWarning,
                stacklevel=2,
            )
        earlier = [other for other in steps if other < step]
        for other in earlier[: len(earlier) - (self.keep - 1)]:
            self.path(other).unlink(missing_ok=True)

    def load_latest(self) -> tuple[int, Any] | None:
        """Return the newest step and its state, or None if there is no checkpoint.

        A damaged file is skipped with a warning, and the one before it is loaded.

        Raises:
            CheckpointError: There are checkpoints, but all are damaged. Nothing is started anew: that is your decision.
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
        """Return the steps of all checkpoint files, in ascending order."""
        matches = (NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def path(self, step: int) -> Path:
        """Return the path of the checkpoint of a step."""
        return self.folder / f"checkpoint-{step}.pt"
