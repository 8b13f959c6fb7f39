"""The published files of the uni-directional skip-thought model."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gankit.embedders._array_file import check_table, map_table, open_array, read_header, read_words
from gankit.embedders._object_rows import read_object_rows

_Array = npt.NDArray[np.floating]


class WordVectors(NamedTuple):
    """A table of vectors, and the row of each word."""

    rows: dict[str, int]
    table: _Array


class RecurrentWeights(NamedTuple):
    """The weights of the recurrence, in the layout that ``nn.GRU`` has."""

    from_input: _Array
    from_state: _Array
    bias: _Array


def read_word_vectors(words: Path, table: Path) -> WordVectors:
    """Read ``dictionary.txt`` and ``utable.npy``. A word that comes twice has its last vector.

    Raises:
        ValueError: naming the file, if one is missing, truncated or of another format, the two have different lengths,
            or the vector of unknown words, ``UNK``, is missing.
    """
    names = read_words(words)
    with open_array(table) as file:
        header = read_header(table, file)
        if header.dtype.hasobject:
            vectors = read_object_rows(table, file)
        else:
            check_table(table, header)
            vectors = map_table(table, header, file.tell())
    if header.shape[:1] != (len(vectors),):
        raise ValueError(f"{table} says that it has the shape {header.shape}, but has {len(vectors)} rows")
    if len(names) != len(vectors):
        raise ValueError(f"{words} must name each row of {table}: got {len(names)} words, {len(vectors)} rows")
    rows = {name: row for row, name in enumerate(names)}
    if "UNK" not in rows:
        raise ValueError(f"{words} must hold UNK, the word that stands for unknown ones")
    return WordVectors(rows, vectors)


def read_recurrent_weights(path: Path, in_features: int) -> RecurrentWeights:
    """Read the encoder out of ``uni_skip.npz``; other arrays in it, the decoders', are not touched.

    Args:
        path: the file.
        in_features: the length of a word's vector.

    Raises:
        ValueError: naming the file, and the array, if something is missing, truncated, or of another shape or type.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    try:
        arrays = _encoder_arrays(path)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise ValueError(f"{path} is no weights of a skip-thought encoder, or truncated: {error}") from error
    size = arrays["bx"].size
    for name, shape in {
        "W": (in_features, 2 * size),
        "U": (size, 2 * size),
        "b": (2 * size,),
        "Wx": (in_features, size),
        "Ux": (size, size),
        "bx": (size,),
    }.items():
        if arrays[name].shape != shape or size == 0:
            raise ValueError(f"{path}: encoder_{name} must have shape {shape}, got {arrays[name].shape}")
    # The gates' columns are reset, then update, as the rows of nn.GRU; the candidate's, kept apart here, follow there.
    return RecurrentWeights(
        from_input=np.concatenate((arrays["W"], arrays["Wx"]), axis=1).T,
        from_state=np.concatenate((arrays["U"], arrays["Ux"]), axis=1).T,
        bias=np.concatenate((arrays["b"], arrays["bx"])),
    )


def _encoder_arrays(path: Path) -> dict[str, _Array]:
    with path.open("rb") as file:  # opened here: NumPy leaves a truncated archive open
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it is no archive of arrays")
        return {name: _floating(archive, name) for name in ("W", "U", "b", "Wx", "Ux", "bx")}


def _floating(archive: Mapping[str, npt.NDArray], name: str) -> _Array:
    key = f"encoder_{name}"
    if key not in archive:
        raise ValueError(f"{key} is missing")
    array = archive[key]
    if array.dtype.kind != "f":
        raise ValueError(f"{key} must hold floating-point numbers, got dtype {array.dtype}")
    return array
