"""What a data set can be made of: a list of pictures in a folder, without labels or with a class for each subfolder."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from examples.anime_faces.data._attributes import Attribute, clean_name

_DIGITS = re.compile("([0-9]{1,18})")

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""Endings of picture files, the preferred one first. Whether a file is a picture is decided by its contents."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that may become a picture of the data set.

    Args:
        name: The file, relative to the folder; its parts are separated by ``/``.
        columns: The columns of the labels that are 1 for this picture.
        text: A text about it. None: nothing but its labels is known.
    """

    name: str
    columns: frozenset[int] = frozenset()
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Pictures and labels, before any picture is read.

    Args:
        kind: ``unlabeled``, ``classes``, ``table`` or ``tags``.
        root: The folder.
        attributes: What the columns of the labels mean.
        pictures: The files to read, in the order of the data set.
        skipped: Files that are not read, with the reason.
        notes: What else a user should know, each with the number of times it occurred.
        labels: The file with the labels. None: the labels come from the folders.
    """

    kind: str
    root: Path
    attributes: tuple[Attribute, ...] = ()
    pictures: Sequence[Picture]
    skipped: Sequence[Mapping[str, str]] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    labels: Path | None = None

    def digest(self) -> str:
        """Return a sha256 of the labels and of the names, sizes and dates of all files; it changes when one of them does."""
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
    """Return a sort key by which ``9.jpg`` comes before ``10.jpg``; different names have different keys.

    Example:
        >>> sorted(["10.jpg", "9.jpg", "a.jpg"], key=natural_order)
        ['9.jpg', '10.jpg', 'a.jpg']
    """
    parts = _DIGITS.split(name)
    return tuple(zip(parts[::2], [*map(int, parts[1::2]), -1], strict=True)), name


class Listing(NamedTuple):
    """The files of a folder and its subfolders, in natural order, and what was left out."""

    names: list[str]
    skipped: list[Mapping[str, str]]


def list_files(root: Path, *, leave_out: Path | None = None) -> Listing:
    """List all files under ``root`` except hidden ones (``.name``). Links to folders are not followed.

    Args:
        root: The folder.
        leave_out: A file that is not meant to be a picture, such as the one with the labels.

    Raises:
        ValueError: There is no such folder.
    """
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}")
    listing = Listing([], [])
    _list_into(listing, root, "", leave_out.resolve() if leave_out else None)
    listing.names.sort(key=natural_order)
    listing.skipped.sort(key=lambda entry: natural_order(entry["file"]))
    return listing


def _list_into(listing: Listing, folder: Path, prefix: str, leave_out: Path | None) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        listing.skipped.append({"file": prefix, "reason": "a folder that may not be read"})
        return
    for entry in entries:
        name = prefix + entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if _named_as_picture(name):
                listing.skipped.append({"file": name, "reason": "a folder"})
            else:
                _list_into(listing, Path(entry.path), f"{name}/", leave_out)
        elif entry.is_dir():
            listing.skipped.append({"file": name, "reason": "a link to a folder"})
        elif leave_out is None or Path(entry.path).resolve() != leave_out:
            listing.names.append(name)


def unlabeled_source(root: Path) -> Source:
    """Return all pictures under ``root`` without labels.

    Raises:
        ValueError: There is no such folder.
    """
    names, skipped = list_files(root)
    return Source(kind="unlabeled", root=root, pictures=[Picture(name) for name in names], skipped=skipped)


def folder_source(root: Path) -> Source:
    """Return the pictures under ``root``, each labeled by its subfolder; without labels if there are no subfolders.

    Raises:
        ValueError: There is no such folder, or there are pictures both in it and in its subfolders: then the user must say
            whether the subfolders are classes.
    """
    names, skipped = list_files(root)
    inside = [name for name in names if "/" in name]
    if not any(_looks_like_picture(name) for name in inside):
        return unlabeled_source(root)
    loose = [name for name in names if "/" not in name]
    if any(_looks_like_picture(name) for name in loose):
        raise ValueError(
            f"{root} contains pictures and also subfolders with pictures; put every picture into the folder of its class, "
            "or pass --unlabeled to use them all without classes"
        )
    skipped = [*skipped, *({"file": name, "reason": "in the folder of no class"} for name in loose)]
    class_of = {name: clean_name(PurePosixPath(name).parts[0]) for name in inside}
    classes = sorted(set(class_of.values()), key=natural_order)
    columns = {class_name: frozenset({column}) for column, class_name in enumerate(classes)}
    pictures = [Picture(name, columns[class_of[name]]) for name in inside]
    attributes = (Attribute("class", tuple(classes)),)
    return Source(kind="classes", root=root, attributes=attributes, pictures=pictures, skipped=skipped)


def _named_as_picture(name: str) -> bool:
    return name.lower().endswith(PICTURE_ENDINGS)


def _looks_like_picture(name: str) -> bool:
    return _named_as_picture(name) or not PurePosixPath(name).suffix
