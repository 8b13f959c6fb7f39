"""Writing the folder of a data set all or nothing, or not at all where the same data set is there already."""

import errno
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from examples.anime_faces.data._dataset import Dataset
from examples.anime_faces.data._layout import (
    FACTORS_FOLDER,
    INFO_FILE,
    LABELS_FILE,
    MEASURED_FOLDER,
    SKIPPED_FILE,
    TEXTS_FILE,
    is_dataset,
)
from examples.anime_faces.data._sharded import IMAGES_FILE, SHARDS_FOLDER
from examples.anime_faces.differences import Difference, differences_of

POSIX = os.name == "posix"

_NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}

_OWN_FILES = {IMAGES_FILE, INFO_FILE, LABELS_FILE, SKIPPED_FILE, TEXTS_FILE}
_OF_THE_SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini"}
_OWN_FOLDERS = {FACTORS_FOLDER: ".npy", MEASURED_FOLDER: ".safetensors", SHARDS_FOLDER: ".tar"}
"""The folders of a data set, and how the names of all their files end."""
_MOST_NAMED = 5

_DIGESTS = {
    "files": "the pictures or labels, or their dates, have changed",
    "first_picture": "the renderer draws other pictures now",
}
"""What a changed digest means. Digests change with most other settings and mean nothing to a reader by themselves."""


def find_same(out: Path, settings: Mapping[str, Any]) -> Dataset | None:
    """Return the data set in ``out`` if it was made with these settings; None if ``out`` does not contain a data set.

    Args:
        out: The folder that is about to be written.
        settings: Everything that decides what would be written.

    Raises:
        ValueError: The data set there was made with other settings; the message names them.
    """
    if not is_dataset(out):
        return None
    dataset = Dataset.open(out)
    there, asked = dataset.info["settings"], json.loads(json.dumps(settings))
    differing = differences_of("", there, asked)
    if differing:
        telling = [one for one in differing if one.name.strip(".") not in _DIGESTS] or differing
        changes = ", ".join(map(_change, telling))
        raise ValueError(
            f"{out} contains a data set made with other settings ({changes}); give another --out, or --overwrite"
        )
    return dataset


def _change(one: Difference) -> str:
    name = one.name.rpartition(".")[2]
    return _DIGESTS.get(name, f"{name} was {one.was} and is now {one.now}")


def check_replaceable(out: Path, *, overwrite: bool) -> None:
    """Check, before any work, that ``out`` can be written.

    Raises:
        ValueError: There is something at ``out`` that must not be lost. A folder that is not a data set is never replaced,
            not even with ``overwrite``: it may contain the only copy of somebody's pictures. Neither is a data set beside which
            there is anything else, such as a run.
    """
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise ValueError(f"--out must be a folder, but {out} is a file")
    if is_dataset(out):
        if not overwrite:
            raise ValueError(f"{out} already contains a data set; give another --out, or --overwrite to replace it")
        others = _not_of_a_dataset(out)
        if others:
            more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
            raise ValueError(
                f"--overwrite would delete what `prepare` did not write in {out}: {', '.join(others[:_MOST_NAMED])}{more}; "
                "move that elsewhere, or give another --out"
            )
    elif any(out.iterdir()):
        raise ValueError(f"{out} is not empty and not a data set, so it is left alone; give another --out")


def _not_of_a_dataset(folder: Path) -> list[str]:
    """Return the names of all that is in the folder of a data set and is no part of it."""
    names: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_dir():
            names += [path.name] if path.name not in _OWN_FILES | _OF_THE_SYSTEM else []
        elif path.name not in _OWN_FOLDERS:
            names.append(f"{path.name}/")
        else:
            inside = [one for one in sorted(path.iterdir()) if one.name not in _OF_THE_SYSTEM]
            ending = _OWN_FOLDERS[path.name]
            names += [f"{path.name}/{one.name}" for one in inside if one.suffix != ending or not one.is_file()]
    return names


def check_place_of_run(out: Path) -> None:
    """Check, before any work, that a run would not be mixed with a data set.

    Raises:
        ValueError: ``out`` is the folder of a data set.
    """
    if is_dataset(out):
        raise ValueError(
            f"--out must be a folder of its own, for the run, but {out} contains a data set; name another --out"
        )


def check_space(out: Path, needed: int) -> None:
    """Check, before any work, that the disk has room.

    Args:
        out: The folder that is about to be written.
        needed: Bytes that it will have.

    Raises:
        ValueError: The disk has fewer free bytes.
    """
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError:  # some file systems do not say
        return
    if needed > free:
        raise ValueError(
            f"{out} needs about {needed / 2**20:,.0f} MiB for its pictures, but the disk has only {free / 2**20:,.0f} MiB free"
        )


@contextmanager
def staged_folder(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty folder to fill, and move it to ``out`` once the block ends without an error.

    A program that is stopped before the end leaves ``out`` as it was, and makes no folder around it. What a killed program left
    beside ``out`` is removed by the next call.

    Args:
        out: Where the finished folder is moved to.
        overwrite: Whether to replace a data set that is already there.

    Raises:
        ValueError: `out` must not be replaced; see `check_replaceable`.
    """
    out = out.absolute()
    check_replaceable(out, overwrite=overwrite)
    new = [folder for folder in out.parents if not folder.exists()]
    out.parent.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    staging = out.parent / f"{_prefix(out)}{os.getpid()}"
    staging.mkdir()
    try:
        yield staging
        _synchronize_all(staging)
        check_replaceable(out, overwrite=overwrite)
        _swap(staging, out)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in new:  # from the inside out, as far as they are empty
            with suppress(OSError):
                folder.rmdir()
        raise
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
    """Remove what killed programs on this machine left, and bring a retired data set back."""
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
        return False  # no other running program has our id, so an earlier one left it
    if not POSIX:
        return True  # on Windows, signal 0 would end the process: what others left stays there
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
    """Wait until a file, or the names in a folder, are on the disk, where the system can do that.

    Windows cannot for a folder, and some file systems (of networks, of containers) for nothing: it happens a little later.
    """
    if path.is_dir():
        if POSIX:
            with suppress(OSError):
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        return
    try:
        with path.open("r+b") as file:  # Windows synchronizes only what may be written
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
