"""Numbers in words: singular and plural."""

from collections.abc import Mapping


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with the noun that fits it.

    Args:
        count: The number.
        one: The singular.
        many: The plural. Empty: the singular with an s.

    Example:
        >>> counted(1, "picture"), counted(0, "picture"), counted(2, "class", "classes")
        ('1 picture', '0 pictures', '2 classes')
    """
    return f"{count} {worded(count, one, many)}"


def worded(count: int, one: str, many: str = "") -> str:
    """Return the singular or the plural of some words, without the number.

    Example:
        >>> worded(1, "class is", "classes are"), worded(3, "class is", "classes are")
        ('class is', 'classes are')
    """
    return one if count == 1 else many or f"{one}s"


def count_in_words(counts: Mapping[str, int]) -> str:
    """Return counts as text, such as ``3 x gray, 1 x CMYK``."""
    return ", ".join(f"{count} x {what}" for what, count in counts.items()) or "none"
