"""How names of files, words and paths compare and are written: the one place that decides it for the whole program."""

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote

from examples.anime_faces.links import real_path

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""Endings of picture files, the preferred one first. Whether a file is a picture is decided by its contents."""

_MOST_MARKS = 30
_BLANKS = re.compile('[_,;"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d]')
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_DASH_IN_A_WORD = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_SIGN = re.compile(" ?[=:] ?")
_BACKSLASHES = re.compile(r"\\+")  # tables that a program wrote have them doubled
_PLAIN = re.compile(r"[0-9a-z_-]+(?:\.[0-9a-z_-]+)*")
"""Names that can be spelled in no other way."""
_PLAIN_PATH = re.compile(r"[0-9A-Za-z_-]+(?:[ ./][0-9A-Za-z_-]+)*")
_PLAIN_ID = re.compile("[0-9A-Za-z_-]+")
_PLAIN_WORDS = re.compile("[0-9a-z]+(?: [0-9a-z]+)*")
_DRIVE = re.compile("[A-Za-z]:/")
_QUOTES = ('""', "''", "\u201c\u201d", "``")
_MADE_BY_SYSTEMS = frozenset(
    [
        *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("@eadir", "lost+found", "__pycache__"),
    ]
)
_MARKS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WEBP", b"BM": "BMP", b"GIF8": "GIF"}


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return a text in a Unicode form, in time that grows with its length alone.

    To normalize sorts the marks that follow a letter, which takes a square of their number. No language has more than 30: after
    so many the joiner U+034F, which is not seen, ends the row.

    Reference:
        Unicode Standard Annex 15, section 13, stream-safe text format.
    """
    if len(text) > _MOST_MARKS and not text.isascii():
        parts: list[str] = []
        marks = 0
        for letter in text:
            marks = marks + 1 if unicodedata.combining(letter) else 0
            if marks > _MOST_MARKS:
                parts.append("\u034f")
                marks = 1
            parts.append(letter)
        text = "".join(parts)
    return unicodedata.normalize(form, text)


def clean_name(text: str) -> str:
    """Return a name in composed Unicode (NFC), with single blanks inside and none at its ends.

    Some systems decompose the names of folders, and tables made by hand have extra blanks. Without this, one class could
    become two.

    Example:
        >>> clean_name("  dark   brown ")
        'dark brown'
    """
    return " ".join(normalized("NFC", text).split())


def word_key(text: str) -> str:
    """Return what words are compared by: two that a reader takes for the same have the same key.

    Case, full-width letters and other Unicode forms, underscores, commas, quotes and dashes between words, invisible signs
    and blanks make no difference; ``name: class`` and ``name = class`` are the same.

    Example:
        >>> word_key(" Blue_Hair, RED-eyes") == word_key("blue hair red eyes"), word_key("Glasses : yes")
        (True, 'glasses=yes')
    """
    if _PLAIN_WORDS.fullmatch(text):
        return text
    text = _DASH_IN_A_WORD.sub(" ", _DASHES.sub("-", _BLANKS.sub(" ", _folded(text).replace("\u2019", "'"))))
    return " ".join(_SIGN.sub("=", " ".join(text.split())).split())


def file_key(name: str) -> str:
    """Return what names of files are compared by where no file has exactly the name: other Unicode forms, and case.

    Example:
        >>> file_key("Cafe\u0301.PNG") == file_key("caf\u00e9.png")
        True
    """
    return _folded(name)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = normalized("NFKC", normalized("NFKC", text).casefold())
    return text if text.isascii() else "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def similar_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of different names that compare as the same words.

    Example:
        >>> similar_names(["Yes", "no", "yes"])
        [('Yes', 'yes')]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(word_key(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


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
    if _PLAIN_ID.fullmatch(name):
        return name
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
        pictures = (name for name in self._exact if named_as_picture(name))
        self._by_id = _by_key((file_key(picture_id(name)), name) for name in pictures)
        self._own_name = file_key(real_path(root).name)
        folders = {folder.as_posix().rstrip("/") for folder in (root, root.absolute(), real_path(root))} - {".", ""}
        self._beginnings = [
            file_key(folder).split("/") for folder in sorted(folders | {real_path(root).name}) if folder
        ]
        self._firsts = {begin[0] for begin in self._beginnings}

    def find(self, spelled: str) -> str | None:
        """Return the name of the file that a user means; None if there is none, or several."""
        if spelled in self._exact:
            return spelled
        if _PLAIN.fullmatch(spelled):
            return self._by_key.get(spelled) or self._by_id.get(spelled)
        if _PLAIN_PATH.fullmatch(spelled) and (key := file_key(spelled)).partition("/")[0] not in self._firsts:
            return self._by_key.get(key) or self._by_id.get(key)
        candidates = list(dict.fromkeys(self._candidates(spelled)))
        for name in candidates:
            if name in self._exact:
                return name
        found = (table.get(file_key(name)) for table in (self._by_key, self._by_id) for name in candidates)
        return next((name for name in found if name is not None), None)

    def _candidates(self, spelled: str) -> Iterator[str]:
        plain = _unquoted(spelled)
        for text in (plain, _BACKSLASHES.sub("/", plain)):
            for path in dict.fromkeys((text, unquote(text))):
                yield relative_name(path)
                yield from self._inside(path.removeprefix("file://"))

    def _inside(self, path: str) -> Iterator[str]:
        """Yield what follows the folder in a path that begins with it, or in one of another computer that names it."""
        parts = path.split("/")
        keys = [file_key(part) for part in parts]
        for begin in self._beginnings:
            if keys[: len(begin)] == begin:
                yield relative_name("/".join(parts[len(begin) :]))
        if _is_absolute(path) and self._own_name in keys and not os.path.lexists(path):
            last = len(keys) - 1 - keys[::-1].index(self._own_name)
            yield relative_name("/".join(parts[last + 1 :]))


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
    is_short = not path or _PLAIN_PATH.fullmatch(path) or _is_absolute(path)
    return path if is_short else posixpath.normpath(path)


def _unquoted(text: str) -> str:
    text = text.strip().removeprefix("\ufeff").strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in _QUOTES else text
