"""Checkpoints: plain data and tensors in files that are whole, unchanged and safe to read, or refused."""

import os
import stat
from pathlib import Path
from typing import IO, Any, cast

import torch

from gankit._core import as_path, lacks_memory, replaced_atomically
from gankit.training._saving._plain import count_bytes, is_plain_state, plain_copy
from gankit.training._saving._sealed import COMMENT_LENGTH, SealingWriter, check_contents, check_sealed


class CheckpointError(ValueError):
    """A file is not a checkpoint, or was changed after it was saved.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from gankit.training import CheckpointError, load_checkpoint
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "state.pt")
        ...     _ = path.write_text("something else")
        ...     try:
        ...         load_checkpoint(path)
        ...     except CheckpointError:
        ...         print("no checkpoint")
        no checkpoint
    """


def save_checkpoint(path: str | os.PathLike[str], state: Any) -> None:
    """Save a checkpoint; at any moment the file of this name is complete: the previous one or the new one.

    The file is a ``torch.save`` archive with the sha256 of its bytes in it. Equal states give equal bytes: the same types,
    order of keys, numbers, and tensors of the same shape, dtype, memory format and bits. Tensors that share a storage are
    saved, and loaded, separately. Values that are NaN or infinite are saved as they are: `check_finite_state` finds them.

    Args:
        path: The file to write; its folder must exist.
        state: Nested dicts, lists and tuples of dense tensors, strings, numbers and None, such as what ``state_dict()``
            returns: at most 100 levels deep, and at most 16 MiB without the values of tensors, which are more than a million
            numbers in lists; at most about 19,000 tensors.

    Raises:
        ValueError: The state holds something else, or too much; the message says where. Or `path` names no file. Nothing is
            written.
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
    path = as_path("path", path)
    if path.name in ("", ".."):
        raise ValueError(f"path must name a file, got {str(path)!r}")
    save_plain(path, plain_copy(state))


def save_plain(path: Path, plain: Any) -> None:
    """Save a state that `plain_copy` returned."""
    try:
        with replaced_atomically(path) as file:
            _write(plain, file)
    except OSError as error:
        message = f"{error.strerror or error} (saving a checkpoint of about {count_bytes(plain)} bytes)"
        raise OSError(error.errno, message, str(path)) from error


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Load a state that `save_checkpoint` saved, its tensors on the CPU.

    Only what can be saved can be loaded. A file with a changed bit or a missing part is refused. So is a file that would run
    code, build other objects than plain data and dense tensors, or build more than it holds. It is refused before anything is
    built, in about a second of processor time at most and about 100 MB of memory; the checksum of a file of gigabytes takes
    longer. There is no option to load it anyway.

    Args:
        path: The file.

    Raises:
        CheckpointError: The file was not written by `save_checkpoint`, was changed since, or holds more than plain data.
        MemoryError: There is too little memory for it now; nothing is said of the file.
        ValueError: `path` is no path.
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
        gankit.training._saving._one_file.CheckpointError: /... was refused: its last bytes are not a seal: ...
    """
    path = as_path("path", path)
    try:
        _check_kind(path)
        with path.open("rb") as file:
            return _read(path, file)
    except CheckpointError:
        raise
    except ValueError as error:  # a path that no file can have
        raise CheckpointError(f"{str(path)!r} was refused: {error}") from error
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _check_kind(path: Path) -> None:
    """Refuse pipes and devices, whose opening would wait. Opening a folder says that it is one."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise CheckpointError(f"{path} was refused: it is not an ordinary file")


def _read(path: Path, file: IO[bytes]) -> Any:
    try:
        return _read_refusing(path, file)
    except Exception as error:
        if not lacks_memory(error):
            raise
        size, reason = os.fstat(file.fileno()).st_size, str(error).partition("\n")[0]
        raise MemoryError(f"{path} of {size} bytes does not fit into the memory that is free: {reason}") from error


def _read_refusing(path: Path, file: IO[bytes]) -> Any:
    try:
        check_sealed(file)
    except ValueError as error:
        raise CheckpointError(f"{path} was refused: {error}") from error
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        if lacks_memory(error):
            raise
        raise CheckpointError(f"{path} was refused: torch cannot read it ({error})") from error
    if not is_plain_state(state):
        raise CheckpointError(f"{path} was refused: it holds more than plain data")
    return state


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
    try:
        check_contents(file, file.tell() - COMMENT_LENGTH, COMMENT_LENGTH)
    except ValueError as error:
        raise ValueError(f"state must be one that can be loaded again, and is not: {error}") from error
