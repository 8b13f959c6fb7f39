"""Writing the folder of a data set all or nothing, or not at all where the same data set is there already."""

import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from examples.anime_faces.data._dataset import Dataset, is_dataset

_DIGESTS = {
    "files": "the pictures or labels have changed",
    "first_picture": "the renderer draws other pictures now",
}
"""What it means that only a digest has changed; it follows most other settings and says nothing to a reader."""


def find_same(out: Path, settings: Mapping[str, Any]) -> Dataset | None:
    """Return the data set in ``out`` if it was made with these settings, None if there is none.

    Args:
        out: the folder that is about to be written.
        settings: all that decides what would be written.

    Raises:
        ValueError: if the data set there was made with other settings; names them.
    """
    if not is_dataset(out):
        return None
    dataset = Dataset.open(out)
    there, asked = dataset.info["settings"], json.loads(json.dumps(settings))
    differing = [name for name in sorted({*there, *asked}) if there.get(name) != asked.get(name)]
    if differing:
        telling = [name for name in differing if name not in _DIGESTS] or differing
        changes = ", ".join(_change(name, there.get(name), asked.get(name)) for name in telling)
        raise ValueError(
            f"{out} holds a data set made with other settings ({changes}); give another --out, or --overwrite"
        )
    return dataset


def _change(name: str, there: object, asked: object) -> str:
    return _DIGESTS.get(name, f"{name} was {there!r} and is now {asked!r}")


def check_replaceable(out: Path, *, overwrite: bool) -> None:
    """Check, before any work, that ``out`` can be written.

    Raises:
        ValueError: if there is something at ``out`` that must not be lost. A folder that holds no data set is never
            replaced, even with ``overwrite``: it may hold the only copy of somebody's pictures.
    """
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise ValueError(f"--out must be a folder, but {out} is a file")
    if is_dataset(out):
        if not overwrite:
            raise ValueError(f"{out} holds a data set already; give another --out, or --overwrite to replace it")
    elif any(out.iterdir()):
        raise ValueError(f"{out} is no data set and not empty, so it is left alone; give another --out")


@contextmanager
def staged_folder(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty folder to fill, and put it in the place of ``out`` once the block ends without an error.

    A program that is stopped in between leaves ``out`` as it was. What a killed one left beside it goes at the next call.

    Args:
        out: where the finished folder goes.
        overwrite: whether a data set that is there already is replaced.

    Raises:
        ValueError: see `check_replaceable`.
    """
    out = out.absolute()
    check_replaceable(out, overwrite=overwrite)
    out.parent.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    staging = out.parent / f"{_prefix(out)}{os.getpid()}"
    staging.mkdir()
    try:
        yield staging
        _synchronize_all(staging)
        check_replaceable(out, overwrite=overwrite)
        _swap(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _synchronize(out.parent)


def _swap(staging: Path, out: Path) -> None:
    if not out.exists():
        staging.rename(out)
        return
    retired = out.parent / f"{_prefix(out)}{os.getpid()}-old"
    out.rename(retired)
    staging.rename(out)
    shutil.rmtree(retired, ignore_errors=True)


def _prefix(out: Path) -> str:
    return f".{out.name}.unfinished-{socket.gethostname()}-"


def _sweep(out: Path) -> None:
    """Remove what killed programs on this machine left. Elsewhere a process id cannot be asked for safely."""
    if os.name != "posix":
        return
    prefix = _prefix(out)
    for left in out.parent.glob(f"{prefix}*"):
        owner = left.name.removeprefix(prefix).removesuffix("-old")
        if owner.isdecimal() and not _alive(int(owner)):
            if left.name.endswith("-old") and not out.exists():
                left.rename(out)  # killed between the two renames: the old data set comes back
            else:
                shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False  # nobody else has our id, so it was left by an earlier program
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _synchronize_all(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            _synchronize(Path(parent) / name)
        _synchronize(Path(parent))


def _synchronize(path: Path) -> None:
    """Wait until the file or folder is on the disk, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot synchronize folders; the names then follow a little later
            raise
    finally:
        os.close(handle)
