"""The room that a run needs: on the disk for its checkpoints and pictures, in memory for its networks and data."""

import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from examples.anime_faces.checkup._findings import Finding, problem, warning
from examples.anime_faces.checkup._trial import Trial

CHECKPOINTS = 3
"""The newest two, and the one that is being written."""
PICTURES = 60 * 2**20
"""Bytes of sample grids, curves, log and report, at most."""
TIGHT = 0.8
MEBIBYTE = 2**20


def disk_needed(checkpoint: int, kept: int) -> int:
    """Return the bytes of a run's folder at most.

    Args:
        checkpoint: Bytes of a checkpoint.
        kept: How many are kept besides the newest two.

    Example:
        >>> disk_needed(10 * 2**20, kept=2) // 2**20
        110
    """
    return (CHECKPOINTS + kept) * checkpoint + PICTURES


def room_lines(trial: Trial, out: Path, kept: int) -> Iterator[str]:
    """Return what is needed and what is there, a line each."""
    free = disk_free(out)
    there = "" if free is None else f", {_size(free)} free in {_existing(out)}"
    yield f"disk: up to {_size(disk_needed(trial.checkpoint, kept))}, checkpoints of {_size(trial.checkpoint)}{there}"
    memory = memory_free()
    held = "" if trial.memory is None else f"the tried steps held {_size(trial.memory)} at most on {trial.device}"
    if held and memory is not None and trial.device == "cpu":
        held += f" with Python and torch, {_size(memory)} are free"
    yield f"memory: {held or 'not known on this system'}"


def findings_of_room(trial: Trial, out: Path, kept: int) -> Iterator[Finding]:
    """Compare what the run needs with what is there."""
    free, needed = disk_free(out), disk_needed(trial.checkpoint, kept)
    if free is not None and needed > free:
        yield problem(
            f"the run needs up to {_size(needed)} on the disk, and {_existing(out)} has {_size(free)} free",
            "make room, keep fewer steps, or give another --out",
        )
    elif free is not None and needed > TIGHT * free:
        yield warning(f"the run needs up to {_size(needed)} of the {_size(free)} that are free", "make room")


def disk_free(out: Path) -> int | None:
    """Return the free bytes where a folder would be written. None: the file system does not say."""
    try:
        return shutil.disk_usage(_existing(out)).free
    except OSError:
        return None


def memory_free() -> int | None:
    """Return the free bytes of the machine's memory. None: the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _existing(out: Path) -> Path:
    return next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())


def _size(number: int) -> str:
    if number < 1024 * MEBIBYTE:
        return f"{math.ceil(number / MEBIBYTE):,} MiB"
    return f"{number / 2**30:,.1f} GiB"
