"""Labels with a font that has their letters: Pillow's own, the one that matplotlib brings, or one of the system's."""

import textwrap
import time
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont, features

from examples.anime_faces.data import normalized
from examples.anime_faces.files import write_text

PILLOWS = ""
"""Stands for the font inside Pillow, which has the letters of English and little else."""

FONT_SIZE = 13
LONGEST_LINE = 16
LONGEST_NOTE = 32
WIDEST_LINE = 24  # of a long text, such as a list of tags
MOST_SECONDS = 3.0  # of looking through the fonts of the system
JOINERS = "\u200c\u200d"
NO_LETTERS = ("lastresort", "blank", "color", "emoji")
"""Parts of names of fonts that have a box for every letter, nothing for every letter, or pictures in place of letters."""

_spent = [0.0]

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Lettered(NamedTuple):
    """A label as it is drawn: its lines, the font, the width of the widest line, and whether a number stands for its text."""

    text: str
    font: Font
    width: int
    is_number: bool


def lettered(label: str, number: int, *, most_lines: int) -> Lettered:
    """Return how a label is drawn: in a font that has its letters, or as its number in brackets where there is none.

    Args:
        label: Its text.
        number: The number that stands for it if need be.
        most_lines: Lines that fit.
    """
    text = displayed(label)
    file = font_file(text)
    font = font_of(PILLOWS if file is None else file, FONT_SIZE)
    text = f"[{number}]" if file is None else broken(text, most_lines=most_lines)
    width = max(round(font.getlength(line)) for line in text.split("\n"))
    return Lettered(text, font, width, file is None)


def noted(text: str) -> Lettered:
    """Return how a short note is drawn: on one line, cut where it is long, without letters that no font of this machine has."""
    text = displayed(text)
    file = font_file(text)
    if file is None:
        text, file = text.encode("ascii", "ignore").decode().strip(), PILLOWS
    if len(text) > LONGEST_NOTE:
        text = f"{text[: LONGEST_NOTE - 3]}..."
    font = font_of(file, FONT_SIZE)
    return Lettered(text, font, round(font.getlength(text)), False)


def write_legend(path: Path, numbered: Mapping[int, str]) -> None:
    """Write what the numbers on a picture stand for, a line each."""
    lines = "".join(f"[{number}] {displayed(text)}\n" for number, text in numbered.items())
    write_text(path, lines)


def broken(label: str, *, most_lines: int = 2) -> str:
    """Break a label of several words into lines of about equal length, so that it stays narrow.

    Example:
        >>> broken("blonde hair purple eyes").splitlines()
        ['blonde hair', 'purple eyes']
    """
    words = label.split()
    is_wide = any(unicodedata.east_asian_width(letter) in ("W", "F") for letter in label)
    widest = WIDEST_LINE // 2 if is_wide else WIDEST_LINE
    if len(label) <= LONGEST_LINE and not is_wide:
        return label
    lines = [label]
    if len(words) > 1:
        splits = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
        lines = list(min(splits, key=lambda split: max(len(split[0]), len(split[1]))))
    if max(map(len, lines)) > widest:
        lines = textwrap.wrap(label, widest, max_lines=most_lines, placeholder=" ...")
    return "\n".join(lines)


def displayed(text: str) -> str:
    """Return a text as one line that can be drawn: blanks as one, accents with their letters, without invisible characters."""
    text = normalized("NFC", " ".join(text.split()))
    return "".join(
        "\ufffd" if unicodedata.category(letter) == "Cs" else letter for letter in text if not _is_hidden(letter)
    )


def _is_hidden(letter: str) -> bool:
    return letter not in JOINERS and unicodedata.category(letter) in ("Cc", "Cf")


def font_file(text: str) -> str | None:
    """Return the file of a font that has all letters of a text, :data:`PILLOWS`, or None where no font of the machine has them.

    Args:
        text: One line, as :func:`displayed` returns it.
    """
    if text.isascii():
        return PILLOWS
    if _is_shaped(text) and not (features.check("raqm") and features.check("fribidi")):
        return None  # the letters would stand beside each other in the wrong order
    needed = frozenset(ord(letter) for letter in text if not letter.isspace() and letter not in JOINERS)
    return _file_with(needed)


@cache
def _file_with(needed: frozenset[int]) -> str | None:
    begun = time.monotonic()
    try:
        for path in _files():
            if needed <= _letters_of(path) and _can_draw(path):
                return path
            if _spent[0] + time.monotonic() - begun > MOST_SECONDS:
                break
    finally:
        _spent[0] += time.monotonic() - begun
    return None


@cache
def font_of(path: str, size: int) -> Font:
    """Return a font to draw with.

    Args:
        path: Its file, or :data:`PILLOWS`.
        size: Height of a line in pixels.
    """
    return ImageFont.load_default(size) if path == PILLOWS else ImageFont.truetype(path, size)


def _is_shaped(text: str) -> bool:
    """Return whether letters of a text join, change places or stand above each other."""
    return any(
        unicodedata.bidirectional(letter) in ("R", "AL", "AN")
        or unicodedata.category(letter).startswith("M")
        or letter in JOINERS
        for letter in text
    )


@cache
def _files() -> tuple[str, ...]:
    """Return the files of fonts: the one that is always there first, then upright sans-serif ones."""
    import matplotlib as mpl
    from matplotlib import font_manager

    def order(path: str) -> tuple[bool, bool, str]:
        name = Path(path).stem.lower()
        is_plain = not any(
            word in name for word in ("bold", "italic", "oblique", "black", "light", "thin", "condensed")
        )
        return (not is_plain, "serif" in name or "mono" in name, name)

    own = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    found = [
        path
        for path in font_manager.findSystemFonts()
        if not any(word in Path(path).name.lower() for word in NO_LETTERS)
    ]
    return (own, *sorted(found, key=order))


@cache
def _letters_of(path: str) -> frozenset[int]:
    """Return the letters for which a font has a picture; none where the file cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


def _can_draw(path: str) -> bool:
    try:
        font_of(path, 13).getlength("a")
    except OSError:  # a font of fixed sizes
        return False
    return True
