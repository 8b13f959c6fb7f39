"""What a data set can be made of: a list of pictures in a folder, each with its labels."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from examples.anime_faces.data._attribute import Attribute

_DIGITS = re.compile("([0-9]{1,18})")

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""Endings of picture files, the one to be preferred first. Whether a file is a picture is seen from its content."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that may become a picture of the data set.

    Args:
        name: the file, relative to the folder, parts separated by ``/``.
        columns: the columns of the labels that are 1.
        text: what is written about it, where the source has more than its labels.
    """

    name: str
    columns: frozenset[int] = frozenset()
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Pictures and labels, before any picture is read.

    Args:
        kind: ``unlabeled``, ``classes``, ``table`` or ``tags``.
        root: the folder.
        attributes: what the columns of the labels mean.
        pictures: the files to read, in the order of the data set.
        skipped: files that are not read, with the reason.
        notes: what else a user should know, each with how often it occurred.
        labels: the file that the labels come from.
    """

    kind: str
    root: Path
    attributes: tuple[Attribute, ...] = ()
    pictures: Sequence[Picture]
    skipped: Sequence[Mapping[str, str]] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    labels: Path | None = None

    def digest(self) -> str:
        """Return a sha256 of the labels and of the names, sizes and dates of all files; it changes when they do."""
        digest = hashlib.sha256(repr((self.kind, self.attributes, self.skipped)).encode("utf-8", "surrogateescape"))
        for picture in self.pictures:
            line = (picture.name, sorted(picture.columns), *_stamp(self.root / picture.name))
            digest.update(repr(line).encode("utf-8", "surrogateescape"))
            if picture.text is not None:
                digest.update(repr(picture.text).encode("utf-8"))
        return digest.hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)


def natural_order(name: str) -> tuple[tuple[tuple[str, int], ...], str]:
    """Return a sort key under which ``9.jpg`` stands before ``10.jpg``; different names have different keys.

    Example:
        >>> sorted(["10.jpg", "9.jpg", "a.jpg"], key=natural_order)
        ['9.jpg', '10.jpg', 'a.jpg']
    """
    parts = _DIGITS.split(name)
    return tuple(zip(parts[::2], [*map(int, parts[1::2]), -1], strict=True)), name
