"""The data set as training and evaluation see it: a folder of arrays, opened without reading the pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._digests import (
    SEAL,
    array_digest,
    dataset_fingerprint,
    sealed,
    shards_digest,
    texts_digest,
)
from examples.anime_faces.data._layout import (
    FACTORS_FOLDER,
    IMAGES_FILE,
    INFO_FILE,
    LABELS_FILE,
    SKIPPED_FILE,
    TEXTS_FILE,
    damaged,
    read_array,
    read_factors,
    read_info,
    read_skipped,
    read_texts,
)
from examples.anime_faces.data._sharded import SHARDS_ENTRY, ShardedImages, open_images
from examples.anime_faces.data._texts import texts_of_flags, texts_of_labels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Pictures and labels in a folder that ``prepare`` wrote; the pictures stay on disk until they are indexed.

    Args:
        path: The folder.
        images: uint8 ``(n, size, size, 3)``, red, green, blue, memory-mapped and read-only.
        labels: uint8 ``(n, sum of classes)``, 1 where a picture has the class. The columns of one attribute are adjacent.
        attributes: What the columns of ``labels`` mean; empty for an unlabeled data set.
        kind: ``rendered``, ``unlabeled``, ``classes``, ``table``, ``tags`` or ``joined``.
        factors: For rendered faces, the exact values of everything visible, each ``(n, ...)``; empty for own pictures.
        skipped: The files that were not used, as ``{"file": ..., "reason": ...}``.
        info: The contents of dataset.json.
        own_texts: The text of each picture. None: nothing but its labels is known.
    """

    path: Path
    images: np.ndarray
    labels: np.ndarray
    attributes: tuple[Attribute, ...]
    kind: str
    factors: Mapping[str, np.ndarray]
    skipped: tuple[Mapping[str, str], ...]
    info: Mapping[str, Any]
    own_texts: tuple[str, ...] | None = None

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the data set in the folder ``path``; all but its pictures are read, and compared with their digests.

        Raises:
            ValueError: There is no data set, it has another layout, or its files have changed or do not fit together.
        """
        path = Path(path)
        info = read_info(path)
        try:
            dataset = cls(
                path=path,
                images=open_images(path, info),
                labels=read_array(path / LABELS_FILE),
                attributes=tuple(Attribute(entry["name"], tuple(entry["classes"])) for entry in info["attributes"]),
                kind=info["kind"],
                factors=read_factors(path, info),
                skipped=read_skipped(path),
                info=info,
                own_texts=read_texts(path, info),
            )
            dataset._check()
            dataset._refuse_changes(dataset._digests_without_pictures())
        except (OSError, ValueError, KeyError, TypeError, MemoryError) as error:
            raise ValueError(damaged(path, error)) from error
        return dataset

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> int:
        """Width and height of the pictures."""
        return self.info["size"]

    @property
    def is_sharded(self) -> bool:
        """Whether the pictures are in shards."""
        return SHARDS_ENTRY in self.info

    @property
    def is_gray(self) -> bool:
        """Whether the colors were taken out of the pictures: their three channels are equal."""
        return bool(self.info.get("gray", False))

    @property
    def can_be_judged(self) -> bool:
        """Whether these are rendered faces in color, which a judge network can read."""
        return self.kind == "rendered" and not self.is_gray

    @property
    def fingerprint(self) -> str:
        """The sha256 of all pictures, labels, factors and texts. Equal data sets have equal fingerprints."""
        return self.info["fingerprint"]

    def class_ids(self) -> np.ndarray:
        """Return the class ids, int64 ``(n, attributes)``; -1 where a picture has no class of an attribute, or several."""
        ids = np.full((len(self.labels), len(self.attributes)), -1, dtype=np.int64)
        start = 0
        for column, attribute in enumerate(self.attributes):
            block = self.labels[:, start : start + len(attribute.classes)]
            clear = block.sum(axis=1, dtype=np.int64) == 1
            ids[clear, column] = block[clear].argmax(axis=1)
            start += len(attribute.classes)
        return ids

    def class_ids_of(self, attributes: Sequence[Attribute]) -> np.ndarray:
        """Return the class ids as other attributes number them, such as those of a run; -1 where there is no class.

        Args:
            attributes: Attributes with at least the classes of this data set.

        Raises:
            ValueError: This data set has an attribute or a class that they lack.
        """
        own, ids = self.class_ids(), np.full((len(self.labels), len(attributes)), -1, dtype=np.int64)
        places = {attribute.name: place for place, attribute in enumerate(attributes)}
        for column, attribute in enumerate(self.attributes):
            known = attributes[places[attribute.name]].classes if attribute.name in places else ()
            unknown = [name for name in attribute.classes if name not in known]
            if unknown:
                raise ValueError(
                    f"{self.path} has the class {unknown[0]!r} of {attribute.name!r}, which is not known there"
                )
            new_ids = np.array([*map(known.index, attribute.classes), -1])  # the last one for -1
            ids[:, places[attribute.name]] = new_ids[own[:, column]]
        return ids

    def texts(self, *, all_tags: bool = True) -> list[str]:
        """Return the text of each picture; empty where nothing is known about it.

        Args:
            all_tags: Use all tags where the data set has more than labels: the tags of a tag file, or the extra tags of a
                rendered face, which describe nothing visible and follow the phrases of its colors. False, or a data set
                with labels alone: the text is made of the phrases of the classes, such as ``blue hair red eyes``.
        """
        if all_tags and self.own_texts is not None:
            return list(self.own_texts)
        texts = texts_of_labels(self.labels, self.attributes)
        extra = self.factors.get("extra_tags")
        if not all_tags or extra is None:
            return texts
        more = texts_of_flags(extra, self.info["extra_tags"])
        return [f"{text} {tags}".strip() for text, tags in zip(texts, more, strict=True)]

    def verify(self) -> None:
        """Read every byte of the pictures too, and compare it with the fingerprint.

        Of pictures in shards, the sizes of all and the bytes of the first are compared; the others are when they are read.

        Raises:
            ValueError: A file has changed since it was written.
        """
        digests = self._digests_without_pictures()
        if isinstance(self.images, ShardedImages):
            self.images.check_files()
            digests["shards"] = shards_digest(self.info[SHARDS_ENTRY])
        else:
            digests["images"] = array_digest(self.images)
        try:
            self._refuse_changes(digests, fingerprint=dataset_fingerprint(self.attributes, digests))
        except ValueError as error:
            raise ValueError(damaged(self.path, error)) from error

    def _digests_without_pictures(self) -> dict[str, str]:
        arrays = {"labels": self.labels, **{f"factors/{name}": values for name, values in self.factors.items()}}
        digests = {name: array_digest(array) for name, array in arrays.items()}
        return digests if self.own_texts is None else digests | {"texts": texts_digest(self.own_texts)}

    def _refuse_changes(self, digests: Mapping[str, str], *, fingerprint: str | None = None) -> None:
        changed = [name for name, digest in digests.items() if self.info["sha256"].get(name) != digest]
        if changed:
            have = "have changed since they were" if len(changed) > 1 else "has changed since it was"
            raise ValueError(f"{', '.join(changed)} {have} written")
        is_sealed = (
            SEAL not in self.info or sealed(self.info) == self.info
        )  # data sets of earlier versions have no seal
        if not is_sealed or fingerprint not in (None, self.fingerprint):
            raise ValueError(f"{INFO_FILE} has changed since it was written")

    def _check(self) -> None:
        count, size = self.info["counts"]["used"], self.size
        if not 0 < size <= _LARGEST:
            raise ValueError(f"{INFO_FILE}: size must be at least 1, and at most {_LARGEST:,}, but it is {size}")
        columns = sum(len(attribute.classes) for attribute in self.attributes)
        _check_bytes(IMAGES_FILE, self.images, (count, size, size, 3))
        _check_bytes(LABELS_FILE, self.labels, (count, columns))
        if self.labels.size and self.labels.max() > 1:
            row = int(np.argmax(self.labels.max(axis=1) > 1))
            raise ValueError(f"{LABELS_FILE} must be 0 and 1, got {self.labels[row].max()} in row {row}")
        for name, values in self.factors.items():
            if values.ndim == 0 or len(values) != count:
                raise ValueError(f"{FACTORS_FOLDER}/{name}.npy must have {count} rows, got {values.shape}")
        if len(self.skipped) != self.info["counts"]["skipped"]:
            skipped = self.info["counts"]["skipped"]
            raise ValueError(f"{SKIPPED_FILE} must have {skipped} lines, got {len(self.skipped)}")
        if self.own_texts is not None and len(self.own_texts) != count:
            raise ValueError(f"{TEXTS_FILE} must have {count} lines, got {len(self.own_texts)}")


_LARGEST = 1 << 16
"""Width and height of a picture."""


def _check_bytes(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.uint8:
        raise ValueError(f"{name} must be uint8 {shape}, got {array.dtype} {array.shape}")


@lru_cache(maxsize=4)
def _verified(path: Path, version: tuple[int, ...]) -> Dataset:
    del version
    dataset = Dataset.open(path)
    dataset.verify()
    return dataset


def open_verified(path: Path) -> Dataset:
    """Open a data set and compare all of its bytes with their digests, again only where a file was written since.

    Raises:
        ValueError: There is no data set, or it has changed since it was written.
    """
    files = [path / name for name in (INFO_FILE, IMAGES_FILE, LABELS_FILE)]
    there = [one.stat() for one in files if one.exists()]
    return _verified(path, tuple(part for one in there for part in (one.st_ino, one.st_mtime_ns, one.st_size)))
