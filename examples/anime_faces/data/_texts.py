"""The text of a picture: its tags as they were written, or the words of its labels."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._names import clean_name
from examples.anime_faces.data._phrases import say
from examples.anime_faces.data._vocabulary import Choice, phrases_of

_COLONS_AND_DIGITS = re.compile(r"[:\d]")
_UNDERSCORE = re.compile(r"(?<=[^\W_])_(?=[^\W_])")
_WORD = re.compile(r"[^\W_]")  # a letter or digit
_LOOKED_AT = 200


def has_word(text: str) -> bool:
    """Return whether a text has a letter or a digit.

    Example:
        >>> has_word("77"), has_word("^_^")
        (True, False)
    """
    return _WORD.search(text) is not None


def text_of_tags(tags: Iterable[str], *, keep_underscores: bool = False) -> str:
    """Return all tags as one text: all of them, joined by blanks, with colons and digits removed (report A, line 61).

    Underscores between letters become blanks, so that a text does not depend on how a tag file writes its tags.

    Example:
        >>> text_of_tags(("touhou", "kiso (kancolle) ", "11 eyes", "77", "waifu2x", "long_hair", "^_^"))
        'touhou kiso (kancolle) eyes waifux long hair ^_^'
    """
    text = " ".join(tags)
    return clean_name(_COLONS_AND_DIGITS.sub("", text if keep_underscores else _UNDERSCORE.sub(" ", text)))


def has_underscored_words(texts: Iterable[str]) -> bool:
    """Return whether texts have underscores between letters, as those of data sets from earlier versions may."""
    return any(_UNDERSCORE.search(text) for text in texts)


def texts_of_labels(labels: np.ndarray, attributes: Sequence[Attribute]) -> list[str]:
    """Return all classes of each row in words, such as ``blue hair red eyes``; empty where a row has no class.

    Args:
        labels: ``(n, sum of classes)`` of 0 and 1.
        attributes: What the columns mean.
    """
    if not attributes:
        return [""] * len(labels)
    phrases = phrases_of(tuple(attributes))
    choices = [
        Choice(index, one) for index, attribute in enumerate(attributes) for one in range(len(attribute.classes))
    ]
    rows, places = np.unique(labels, axis=0, return_inverse=True)
    texts = [say([choices[column] for column in np.flatnonzero(row).tolist()], phrases) for row in rows]
    return [texts[place] for place in places.reshape(-1).tolist()]


def texts_of_flags(flags: np.ndarray, phrases: Sequence[str]) -> list[str]:
    """Return the phrases of the columns that are set in each row, joined by blanks."""
    return [" ".join(phrases[column] for column in np.flatnonzero(row).tolist()) for row in flags]


def varied_texts(texts: Iterable[str], count: int) -> tuple[str, ...]:
    """Return a few texts that have little in common: each shares as few words as possible with those before it.

    Only the first 200 different texts are considered. Of equally good texts the first is taken, so the choice is fixed.

    Example:
        >>> varied_texts(["red hair red eyes", "red hair blue eyes", "blue hair pink eyes"], 2)
        ('red hair red eyes', 'blue hair pink eyes')
    """
    left: dict[str, frozenset[str]] = {}
    for text in texts:
        left.setdefault(text, frozenset(text.split()))
        if len(left) == _LOOKED_AT:
            break
    chosen: dict[str, frozenset[str]] = {}
    while left and len(chosen) < count:
        best = min(left, key=lambda text: sum(len(left[text] & words) for words in chosen.values()))
        chosen[best] = left.pop(best)
    return tuple(chosen)
