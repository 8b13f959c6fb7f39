"""Writing the folder of a data set all or nothing, by one process at a time."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from examples.anime_faces.data._places import check_replaceable
from examples.anime_faces.files import held, synchronize
from examples.anime_faces.printing import say

_TOKEN = re.compile("[0-9a-f]{12}(-old)?")


@contextmanager
def staged_folder(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty folder to fill, and move it to ``out`` once the block ends without an error.

    A program that is stopped before the end leaves ``out`` as it was, and makes no folder around it. What a killed program left
    beside ``out`` is removed by the next call, which holds a lock that nobody else has then: numbers of processes would say
    nothing about those of other machines and containers.

    Args:
        out: Where the finished folder is moved to.
        overwrite: Whether to replace a data set that is already there.

    Raises:
        ValueError: `out` must not be replaced; see `check_replaceable`.
        FolderInUseError: Another process writes it.
    """
    out = out.absolute()
    check_replaceable(out, overwrite=overwrite)
    new = [folder for folder in out.parents if not folder.exists()]
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _only_writer(out):
            yield from _filled(out, overwrite=overwrite)
    except BaseException:
        for folder in new:  # from the inside out, as far as they are empty
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def _only_writer(out: Path) -> Iterator[None]:
    """Hold the place for this process, and remove what killed ones have left there."""
    lock = out.parent / f".{out.name}.lock"
    with held(lock, refusal=f"{out} is being written by another process") as is_locked:
        try:
            if is_locked:
                _sweep(out)
            else:
                say(f"note: the file system of {out.parent} has no locks: take care that only one program writes {out}")
            yield
        finally:
            with suppress(OSError):  # Windows removes no file that is locked
                lock.unlink(missing_ok=True)


def _filled(out: Path, *, overwrite: bool) -> Iterator[Path]:
    staging = out.parent / f"{_prefix(out)}{secrets.token_hex(6)}"
    check_replaceable(out, overwrite=overwrite)  # an old data set may have come back
    staging.mkdir()
    try:
        yield staging
        _synchronize_all(staging)
        check_replaceable(out, overwrite=overwrite)
        _swap(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    synchronize(out.parent)


def _swap(staging: Path, out: Path) -> None:
    if not out.exists():
        staging.rename(out)
        return
    retired = staging.with_name(f"{staging.name}-old")
    out.rename(retired)
    staging.rename(out)
    shutil.rmtree(retired, ignore_errors=True)


def _prefix(out: Path) -> str:
    return f".{out.name}.unfinished-"


def _sweep(out: Path) -> None:
    """Remove what killed programs left, and bring a retired data set back."""
    prefix = _prefix(out)
    for left in sorted(out.parent.iterdir()):
        if not (left.name.startswith(prefix) and _TOKEN.fullmatch(left.name.removeprefix(prefix))):
            continue
        if left.name.endswith("-old") and not out.exists():
            left.rename(out)  # killed between the two renames: the old data set comes back
        else:
            shutil.rmtree(left, ignore_errors=True)


def _synchronize_all(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            synchronize(Path(parent) / name)
        synchronize(Path(parent))
