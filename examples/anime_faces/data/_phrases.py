"""The words that name classes, and finding them in a text."""

import difflib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from examples.anime_faces.data._attribute import FACE_ATTRIBUTES, Attribute

_SHOWN = 30


class Choice(NamedTuple):
    """One class of one attribute."""

    attribute: int
    class_id: int


class Phrases:
    """All phrases of a data set: each class by its words, and by ``attribute=class`` where words alone are not clear.

    Args:
        attributes: the attributes of the data set.
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
        """Return the class that the phrase names, None if it names none or several. Case matters only between classes."""
        for table, key in ((self._exact, phrase), (self._folded, phrase.casefold())):
            choices = table.get(key, set())
            if len(choices) == 1:
                return next(iter(choices))
        return None

    def explain(self, phrase: str) -> str:
        """Return, in words, why `find` finds nothing, and what is known."""
        choices = self._exact.get(phrase) or self._folded.get(phrase.casefold(), set())
        if choices:
            names = [f"{self._attributes[item.attribute].name}={phrase}" for item in sorted(choices)]
            return f"{phrase!r} may mean several things: write {' or '.join(repr(name) for name in names)}"
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
    """Return the phrases of the attributes; kept for the next prompt."""
    return Phrases(attributes)


def _spellings(attribute: Attribute, class_id: int) -> Iterator[str]:
    phrase = attribute.phrase(class_id)
    yield phrase
    yield f"{attribute.name}={attribute.classes[class_id]}"
    if attribute in FACE_ATTRIBUTES and phrase.startswith("gray "):
        yield phrase.replace("gray", "grey")
