"""Pictures in WebDataset shards, as an array whose rows are read when they are needed."""

import hashlib
import io
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from examples.anime_faces.data._arrays import read_array
from examples.anime_faces.data._layout import IMAGES_FILE
from examples.anime_faces.files import check_ordinary

SHARDS_FOLDER, SHARDS_ENTRY = "shards", "shards"
SPREAD = 7  # seeds the order in which pictures are dealt to shards: each shard is a fair sample of all
READERS = 4
KEPT = 4
"""Shards that are kept in memory, unless training requests more."""


def rows_of_shards(count: int, shards: int) -> list[np.ndarray]:
    """Return the rows of each shard, in the order in which they stand there.

    Example:
        >>> [rows.tolist() for rows in rows_of_shards(5, 2)]
        [[2, 0, 4], [1, 3]]
    """
    return np.array_split(np.random.default_rng(SPREAD).permutation(count), shards)


def webdataset_module(name: str) -> Any:
    """Return a module of the package webdataset, which is loaded only where there are shards, since it loads torch.

    Raises:
        ValueError: The package is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError("shards need the package webdataset: pip install webdataset") from error


def shard_name(number: int) -> str:
    """Return the name of the file of a shard."""
    return f"faces-{number:06d}.tar"


def open_images(path: Path, info: Mapping[str, Any]) -> Any:
    """Open the pictures of a data set: the array, which stays on the disk, or the shards."""
    if SHARDS_ENTRY in info:
        return ShardedImages(path, info[SHARDS_ENTRY], info["size"])
    return read_array(path / IMAGES_FILE, is_mapped=True)


@dataclass(slots=True, eq=False)
class ShardedImages:
    """The pictures of a data set in shards, as an array of rows that are read when they are needed.

    A shard is read whole, checked against its digest, and kept as PNG for a while, the last ones that were used.

    Args:
        folder: The folder of the data set.
        entries: The number of pictures and the digest of each shard.
        size: Width and height of the pictures.
    """

    folder: Path
    entries: list[Mapping[str, Any]]
    size: int
    kept: int = KEPT
    shape: tuple[int, ...] = field(init=False)
    nbytes: int = field(init=False)
    dtype: np.dtype = field(init=False)
    shards: np.ndarray = field(init=False)  # of each row
    _places: np.ndarray = field(init=False)
    _read: OrderedDict[int, Future[list[bytes]]] = field(init=False, default_factory=OrderedDict)
    _readers: ThreadPoolExecutor = field(init=False)
    _lock: Any = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        rows = rows_of_shards(sum(entry["pictures"] for entry in self.entries), len(self.entries))
        if [len(own) for own in rows] != [entry["pictures"] for entry in self.entries]:
            raise ValueError("the numbers of pictures in the shards do not fit together")
        count = sum(map(len, rows))
        self.shape, self.dtype = (count, self.size, self.size, 3), np.dtype(np.uint8)
        self.nbytes = 3 * count * self.size**2
        self.shards, self._places = np.empty(count, np.int32), np.empty(count, np.int32)
        for number, own in enumerate(rows):
            self.shards[own], self._places[own] = number, np.arange(len(own))
        self._readers = ThreadPoolExecutor(READERS)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all pictures."""
        del copy
        return self[:] if dtype is None else self[:].astype(dtype)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return the pictures of some rows: a number, a slice or an array of numbers."""
        asked = np.arange(len(self))[rows]
        wanted = np.atleast_1d(asked)
        pictures = np.empty((len(wanted), *self.shape[1:]), np.uint8)  # takes memory where it is written alone
        for shard in dict.fromkeys(self.shards[wanted].tolist()):
            stored = self._shard(shard)
            for index in np.flatnonzero(self.shards[wanted] == shard).tolist():
                pictures[index] = self._decoded(shard, stored[self._places[wanted[index]]])
        return pictures if asked.ndim else pictures[0]

    def read_ahead(self, rows: np.ndarray) -> None:
        """Begin to read the shards of these rows."""
        for shard in dict.fromkeys(self.shards[rows].tolist()):
            self._begun(shard)

    def check_files(self) -> None:
        """Compare the sizes of all shards with what is known of them, and the bytes of the first.

        Raises:
            ValueError: A shard is missing or has changed.
        """
        for number, entry in enumerate(self.entries):
            path = self._path(number)
            if not path.is_file():
                raise ValueError(f"{path} is missing: prepare the data set again with --overwrite")
            if path.stat().st_size != entry.get("bytes", path.stat().st_size):  # earlier versions did not note it
                raise ValueError(_changed(path))
        self._shard(0)

    def _shard(self, shard: int) -> list[bytes]:
        return self._begun(shard).result()

    def _begun(self, shard: int) -> "Future[list[bytes]]":
        with self._lock:
            if shard not in self._read:
                self._read[shard] = self._readers.submit(self._stored, shard)
                while len(self._read) > self.kept:
                    self._read.popitem(last=False)
            self._read.move_to_end(shard)
            return self._read[shard]

    def _path(self, shard: int) -> Path:
        return self.folder / SHARDS_FOLDER / shard_name(shard)

    def _stored(self, shard: int) -> list[bytes]:
        path = self._path(shard)
        check_ordinary(path)
        if path.stat().st_size != self.entries[shard].get("bytes", path.stat().st_size):
            raise ValueError(_changed(path))
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.entries[shard]["sha256"]:
            raise ValueError(_changed(path))
        reading = webdataset_module("webdataset.tariterators")
        try:
            files = reading.tar_file_expander([{"url": path.name, "stream": io.BytesIO(data)}])
            stored = [sample["png"] for sample in reading.group_by_keys(files)]
        except Exception as error:  # tarfile and webdataset raise all kinds of errors on other files
            raise ValueError(_foreign(path, "a picture is missing, or it is no archive")) from error
        if len(stored) != self.entries[shard]["pictures"]:
            raise ValueError(_foreign(path, f"{len(stored)} pictures, not {self.entries[shard]['pictures']}"))
        return stored

    def _decoded(self, shard: int, png: bytes) -> np.ndarray:
        try:
            with warnings.catch_warnings(), Image.open(io.BytesIO(png), formats=("PNG",)) as image:
                warnings.simplefilter(
                    "ignore", Image.DecompressionBombWarning
                )  # its size is compared before it is decoded
                (width, height), mode = image.size, image.mode
                pixels = np.asarray(image) if (width, height, mode) == (self.size, self.size, "RGB") else None
        except Exception as error:  # decoders raise all kinds of errors on damaged files
            raise ValueError(_foreign(self._path(shard), "a picture is damaged or cut off")) from error
        if pixels is None:
            wanted = f"pictures must have {self.size} x {self.size} pixels in three colors"
            raise ValueError(_foreign(self._path(shard), f"{wanted}, but one has {width} x {height} in mode {mode}"))
        return pixels


def _foreign(path: Path, problem: str) -> str:
    return f"{path} is not a shard that this program wrote ({problem}): prepare the data set again with --overwrite"


def _changed(path: Path) -> str:
    return f"{path} has changed since it was written: prepare the data set again with --overwrite"
