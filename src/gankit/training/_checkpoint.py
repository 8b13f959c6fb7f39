"""One checkpoint: plain data and tensors in one file that is whole, unchanged and safe to read, or refused."""

import os
from pathlib import Path
from typing import IO, Any, cast

import torch

from gankit.training._atomic import replaced_atomically
from gankit.training._plain import count_bytes, plain_copy
from gankit.training._sealed import SealingWriter, check_seal


class CheckpointError(ValueError):
    """A file is no checkpoint, or no longer the one that was saved."""


def save_checkpoint(path: str | os.PathLike[str], state: Any) -> None:
    """Save a state so that a file of this name is always a whole one: the one before or the new one.

    The file is a ``torch.save`` archive, sealed by the sha256 of its bytes. Equal states give equal bytes: the same types,
    order of keys, numbers, and tensors of the same shape, dtype, memory format and bits. Tensors that share a storage are
    saved apart and come back apart.

    Args:
        path: Where to; its folder must exist.
        state: Nested dicts, lists and tuples of dense tensors, strings, numbers and None, such as what ``state_dict()``
            returns.

    Raises:
        ValueError: The state holds something else; the message names where. Nothing is written.
        OSError: The file cannot be written, say since the disk is full; the file before it is as it was.

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

    Any changed bit and any cut is refused, and so is whatever would run code: there is no other way to load it, and no
    second try.

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
        gankit.training._checkpoint.CheckpointError: /... was refused: its last bytes are not a seal: ...
    """
    if not (Path(path).is_file() or Path(path).is_dir()) and Path(path).exists():
        raise CheckpointError(f"{os.fspath(path)} was refused: it is no ordinary file")  # opening a pipe would wait
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
