"""What may be written at a place: the same data set, another one, or nothing, so that nobody's files are lost."""

import json
import os
import shutil
from collections.abc import Mapping
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
from examples.anime_faces.files import TEMPORARY
from examples.anime_faces.links import refuse_dead_link

_OWN_FILES = {IMAGES_FILE, INFO_FILE, LABELS_FILE, SKIPPED_FILE, TEXTS_FILE}
_OF_THE_SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini"}
_OWN_FOLDERS = {FACTORS_FOLDER: ".npy", MEASURED_FOLDER: ".safetensors", SHARDS_FOLDER: ".tar"}
"""The folders of a data set, and how the names of all their files end."""
_FILES_OF_A_RUN = {"settings.json", "log.jsonl", "system.txt", "system.json", "metrics.json", "report.html", "run.lock"}
_FILES_OF_A_RUN |= {"run.owner", "losses.csv", "losses.png", "profile.png", "profile.json", "losses.legend.txt"}
_FILES_OF_A_RUN |= {f"{sheet}{ending}" for sheet in ("samples", "strip", "table") for ending in (".png", ".legend.txt")}
_FOLDERS_OF_A_RUN = {"checkpoints", "grids", "kept", "data"}
"""Of a run and of a demo: a command that was refused, stopped or repeated leaves some of them."""
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
        ValueError: The data set there was made with other settings, which the message names, or has changed since.
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
    dataset.verify()
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
    refuse_dead_link(out, "--out")
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
            inside = [one for one in inside if not TEMPORARY.fullmatch(one.name)]  # what a killed `evaluate` has left
            names += [f"{path.name}/{one.name}" for one in inside if one.suffix != ending or not one.is_file()]
    return names


def check_apart_from_data(out: Path) -> None:
    """Check, before any work, that a run would not be mixed with a data set.

    Raises:
        ValueError: ``out`` is the folder of a data set, a file, or a link to nothing.
    """
    refuse_dead_link(out, "--out")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, but {out} is a file")
    if is_dataset(out):
        raise ValueError(
            f"--out must be a folder of its own, for the run, but {out} contains a data set; name another --out"
        )


def check_place_of_run(out: Path) -> None:
    """Check, before any work, that a run would not be mixed with a data set or with somebody's files, such as pictures.

    A folder that is missing or empty is fine, and so is one with a run, or with what a refused or stopped command left.

    Raises:
        ValueError: ``out`` is the folder of a data set, or holds files that are not of a run.
    """
    check_apart_from_data(out)
    if not out.is_dir() or (out / "settings.json").is_file() or any((out / "checkpoints").glob("checkpoint-*.pt")):
        return
    others = [f"{path.name}/" if path.is_dir() else path.name for path in sorted(out.iterdir()) if _is_strange(path)]
    if others:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        raise ValueError(
            f"--out must be a new or empty folder, or that of a run, but {out} contains other files: "
            f"{', '.join(others[:_MOST_NAMED])}{more}; name another --out"
        )


def _is_strange(path: Path) -> bool:
    """Whether a file or folder is neither of a run nor hidden nor of the system, nor unfinished work of a killed program."""
    if path.name.startswith(".") or path.name in _OF_THE_SYSTEM or TEMPORARY.fullmatch(path.name):
        return False
    if path.is_dir():
        return path.name not in _FOLDERS_OF_A_RUN
    return path.name not in _FILES_OF_A_RUN and path.suffix != ".log"  # `train --out X > X/train.log`


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
