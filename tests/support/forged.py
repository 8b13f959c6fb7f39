"""Checkpoint files that no version of gankit wrote, with a right seal, as somebody with bad intentions would make them."""

import io
import os
import resource
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import torch

from gankit.training._saving._sealed import SealingWriter

VERSION = {"version": b"3\n", "byteorder": b"little"}


def sealed(archive: bytes) -> bytes:
    """Return an archive without a comment, with a right seal."""
    file = io.BytesIO()
    writer = SealingWriter(file)
    writer.write(archive)
    writer.seal()
    return file.getvalue()


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of members, which may have one name twice."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def members_of(
    pickle: bytes, storages: Mapping[str, bytes] | None = None, more: Mapping[str, bytes] | None = None
) -> list[tuple[str, bytes]]:
    """Return the members of a checkpoint: its pickle, its storages and what tells the version."""
    named = {"data.pkl": pickle, **{f"data/{key}": data for key, data in (storages or {}).items()}, **VERSION}
    return [(f"archive/{name}", data) for name, data in {**named, **(more or {})}.items()]


def forge(path: Path, pickle: bytes, storages: Mapping[str, bytes] | None = None) -> None:
    """Write a sealed checkpoint with any pickle in it."""
    path.write_bytes(sealed(zipped(members_of(pickle, storages))))


def forge_state(path: Path, state: Any) -> None:
    """Write what ``torch.save`` writes of any state, sealed."""
    archive = io.BytesIO()
    torch.save(state, cast("Any", archive))
    path.write_bytes(sealed(archive.getvalue()))


class Called:
    """An object that is pickled as a call, which the unpickler makes."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def in_small_memory(function: Callable[[], None], megabytes: int = 100) -> None:
    """Run in a forked child that may use so much more memory, and fail if it fails."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + (megabytes << 20)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            function()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def quantized(shape: tuple[int, ...]) -> torch.Tensor:
    """Return a quantized tensor, which torch warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.ones(shape), 0.1, 0, torch.qint8)
