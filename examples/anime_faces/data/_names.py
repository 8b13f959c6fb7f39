"""How names and words compare and are written: the one place that decides it for the whole program."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

_MOST_MARKS = 30
_LONG_ROW = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS + 1}}}")
"""Marks are no letters, blanks or ASCII, so that a text without such a row has no row of marks that is longer."""
_SIGNS = str.maketrans(
    {
        **dict.fromkeys('_,;"\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d', " "),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        "\u2019": "'",
    }
)
"""What signs between words are read as: blanks, dashes and apostrophes."""
_ANY_SIGN = re.compile(f"[{re.escape(''.join(map(chr, _SIGNS)))}]")
_DASH_IN_A_WORD = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_SIGN = re.compile(" ?[=:] ?")
_PLAIN_WORDS = re.compile("[0-9a-z_ ]*")


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return a text in a Unicode form, in time that grows with its length alone.

    To normalize sorts the marks that follow a letter, which takes a square of their number. No language has more than 30: after
    so many the joiner U+034F, which is not seen, ends the row.

    Reference:
        Unicode Standard Annex 15, section 13, stream-safe text format.
    """
    if len(text) > _MOST_MARKS and _LONG_ROW.search(text):
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
    if text.isascii() and _PLAIN_WORDS.fullmatch(low := text.lower()):
        return " ".join(low.replace("_", " ").split())
    text = _folded(text)
    if _ANY_SIGN.search(text):
        text = text.translate(_SIGNS)
    if "-" in text:
        text = _DASH_IN_A_WORD.sub(" ", text)
    text = " ".join(text.split())
    return " ".join(_SIGN.sub("=", text).split()) if "=" in text or ":" in text else text


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
    if text.replace("\t", "").isprintable():  # invisible signs are not
        return text
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


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
