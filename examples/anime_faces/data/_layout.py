"""The files of a data set, and how they are read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

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


def is_dataset(path: Path) -> bool:
    """Return whether the folder contains a data set, of any layout."""
    return (path / INFO_FILE).is_file()


def read_info(path: Path) -> dict[str, Any]:
    """Return the contents of dataset.json.

    Raises:
        ValueError: There is no data set, it is damaged, or it has another layout.
    """
    if not is_dataset(path):
        raise ValueError(f"no data set in {path}: make one with `python -m examples.anime_faces prepare --out {path}`")
    try:
        info = json.loads((path / INFO_FILE).read_text(encoding="utf-8"))
        schema = info["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(damaged(path, error)) from error
    if schema != SCHEMA:
        raise ValueError(f"the data set in {path} has layout {schema}, this program reads {SCHEMA}: prepare it again")
    return info


def damaged(path: Path, error: Exception) -> str:
    """Return in words what is wrong with a data set."""
    if isinstance(error, FileNotFoundError) and error.filename:
        wrong = f"{Path(error.filename).name} is missing"
    elif isinstance(error, OSError) and error.filename:
        wrong = f"{Path(error.filename).name}: {error.strerror}"
    elif isinstance(error, json.JSONDecodeError):
        wrong = f"line {error.lineno} of its JSON cannot be read"
    elif isinstance(error, KeyError | TypeError):
        wrong = (
            f"{INFO_FILE} lacks {error.args[0]!r}" if isinstance(error, KeyError) else f"{INFO_FILE} has wrong entries"
        )
    else:
        wrong = str(error)
    return f"the data set in {path} is damaged, prepare it again with --overwrite: {wrong}"


def read_array(path: Path, mmap_mode: Literal["r"] | None = None) -> np.ndarray:
    """Return an array; nothing but numbers is read.

    Raises:
        ValueError: The file is cut off, or holds something else.
    """
    try:
        return np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path.name} is cut off, or is not an array") from error


def read_factors(path: Path, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the factors by name."""
    names: list[str] = info["factors"]
    return {name: read_array(path / FACTORS_FOLDER / f"{name}.npy") for name in names}


def read_skipped(path: Path) -> tuple[Mapping[str, str], ...]:
    """Return the files that were not used, and why."""
    lines = (path / SKIPPED_FILE).read_text(encoding="utf-8").split("\n")
    return tuple(json.loads(line) for line in lines if line)


def read_texts(path: Path, info: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the texts; None for data sets with labels alone, and for those written before texts were kept."""
    if "texts" not in info["sha256"]:
        return None
    *lines, rest = (path / TEXTS_FILE).read_text(encoding="utf-8").split("\n")
    if rest:
        raise ValueError(f"{TEXTS_FILE} is cut off")
    return tuple(lines)
