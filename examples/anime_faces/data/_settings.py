"""Recognizing a data set that was made with the same settings before."""

import json
from collections.abc import Mapping
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
