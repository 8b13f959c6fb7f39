"""How names of files are compared, found and put in order."""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from examples.anime_faces.data._names import file_key
from examples.anime_faces.links import real_path

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""Endings of picture files, the preferred one first. Whether a file is a picture is decided by its contents."""

_PART = r"\w[^/\\%:]*"
_PLAIN_PATH = re.compile(rf"{_PART}(?:/{_PART})*(?<=[\w)])")
"""Relative paths in their shortest form, without quotes, escapes and separators of another system."""
_NOT_SHORT = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")
"""A part of a path that is empty, ``.`` or ``..``."""
_PLAIN_PICTURE = re.compile(rf"(?:\./)?(\w(?:[^/.]*[\w)])?)(?i:{'|'.join(map(re.escape, PICTURE_ENDINGS))})?")
"""A name without folders, quotes and other dots than that of its ending."""
_BACKSLASHES = re.compile(r"\\+")  # tables that a program wrote have them doubled
_MOST_HEADS = 4096
"""How many folders that paths name are looked at once."""
_DRIVE = re.compile("[A-Za-z]:/")
_QUOTES = ('""', "''", "\u201c\u201d", "``")
_MADE_BY_SYSTEMS = frozenset(
    [
        *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("@eadir", "lost+found", "__pycache__"),
    ]
)
_MARKS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WEBP", b"BM": "BMP", b"GIF8": "GIF"}
_DIGITS = re.compile("0*([1-9][0-9]*|0)")


def natural_order(name: str) -> str:
    """Return a sort key by which ``9.jpg`` comes before ``10.jpg``; different names have different keys.

    Before each number stands how many digits it has without zeros in front. A text takes a quarter of the memory of a tuple.

    Example:
        >>> sorted(["10.jpg", "9.jpg", "a.jpg"], key=natural_order)
        ['9.jpg', '10.jpg', 'a.jpg']
    """
    parts = _DIGITS.split(name)
    if len(parts) == 3:  # most names have one number
        before, digits, after = parts
        return f"{before}\0{chr(1 + len(digits))}{digits}{after}\0\1{name}"
    parts[1::2] = [f"\0{chr(1 + len(digits))}{digits}" for digits in parts[1::2]]
    return f"{''.join(parts)}\0\1{name}"


def made_by_systems(name: str) -> bool:
    """Return whether an operating system makes files or folders of this name by itself.

    Example:
        >>> made_by_systems("__MACOSX"), made_by_systems("Thumbs.db"), made_by_systems("cats")
        (True, True, False)
    """
    return file_key(name) in _MADE_BY_SYSTEMS


def named_as_picture(name: str) -> bool:
    """Return whether the name of a file ends like that of a picture, in any case."""
    if name.isascii() and "." not in name:
        return False
    return file_key(name.strip()).endswith(PICTURE_ENDINGS)


def begins_as_picture(path: Path) -> bool:
    """Return whether a file begins like a picture of a format that is read."""
    try:
        if not path.is_file():  # reading a pipe would wait forever
            return False
        with path.open("rb") as file:
            return begins_as(file.read(16)) is not None
    except OSError:
        return False


def begins_as(start: bytes) -> str | None:
    """Return the format of a picture by its first 16 bytes; None if it is none of those that are read."""
    for mark, name in _MARKS.items():
        if start.startswith(mark) and (name != "WEBP" or start[8:12] == b"WEBP"):
            return name
    return None


def picture_id(name: str) -> str:
    """Return the name of a picture without quotes, ``./`` and its ending: ``17`` for ``./17.JPG``.

    Example:
        >>> picture_id("./17.JPG"), picture_id("17"), picture_id('"date.a.live"')
        ('17', '17', 'date.a.live')
    """
    if plain := _PLAIN_PICTURE.fullmatch(name):
        return plain[1]
    name = _unquoted(name).removeprefix("./")
    return str(PurePosixPath(name).with_suffix("")) if named_as_picture(name) else name


class FileNames:
    """The files of a folder, found by any spelling of their names.

    The exact name comes first. Then the separators of Windows, paths that begin with the folder, quotes, ``./``, percent
    escapes, other Unicode forms, case and a missing ending are looked through; a spelling that fits several files fits none.

    Args:
        root: The folder.
        names: Its files, relative to it; their parts are separated by ``/``.
    """

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self._exact = frozenset(names)
        self._by_key = _by_key((file_key(name), name) for name in self._exact)
        self._has_backslashes = any("\\" in key for key in self._by_key)
        pictures = (name for name in self._exact if named_as_picture(name))
        self._by_id = _by_key((file_key(picture_id(name)), name) for name in pictures)
        self._own_name = file_key(real_path(root).name)
        folders = {folder.as_posix().rstrip("/") for folder in (root, root.absolute(), real_path(root))} - {".", ""}
        self._beginnings = [
            file_key(folder).split("/") for folder in sorted(folders | {real_path(root).name}) if folder
        ]
        self._heads: dict[str, _Head] = {}
        self._firsts = {begin[0] for begin in self._beginnings}

    def find(self, spelled: str) -> str | None:
        """Return the name of the file that a user means; None if there is none, or several."""
        if spelled in self._exact:
            return spelled
        has_others = "\\" in spelled and not self._has_backslashes
        plain = (_BACKSLASHES.sub("/", spelled) if has_others else spelled).removeprefix("./")
        if _PLAIN_PATH.fullmatch(plain):
            key = file_key(plain)
            if key.partition("/")[0] not in self._firsts:
                return plain if plain in self._exact else self._by_key.get(key) or self._by_id.get(key)
        names = list(dict.fromkeys(self._candidates(spelled)))
        for name in names:
            if name in self._exact:
                return name
        keys = [file_key(name) for name in names]
        found = (table.get(key) for table in (self._by_key, self._by_id) for key in keys)
        return next((name for name in found if name is not None), None)

    def _candidates(self, spelled: str) -> Iterator[str]:
        plain = _unquoted(spelled)
        texts = [plain] if self._has_backslashes or "\\" not in plain else []
        if "\\" in plain:
            texts.append(_BACKSLASHES.sub("/", plain))
        for text in texts:
            for path in (text, unquote(text)) if "%" in text else (text,):
                yield relative_name(path)
                yield from self._inside(relative_name(path.removeprefix("file://")))

    def _inside(self, path: str) -> Iterator[str]:
        """Yield what follows the folder in a path that begins with it, or in one of another computer that names it."""
        head, _, name = path.rpartition("/")
        if (held := self._heads.get(head)) is None:
            held = self._after(head)
            if len(self._heads) < _MOST_HEADS:
                self._heads[head] = held
        for rest in held.begun:
            yield relative_name(f"{rest}/{name}" if rest else name)
        if held.named is not None and not (held.is_there and os.path.lexists(path)):
            yield relative_name(f"{held.named}/{name}" if held.named else name)

    def _after(self, head: str) -> "_Head":
        parts = head.split("/")
        keys = [file_key(part) for part in parts]
        begun = ["/".join(parts[len(begin) :]) for begin in self._beginnings if keys[: len(begin)] == begin]
        if not _is_absolute(f"{head}/") or self._own_name not in keys:
            return _Head(begun)
        last = len(keys) - 1 - keys[::-1].index(self._own_name)
        return _Head(begun, "/".join(parts[last + 1 :]), os.path.lexists(f"{head}/"))


class _Head(NamedTuple):
    """A folder that paths name: what follows the folder of the files in it.

    Args:
        begun: If it begins with that folder, in each of its spellings.
        named: If it is of another computer and names that folder. None: it does not.
        is_there: Whether it is a folder of this computer.
    """

    begun: list[str]
    named: str | None = None
    is_there: bool = False


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or _DRIVE.match(path) is not None


def _by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for key, name in pairs:
        found[key] = None if key in found else name
    return found


def relative_name(path: str) -> str:
    """Return a relative path in its shortest form, so that one file has one name; absolute ones stay as they are.

    Example:
        >>> relative_name("./cats//0.png"), relative_name("cats/../dogs/1.png"), relative_name("/etc/passwd")
        ('cats/0.png', 'dogs/1.png', '/etc/passwd')
    """
    is_short = not path or not _NOT_SHORT.search(path) or _is_absolute(path)
    return path if is_short else posixpath.normpath(path)


def _unquoted(text: str) -> str:
    text = text.strip().removeprefix("\ufeff").strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in _QUOTES else text
