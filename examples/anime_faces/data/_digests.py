"""Digests of what a data set is made of."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.records import RecordError, check_size

_ROWS_AT_ONCE = 4096
SEAL = "seal"


def array_digest(array: np.ndarray) -> str:
    """Return the sha256 of an array's values in C order, read a block of rows at a time."""
    digest = hashlib.sha256()
    for start in range(0, len(array), _ROWS_AT_ONCE):
        digest.update(np.ascontiguousarray(array[start : start + _ROWS_AT_ONCE]).tobytes())
    return digest.hexdigest()


def texts_digest(texts: Sequence[str]) -> str:
    """Return the sha256 of the texts, one on each line."""
    return hashlib.sha256("".join(f"{text}\n" for text in texts).encode("utf-8", "backslashreplace")).hexdigest()


def dataset_fingerprint(attributes: Sequence[Attribute], digests: Mapping[str, str]) -> str:
    """Return the sha256 of the attributes and of the digests of all arrays and texts."""
    names = [[attribute.name, list(attribute.classes)] for attribute in attributes]
    text = json.dumps([names, sorted(digests.items())], ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def shards_digest(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the sha256 of what is known of all shards: their numbers of pictures and their digests."""
    return hashlib.sha256(json.dumps([[one["pictures"], one["sha256"]] for one in entries]).encode()).hexdigest()


def sealed(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of dataset.json with the sha256 of all of them, as its last entry."""
    plain = {name: value for name, value in info.items() if name != SEAL}
    text = json.dumps(plain, ensure_ascii=True, sort_keys=True)
    return {**plain, SEAL: hashlib.sha256(text.encode("ascii")).hexdigest()}


def sealed_text(info: Mapping[str, Any]) -> str:
    """Return the text of dataset.json with its seal.

    Raises:
        ValueError: It is so long that it could not be read again.
    """
    text = json.dumps(sealed(info), ensure_ascii=False, indent=2) + "\n"
    try:
        check_size(text)
    except RecordError as error:
        raise ValueError(f"the labels have too many attributes and classes for dataset.json: {error}") from error
    return text
