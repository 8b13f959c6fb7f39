"""The files of a data set, and how they are read: whatever they hold, there is a record or one error that names the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from examples.anime_faces.data._arguments import command_line
from examples.anime_faces.data._arrays import read_array
from examples.anime_faces.files import TooLongError
from examples.anime_faces.lines import lines_of
from examples.anime_faces.records import ANY, RecordError, read_record, read_records

MOST_NAMED = 5
SCHEMA = 1
"""Version of the folder's layout; `Dataset.open` refuses every other."""

INFO_FILE = "dataset.json"
IMAGES_FILE = "images.npy"
LABELS_FILE = "labels.npy"
SKIPPED_FILE = "skipped.jsonl"
TEXTS_FILE = "texts.txt"
FACTORS_FOLDER = "factors"
MEASURED_FOLDER = "measured"
"""What `evaluate` keeps there of the real pictures."""

FORM = {
    "schema": int,
    "kind": str,
    "size": int,
    "attributes": [{"name": str, "classes": [str]}],
    "factors": [str],
    "counts": {"found": int, "used": int, "skipped": int},
    "settings": dict,
    "sha256": {ANY: str},
    "fingerprint": str,
    "gray?": bool,
    "extra_tags?": [str],
    "skipped_by_reason?": {ANY: int},
    "converted?": {ANY: int},
    "notes?": {ANY: int},
    "sources?": [{"folder": str, "pictures": int}],
    "shards?": [{"pictures": int, "bytes?": int, "sha256": str}],
    "seal?": str,
}
"""What `dataset.json` holds."""
SKIPPED = {"file": str, "reason": str}
"""A line of `skipped.jsonl`."""


def is_dataset(path: Path) -> bool:
    """Return whether the folder contains a data set, of any layout."""
    return (path / INFO_FILE).is_file()


def read_info(path: Path) -> dict[str, Any]:
    """Return the contents of dataset.json.

    Raises:
        ValueError: There is no data set, it is damaged, or it has another layout.
    """
    if not is_dataset(path):
        raise ValueError(f"no data set in {path}: {_what_to_do(path)}")
    try:
        schema = read_record(path / INFO_FILE, {"schema": int})["schema"]
        if schema == SCHEMA:
            return read_record(path / INFO_FILE, FORM)
    except (OSError, ValueError) as error:
        raise ValueError(damaged(path, error, INFO_FILE)) from error
    raise ValueError(f"the data set in {path} has layout {schema}, this program reads {SCHEMA}: prepare it again")


def _what_to_do(path: Path) -> str:
    """Return how a folder that is no data set leads to one: it may hold pictures or a run, be empty, or not be there."""
    try:
        files = [one for one in path.iterdir() if not one.name.startswith(".")] if path.is_dir() else []
    except OSError:
        files = []
    if (path / "settings.json").is_file():
        data = (
            f"; its data set is {path / 'data'}"
            if is_dataset(path / "data")
            else "; name the one that it was trained on"
        )
        return f"it is the folder of a run{data}"
    if within := [one for one in sorted(files) if is_dataset(one)]:
        return f"below it is {' and '.join(map(str, within[:MOST_NAMED]))}"
    if files:
        return f"if it holds your pictures, make one with `{_prepare('--images', str(path), '--out', 'data/mine')}`"
    return f"make one with `{_prepare('--out', str(path))}`"


def _prepare(*options: str) -> str:
    return command_line(["prepare", *options])


def damaged(path: Path, error: Exception, name: str = "") -> str:
    """Return in words what is wrong with a data set.

    Args:
        path: Its folder.
        error: What was found.
        name: The file where it was found, if the error does not say it.
    """
    of = Path(error.filename).name if isinstance(error, OSError) and error.filename else ""
    of = of if of.isprintable() else repr(of)  # the name may come from the damaged file
    if isinstance(error, FileNotFoundError) and of:
        wrong = f"{of} is missing"
    elif isinstance(error, OSError) and of:
        wrong = f"{of}: {error.strerror}"
    elif isinstance(error, MemoryError):
        wrong = "it does not fit into the memory of this computer"
    else:
        wrong = f"{name}: {error}" if name and name not in str(error) else str(error)
    return f"the data set in {path} is damaged, prepare it again with --overwrite: {wrong}"


def read_factors(path: Path, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the factors by name.

    Raises:
        ValueError: One is damaged, or a name leads out of the folder.
        OSError: One cannot be read.
    """
    names: list[str] = info["factors"]
    for name in names:
        if Path(name).name != name or "\0" in name:
            raise ValueError(f"{INFO_FILE} names the factor {name!r}, which is no name of a file")
    return {name: read_array(path / FACTORS_FOLDER / f"{name}.npy") for name in names}


def read_skipped(path: Path) -> tuple[Mapping[str, str], ...]:
    """Return the files that were not used, and why.

    Raises:
        ValueError: The list is damaged.
        OSError: It cannot be read.
    """
    try:
        return tuple(read_records(path / SKIPPED_FILE, SKIPPED))
    except RecordError as error:
        raise ValueError(f"{SKIPPED_FILE}, {error}") from error


def read_texts(path: Path, info: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the texts; None for data sets with labels alone, and for those written before texts were kept.

    Raises:
        ValueError: The file is damaged.
        OSError: It cannot be read.
    """
    if "texts" not in info["sha256"]:
        return None
    texts: list[str] = []
    try:
        for number, line in enumerate(lines_of(path / TEXTS_FILE), start=1):
            if not line.endswith(b"\n"):
                raise ValueError(f"{TEXTS_FILE} is cut off")
            if number > info["counts"]["used"]:
                raise ValueError(f"{TEXTS_FILE} has more lines than there are pictures, {info['counts']['used']}")
            texts.append(line[:-1].decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{TEXTS_FILE}, line {len(texts) + 1}: byte {error.start + 1} is not UTF-8") from error
    except TooLongError as error:
        raise ValueError(f"{TEXTS_FILE}, {error}") from error
    return tuple(texts)
