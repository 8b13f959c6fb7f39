"""What a data set can be made of: a list of pictures in a folder, without labels or with a class for each subfolder."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._file_names import begins_as_picture, made_by_systems, named_as_picture, natural_order
from examples.anime_faces.data._names import clean_name, similar_names, word_key
from examples.anime_faces.data._numbers import worded
from examples.anime_faces.links import real_path

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
_PARTS = frozenset(
    [
        *("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation", "holdout"),
        *("images", "image", "imgs", "img", "pictures", "labels", "annotations", "masks"),
    ]
)
"""What folders are called that are parts of a data set rather than classes."""


class Picture(NamedTuple):
    """A file that may become a picture of the data set.

    Args:
        name: The file, relative to the folder; its parts are separated by ``/``.
        columns: The columns of the labels that are 1 for this picture, in ascending order.
        text: A text about it. None: nothing but its labels is known.
    """

    name: str
    columns: tuple[int, ...] = ()
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
        only: The classes that pictures were chosen by, in words. Empty: none were chosen.
    """

    kind: str
    root: Path
    attributes: tuple[Attribute, ...] = ()
    pictures: Sequence[Picture]
    skipped: Sequence[Mapping[str, str]] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    labels: Path | None = None
    only: str = ""

    def digest(self) -> str:
        """Return a sha256 of the labels and of the names, sizes and dates of all files; it changes when one of them does."""
        digest = hashlib.sha256(repr((self.kind, self.attributes, self.skipped)).encode("utf-8", "surrogateescape"))
        for picture in self.pictures:
            line = (picture.name, list(picture.columns), *_stamp(self.root / picture.name))
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
        raise ValueError(_no_folder(root))
    listing = Listing([], [])
    _list_into(listing, root, "", real_path(leave_out) if leave_out else None)
    listing.names.sort(key=natural_order)
    listing.skipped.sort(key=lambda entry: natural_order(entry["file"]))
    return listing


def _no_folder(root: Path) -> str:
    if not root.exists():
        return f"there is no folder {root}"
    if _any_picture(root.parent, [root.name]):
        return f"{root} is a picture, not a folder; give the folder that it is in"
    is_archive = any(root.name.lower().endswith(ending) for ending in ARCHIVES)
    advice = "unpack it, and give the folder of its pictures" if is_archive else "give a folder with pictures"
    return f"{root} is a file, not a folder; {advice}"


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
        if made_by_systems(entry.name):
            listing.skipped.append({"file": name, "reason": "made by the operating system"})
        elif entry.is_dir(follow_symlinks=False):
            if named_as_picture(name):
                listing.skipped.append({"file": name, "reason": "a folder"})
            else:
                _list_into(listing, Path(entry.path), f"{name}/", leave_out)
        elif entry.is_symlink() and Path(entry.path).is_dir():  # of a circle `entry.is_dir` raises an error
            listing.skipped.append({"file": name, "reason": "a link to a folder"})
        elif leave_out is None or real_path(Path(entry.path)) != leave_out:
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
    if not _any_picture(root, inside):
        return unlabeled_source(root)
    loose = [name for name in names if "/" not in name]
    if _any_picture(root, loose):
        raise ValueError(
            f"{root} contains pictures and also subfolders with pictures; put every picture into the folder of its class, "
            "or pass --unlabeled to use them all without classes"
        )
    skipped = [*skipped, *({"file": name, "reason": "in the folder of no class"} for name in loose)]
    class_of = {name: clean_name(PurePosixPath(name).parts[0]) for name in inside}
    classes = sorted(set(class_of.values()), key=natural_order)
    columns = {class_name: (column,) for column, class_name in enumerate(classes)}
    pictures = [Picture(name, columns[class_of[name]]) for name in inside]
    attributes = (Attribute("class", tuple(classes)),)
    notes = notes_of_names(attributes) | _notes_of_parts(root, classes) | _notes_of_empty_folders(root, inside)
    return Source(kind="classes", root=root, attributes=attributes, pictures=pictures, skipped=skipped, notes=notes)


def notes_of_names(attributes: Sequence[Attribute]) -> dict[str, int]:
    """Return a note for each group of classes that are perhaps meant to be one."""
    return {
        f"classes of {attribute.name} are called nearly the same and stay apart: {', '.join(map(repr, group))}": len(
            group
        )
        for attribute in attributes
        for group in similar_names(attribute.classes)
    }


def _notes_of_parts(root: Path, classes: Sequence[str]) -> dict[str, int]:
    """Return a note if the folders are rather parts of a data set than classes."""
    parts = [name for name in classes if word_key(name) in _PARTS]
    if not parts:
        return {}
    deeper = any(entry.is_dir() for name in parts for entry in (root / name).glob("[!.]*"))
    cure = f"give one of them as the folder, such as {root / parts[0]}" if deeper else "pass --unlabeled to prepare"
    names = ", ".join(parts)
    called = worded(
        len(parts),
        "folder is called like a part of a data set and is read as a class",
        "folders are called like parts of a data set and are read as classes",
    )
    words = f"{called}: {names}; if {worded(len(parts), 'it is one', 'they are parts')}, {cure}"
    return {words: len(parts)}


def _notes_of_empty_folders(root: Path, inside: Sequence[str]) -> dict[str, int]:
    """Return a note if there are folders without any file, which are classes to a user and nothing to this program."""
    used = {name.split("/", 1)[0] for name in inside}
    empty = [
        entry.name
        for entry in os.scandir(root)
        if entry.is_dir(follow_symlinks=False)
        and entry.name not in used
        and not entry.name.startswith(".")
        and not made_by_systems(entry.name)
        and not named_as_picture(entry.name)
    ]
    if not empty:
        return {}
    are = worded(len(empty), "folder of a class has no file in it", "folders of classes have no file in them")
    return {f"{are}: {', '.join(sorted(empty, key=natural_order))}": len(empty)}


def _any_picture(root: Path, names: Sequence[str]) -> bool:
    """Return whether one of the files is a picture, by its name or, where no name says so, by how it begins."""
    return any(named_as_picture(name) for name in names) or any(begins_as_picture(root / name) for name in names)
