"""The published files of the uni-directional skip-thought model."""

import math
import zipfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gankit._core import brief
from gankit.embedders._array_files import (
    check_memory,
    check_numbers,
    check_table,
    count_of,
    map_table,
    open_array,
    read_header,
    read_words,
    shortened,
)
from gankit.embedders._object_rows import read_object_rows

_Array = npt.NDArray[np.floating]


class WordVectors(NamedTuple):
    """A table of vectors, and the row of each word."""

    rows: dict[str, int]
    table: _Array


class RecurrentWeights(NamedTuple):
    """The weights of the recurrence, in the layout of ``nn.GRU``."""

    from_input: _Array
    from_state: _Array
    bias: _Array


def read_word_vectors(words: Path, table: Path) -> WordVectors:
    """Read ``dictionary.txt`` and ``utable.npy``. A repeated word gets its last vector.

    Raises:
        ValueError: A file is missing, truncated or of another format, the two have different lengths, or ``UNK``, the
            word for unknown words, is missing. The error names the file.
    """
    with open_array(table) as file:
        header = read_header(table, file)
        if header.dtype.hasobject:
            vectors = read_object_rows(table, file)
        else:
            check_table(table, header)
            vectors = map_table(table, header, file.tell())
    if header.shape[:1] != (len(vectors),):
        raise ValueError(f"{table} declares the shape {brief(header.shape)}, but has {len(vectors)} rows")
    names = read_words(words, len(vectors))
    if len(names) != len(vectors):
        found = f"got {count_of(names, len(vectors))} words, {len(vectors)} rows"
        raise ValueError(f"{words} must name each row of {table}: {found}")
    rows = {name: row for row, name in enumerate(names)}
    if "UNK" not in rows:
        raise ValueError(f"{words} must contain UNK, the word that stands for unknown words")
    return WordVectors(rows, vectors)


def read_recurrent_weights(path: Path, in_features: int) -> RecurrentWeights:
    """Read the encoder from ``uni_skip.npz``; the other arrays in it, those of the decoders, are not read.

    Args:
        path: The file.
        in_features: Length of a word's vector.

    Raises:
        ValueError: Something is missing, truncated, compressed, or of another shape or type. The error names the file
            and the array.
    """
    with open_array(path) as file:
        try:
            archive = zipfile.ZipFile(file)
            stored = [member for member in archive.infolist() if member.filename.startswith("encoder_")]
            check_memory("it", sum(member.file_size for member in stored))
            arrays = {name: _read_encoder(archive, name) for name in ("W", "U", "b", "Wx", "Ux", "bx")}
        # RuntimeError comes from encrypted archives and from features of the format that zipfile does not support.
        except (ValueError, EOFError, OSError, zipfile.BadZipFile, RuntimeError) as error:
            raise ValueError(
                f"{path} does not contain the weights of a skip-thought encoder, or is truncated: {shortened(error)}"
            ) from error
    size = arrays["bx"].size
    if size == 0:
        raise ValueError(f"{path}: encoder_bx must have one number per feature of the state, got none")
    for name, shape in {
        "W": (in_features, 2 * size),
        "U": (size, 2 * size),
        "b": (2 * size,),
        "Wx": (in_features, size),
        "Ux": (size, size),
        "bx": (size,),
    }.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{path}: encoder_{name} must have shape {shape}, got {arrays[name].shape}")
    # The columns of the gates are reset, then update, like the rows of nn.GRU, where those of the candidate follow.
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{path}: encoder_{name} must be finite, got NaN or infinity")
    return RecurrentWeights(
        from_input=np.concatenate((arrays["W"], arrays["Wx"]), axis=1).T,
        from_state=np.concatenate((arrays["U"], arrays["Ux"]), axis=1).T,
        bias=np.concatenate((arrays["b"], arrays["bx"])),
    )


def _read_encoder(archive: zipfile.ZipFile, name: str) -> _Array:
    key = f"encoder_{name}"
    if f"{key}.npy" not in archive.namelist():
        raise ValueError(f"{key} is missing")
    member = archive.getinfo(f"{key}.npy")
    # NumPy's savez does not compress. A compressed array could take a thousand times the memory of the file.
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{key} must not be compressed: save it with numpy.savez")
    content = BytesIO(archive.read(member))
    header = read_header(key, content)
    check_numbers(key, header)
    place, numbers = content.tell(), math.prod(header.shape)
    held = len(content.getbuffer()) - place
    if held != numbers * header.dtype.itemsize:
        raise ValueError(f"{key} declares the shape {header.shape} of {header.dtype}, but has {held} bytes")
    order = "F" if header.fortran_order else "C"
    return np.frombuffer(content.getbuffer(), header.dtype, numbers, place).reshape(header.shape, order=order)
