"""A reader that is fuzzed, and what must hold of it whatever it reads."""

import dataclasses
import errno
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from examples.anime_faces.errors import in_words
from tests.fuzzing.mutators import Mutator

SECONDS = 2.0
"""The most processor time for a file of at most 64 kB; readers are far quicker, but a machine can be busy."""


class FindingError(AssertionError):
    """A reader does what none should do.

    Args:
        what: What it did.
        place: Where in its code; equal findings have equal places.
    """

    def __init__(self, what: str, place: str = "") -> None:
        super().__init__(f"{what}{f' ({place})' if place else ''}")
        self.what, self.place = what, place or what


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A way by which a file gets into the library or the example.

    Args:
        seeds: Makes valid files, by what is in them.
        read: Reads a file, and returns all of what it read.
        name: The name of the file.
        mutate: Changes a valid file.
        finish: Makes right what a reader checks before all else, such as a checksum, so that more than that is tried.
        around: Puts other files that the reader needs into a folder.
        errors: What it may raise, as its documentation says.
        naming: What an error must name; most name the file.
        warns: Says, of a warning, whether it is one that the documentation promises.
    """

    seeds: Callable[[], Mapping[str, bytes]]
    read: Callable[[Path], Any]
    name: str
    mutate: Mutator
    finish: Callable[[bytes], bytes] = bytes
    around: Callable[[Path], None] | None = None
    errors: tuple[type[Exception], ...] = (ValueError, OSError)
    naming: str | None = None
    warns: Callable[[warnings.WarningMessage], bool] = lambda _: False


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Give a temporary folder, in memory where the system has one there: checkpoints are written through to the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="fuzzing-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def outcome(target: Target, path: Path) -> tuple[str, Any]:
    """Read a file, and return ``("record", all of it)`` or ``("error", its words)``.

    Raises:
        FindingError: There was another exception, an error without the file or of several lines, or a warning, or no end.
    """
    before = time.process_time()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found: tuple[str, Any] = ("record", frozen(target.read(path)))
        except target.errors as error:
            found = ("error", _words(target, error))
        except Exception as error:
            raise FindingError(f"{type(error).__name__}: {str(error)[:200]}", _place(error)) from error
    for one in said:
        if not target.warns(one):
            raise FindingError(f"warns: {one.message}", f"{Path(one.filename).name}:{one.lineno}")
    if (took := time.process_time() - before) > SECONDS:
        raise FindingError(f"took {took:.1f} s", "slow")
    return found


def check(target: Target, data: bytes, folder: Path) -> tuple[str, Any]:
    """Read bytes in the place of a valid file, twice, and return what came of it.

    Args:
        target: The reader.
        data: The bytes.
        folder: A folder of this target alone.

    Raises:
        FindingError: As for `outcome`; or the second reading differs, or something in the folder was changed.
    """
    path = folder / target.name
    if not folder.exists():
        folder.mkdir(parents=True)
        if target.around is not None:
            target.around(folder)
    path.write_bytes(data)
    there = _listing(folder)
    first, second = outcome(target, path), outcome(target, path)
    if first != second:
        raise FindingError(f"reads {_short(first)} first, and then {_short(second)}", "two readings differ")
    if _listing(folder) != there:
        raise FindingError("changes what is in the folder", "writes")
    return first


def frozen(value: Any) -> Any:  # noqa: PLR0911 - a kind of value each
    """Return plain data that are equal for equal records, also where these hold tensors or NaN."""
    if isinstance(value, torch.Tensor):
        steps = zip(value.shape, value.stride(), strict=True)
        strides = [step for size, step in steps if size > 1] if value.numel() else []  # those of other axes are free
        return ("tensor", str(value.dtype), tuple(value.shape), tuple(strides), _bytes_of(value))
    if isinstance(value, np.ndarray):
        return ("array", str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, nn.Module):
        return (type(value).__name__, frozen(dict(value.state_dict())), frozen(getattr(value, "rows", None)))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.compare and one.repr}
        return (type(value).__name__, frozen(named))
    if isinstance(value, Mapping):
        return ("dict", tuple((frozen(key), frozen(one)) for key, one in value.items()))
    if isinstance(value, list | tuple):
        return (type(value).__name__, tuple(map(frozen, value)))
    if isinstance(value, AbstractSet):
        return ("set", frozenset(map(frozen, value)))
    if isinstance(value, float):
        return ("float", value.hex())
    if value is None or isinstance(value, str | bytes | int | Enum | os.PathLike):
        return (type(value).__name__, value)
    return repr(value)


def _bytes_of(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def _words(target: Target, error: Exception) -> str:
    words = in_words(error)
    if not words.strip():
        raise FindingError(f"{type(error).__name__} without a word", _place(error)) from error
    if "\n" in words:
        raise FindingError(f"an error of several lines: {words[:200]!r}", _place(error)) from error
    naming = target.name if target.naming is None else target.naming
    if naming not in words:
        raise FindingError(f"an error that does not name {naming!r}: {words[:200]!r}", _place(error)) from error
    if isinstance(error, OSError) and error.errno not in (errno.ENOENT, errno.EACCES, errno.EISDIR):
        raise FindingError(f"an error of the system: {words[:200]}", _place(error)) from error
    return words


def _place(error: BaseException) -> str:
    """Return the last lines of the traceback that are in the project, and the last of all."""
    trace, places = error.__traceback__, list[str]()
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {' < '.join(places[:-4:-1])}"


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found.append((str(path), status.st_size, status.st_mtime_ns))
    return found


def _short(found: tuple[str, Any]) -> str:
    return f"{found[0]} {str(found[1])[:80]!r}"
