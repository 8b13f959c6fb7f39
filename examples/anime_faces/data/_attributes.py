"""What a picture is labeled with: attributes with a fixed list of classes, and the phrases that name a class in a text."""

import difflib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS


@dataclass(frozen=True, slots=True)
class Attribute:
    """One property of the pictures and its possible classes, in the order of their ids.

    Args:
        name: What the property is called, such as ``hair``.
        classes: The names of the classes. A class id is an index into this tuple.

    Raises:
        ValueError: A name is empty, begins or ends with a blank, or is not in composed Unicode (NFC); or two classes have the
            same name.

    Example:
        >>> Attribute("class", ("cat", "dog")).phrase(1)
        'dog'
    """

    name: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for text in (self.name, *self.classes):
            if not text or text != clean_name(text):
                raise ValueError(
                    f"names of an attribute and of its classes must be clean (see clean_name), got {text!r}"
                )
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes of the attribute {self.name!r} must differ, got {self.classes}")

    def phrase(self, class_id: int) -> str:
        """Return the words for one class: ``blue hair`` for the colors of faces, else the class name alone."""
        if self in FACE_ATTRIBUTES:
            return f"{self.classes[class_id]} {self.name}"
        return self.classes[class_id]


def clean_name(text: str) -> str:
    """Return a name in composed Unicode (NFC), with single blanks inside and none at its ends.

    Some systems decompose the names of folders, and tables made by hand have extra blanks. Without this, one class could
    become two.

    Example:
        >>> clean_name("  dark   brown ")
        'dark brown'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


FACE_ATTRIBUTES: tuple[Attribute, ...] = (Attribute("hair", HAIR_COLORS), Attribute("eyes", EYE_COLORS))
"""The 12 hair colors and 11 eye colors of the faces, in the order that all files of this program use."""


def describe(class_ids: Sequence[int], attributes: Sequence[Attribute]) -> str:
    """Return a row of class ids in words; attributes without a class (-1) are left out.

    Args:
        class_ids: One class id for each attribute, or -1.
        attributes: The attributes of the data set.

    Raises:
        ValueError: The number of ids differs from the number of attributes.

    Example:
        >>> describe((8, 9), FACE_ATTRIBUTES)
        'blue hair red eyes'
    """
    if len(class_ids) != len(attributes):
        raise ValueError(f"class_ids must have one id for each attribute ({len(attributes)}), got {len(class_ids)}")
    pairs = zip(attributes, class_ids, strict=True)
    return " ".join(attribute.phrase(int(class_id)) for attribute, class_id in pairs if class_id >= 0)


_SHOWN = 30


class Choice(NamedTuple):
    """One class of one attribute."""

    attribute: int
    class_id: int


class Phrases:
    """All phrases of a data set: each class is named by its words, and also by ``attribute=class``.

    Args:
        attributes: The attributes of the data set.
    """

    def __init__(self, attributes: tuple[Attribute, ...]) -> None:
        self._attributes = attributes
        self._exact: dict[str, set[Choice]] = {}
        self._folded: dict[str, set[Choice]] = {}
        self.longest = 0
        for index, attribute in enumerate(attributes):
            for class_id in range(len(attribute.classes)):
                for phrase in _spellings(attribute, class_id):
                    self._exact.setdefault(phrase, set()).add(Choice(index, class_id))
                    self._folded.setdefault(phrase.casefold(), set()).add(Choice(index, class_id))
                    self.longest = max(self.longest, phrase.count(" ") + 1)

    def find(self, phrase: str) -> Choice | None:
        """Return the class that the phrase names; None if it names none, or several.

        Case matters only where two classes differ in nothing else.
        """
        for table, key in ((self._exact, phrase), (self._folded, phrase.casefold())):
            choices = table.get(key, set())
            if len(choices) == 1:
                return next(iter(choices))
        return None

    def explain(self, phrase: str) -> str:
        """Return, in words, why `find` returns None for this phrase, and which phrases are known."""
        choices = self._exact.get(phrase) or self._folded.get(phrase.casefold(), set())
        if choices:
            names = [f"{self._attributes[item.attribute].name}={phrase}" for item in sorted(choices)]
            return f"{phrase!r} is ambiguous: write {' or '.join(repr(name) for name in names)}"
        close = difflib.get_close_matches(phrase.casefold(), list(self._folded), n=3)
        hint = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
        return f"{phrase!r} is not known.{hint} Known are: {'; '.join(self._known())}"

    def _known(self) -> Iterator[str]:
        for attribute in self._attributes:
            more = len(attribute.classes) - _SHOWN
            names = ", ".join(attribute.classes[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
            yield f"{attribute.name}: {names}"


@lru_cache(maxsize=8)
def phrases_of(attributes: tuple[Attribute, ...]) -> Phrases:
    """Return the phrases of the attributes, cached for the next prompt."""
    return Phrases(attributes)


def _spellings(attribute: Attribute, class_id: int) -> Iterator[str]:
    phrase = attribute.phrase(class_id)
    yield phrase
    yield f"{attribute.name}={attribute.classes[class_id]}"
    if attribute in FACE_ATTRIBUTES and phrase.startswith("gray "):
        yield phrase.replace("gray", "grey")
