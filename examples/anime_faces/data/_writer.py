"""Writing a data set row by row, so that its pictures need not fit into memory."""

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._digests import array_digest, dataset_fingerprint, sealed_text, texts_digest
from examples.anime_faces.data._layout import (
    FACTORS_FOLDER,
    INFO_FILE,
    LABELS_FILE,
    SCHEMA,
    SKIPPED_FILE,
    TEXTS_FILE,
)
from examples.anime_faces.data._sharded import IMAGES_FILE

Watch: TypeAlias = Callable[[int, int, np.ndarray], None]
"""Is called with the number of pictures done, the number of all, and some pictures ``(k, size, size, 3)`` of those done."""


def watch_nothing(done: int, total: int, images: np.ndarray) -> None:
    """Do nothing: for data sets whose writing nobody watches."""
    del done, total, images


class DatasetWriter:
    """Writes the files of a data set into a folder; a context manager.

    The pictures are appended to a plain file, and the header of the array is completed at the end. The number of pictures need
    not be known in advance, and a full disk raises an error here instead of crashing a memory map.

    Args:
        folder: An empty folder.
        size: Width and height of the pictures.
        attributes: What the columns of the labels mean.
    """

    def __init__(self, folder: Path, *, size: int, attributes: Sequence[Attribute]) -> None:
        self._folder = folder
        self._size = size
        self._attributes = tuple(attributes)
        self._columns = sum(len(attribute.classes) for attribute in attributes)
        self._count = 0
        self._labels: list[np.ndarray] = []
        self._factors: dict[str, list[np.ndarray]] = {}
        self._texts: list[str] = []
        self._digest = hashlib.sha256()
        self._file = (folder / IMAGES_FILE).open("xb")
        self._header_length = self._write_header()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        factors: Mapping[str, np.ndarray] | None = None,
        *,
        texts: Sequence[str] | None = None,
    ) -> None:
        """Append pictures.

        Args:
            images: uint8 ``(k, size, size, 3)``.
            labels: uint8 ``(k, sum of classes)`` of 0 and 1.
            factors: Arrays ``(k, ...)``, with the same names in every call.
            texts: ``k`` lines of text, in every call or in none.
        """
        count = len(images)
        assert texts is None or (len(texts) == count and not any("\n" in text for text in texts))
        assert images.shape == (count, self._size, self._size, 3)
        assert images.dtype == np.uint8
        assert labels.shape == (count, self._columns)
        data = images.tobytes()
        self._file.write(data)
        self._digest.update(data)
        self._labels.append(labels.astype(np.uint8))
        for name, values in (factors or {}).items():
            self._factors.setdefault(name, []).append(values)
        self._texts += texts or []
        self._count += count
        assert len(self._texts) in (0, self._count)

    def drop_empty_classes(self) -> tuple[Attribute, ...]:
        """Leave out the classes that no picture has, and attributes without any class; return the classes left out."""
        labels = np.concatenate(self._labels) if self._labels else np.zeros((0, self._columns), np.uint8)
        used: np.ndarray = labels.sum(axis=0, dtype=np.int64) > 0
        ends = itertools.accumulate(len(attribute.classes) for attribute in self._attributes)
        parts = [used[end - len(one.classes) : end] for one, end in zip(self._attributes, ends, strict=True)]
        self._labels, self._columns = [labels[:, used]], int(used.sum())
        left_out = _with_classes(self._attributes, [~part for part in parts])
        self._attributes = _with_classes(self._attributes, parts)
        return left_out

    def pictures_of_classes(self) -> list[tuple[Attribute, list[int]]]:
        """Return the number of pictures of each class of each attribute."""
        counts = (
            np.sum([part.sum(axis=0, dtype=np.int64) for part in self._labels], axis=0).tolist() if self._labels else []
        )
        ends = itertools.accumulate(len(attribute.classes) for attribute in self._attributes)
        return [(one, counts[end - len(one.classes) : end]) for one, end in zip(self._attributes, ends, strict=True)]

    def finish(
        self,
        *,
        kind: str,
        settings: Mapping[str, Any],
        skipped: Sequence[Mapping[str, str]] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write everything that is known only at the end; dataset.json comes last.

        Args:
            kind: What the data set was made from, one of the kinds that `Dataset` lists.
            settings: The settings that it was made with.
            skipped: The files that were not used, and why.
            details: Further entries of dataset.json.
        """
        self._file.seek(0)
        header_length = self._write_header()
        assert header_length == self._header_length
        self._file.close()
        digests = {
            "images": self._digest.hexdigest(),
            **self._write_labels(),
            **self._write_factors(),
            **self._write_texts(),
        }
        _write_text(
            self._folder / SKIPPED_FILE, "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in skipped)
        )
        info = {
            "schema": SCHEMA,
            "kind": kind,
            "size": self._size,
            "attributes": [{"name": item.name, "classes": list(item.classes)} for item in self._attributes],
            "factors": sorted(self._factors),
            "counts": {"found": self._count + len(skipped), "used": self._count, "skipped": len(skipped)},
            **(details or {}),
            "settings": dict(settings),
            "sha256": digests,
            "fingerprint": dataset_fingerprint(self._attributes, digests),
        }
        _write_text(self._folder / INFO_FILE, sealed_text(info))

    def _write_header(self) -> int:
        """Write the array header for the rows so far. NumPy pads it, so its length does not depend on their number."""
        shape = (self._count, self._size, self._size, 3)
        np.lib.format.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        return self._file.tell()

    def _write_labels(self) -> dict[str, str]:
        labels = np.concatenate(self._labels) if self._labels else np.zeros((0, self._columns), np.uint8)
        np.save(self._folder / LABELS_FILE, labels, allow_pickle=False)
        return {"labels": array_digest(labels)}

    def _write_factors(self) -> dict[str, str]:
        folder = self._folder / FACTORS_FOLDER
        digests = {}
        for name, parts in self._factors.items():
            folder.mkdir(exist_ok=True)
            values = np.concatenate(parts)
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
            digests[f"factors/{name}"] = array_digest(values)
        return digests

    def _write_texts(self) -> dict[str, str]:
        if not self._texts:
            return {}
        _write_text(self._folder / TEXTS_FILE, "".join(f"{text}\n" for text in self._texts))
        return {"texts": texts_digest(self._texts)}


def _with_classes(attributes: Sequence[Attribute], wanted: Sequence[np.ndarray]) -> tuple[Attribute, ...]:
    kept = [
        replace(attribute, classes=tuple(itertools.compress(attribute.classes, part.tolist())))
        for attribute, part in zip(attributes, wanted, strict=True)
    ]
    return tuple(attribute for attribute in kept if attribute.classes)


def _write_text(path: Path, text: str) -> None:
    # Names of files may contain bytes that are not text (surrogates): they are escaped, not refused.
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
