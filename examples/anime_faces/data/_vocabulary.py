"""The words of a data set: which phrases name a class, and dividing a text into them."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._names import clean_name, word_key

BARE = r'[^\s",=:\\]+'
_STRING = r'"(?:[^"\\]|\\.)*"'
_QUOTED = re.compile(rf'(?:({_STRING}|(?<![^\s",=:\\]){BARE})\s*[=:]\s*)?({_STRING})')
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")


class Choice(NamedTuple):
    """One class of one attribute."""

    attribute: int
    class_id: int


class Phrases:
    """All phrases of a data set: each class is named by its words, and also by ``attribute=class``.

    A phrase that is written exactly as one of them comes first, then one that differs in case, then one with the same
    `word_key`; a phrase that fits several classes names none.

    Args:
        attributes: The attributes of the data set.
    """

    def __init__(self, attributes: tuple[Attribute, ...]) -> None:
        self.attributes = attributes
        self._exact: dict[str, set[Choice]] = {}
        self._folded: dict[str, set[Choice]] = {}
        self._loose: dict[str, set[Choice]] = {}
        self.longest = 0
        for index, attribute in enumerate(attributes):
            for class_id in range(len(attribute.classes)):
                for phrase in _spellings(attribute, class_id):
                    self._add(phrase, Choice(index, class_id))

    def _add(self, phrase: str, choice: Choice) -> None:
        for table, key in ((self._exact, phrase), (self._folded, phrase.casefold()), (self._loose, word_key(phrase))):
            table.setdefault(key, set()).add(choice)
            self.longest = max(self.longest, key.count(" ") + 1)

    def find_exact(self, phrase: str) -> Choice | None:
        """Return the class that the phrase names; case matters only where two classes differ in nothing else."""
        return _only(self._exact.get(phrase)) or _only(self._folded.get(phrase.casefold()))

    def find_loose(self, key: str) -> Choice | None:
        """Return the class that has a phrase with this `word_key`."""
        return _only(self._loose.get(key))

    def loose(self) -> dict[str, Choice]:
        """Return the class of each phrase that names one, by the `word_key` of the phrase."""
        return {key: one for key, choices in self._loose.items() if (one := _only(choices)) is not None}

    def find(self, phrase: str) -> Choice | None:
        """Return the class that the phrase names, however it is spelled; None if it names none, or several."""
        return self.find_exact(phrase) or self.find_loose(word_key(phrase))

    def find_parts(self, attribute: str, class_name: str) -> Choice | None:
        """Return the class of this name of the attribute of this name, each as exact as possible."""
        index = _position(attribute, [one.name for one in self.attributes])
        class_id = None if index is None else _position(class_name, self.attributes[index].classes)
        return None if index is None or class_id is None else Choice(index, class_id)

    def choices_like(self, phrase: str) -> list[Choice]:
        """Return all classes that the phrase may name."""
        found = self._exact.get(phrase) or self._folded.get(phrase.casefold()) or self._loose.get(word_key(phrase))
        return sorted(found or ())

    def all_folded(self) -> list[str]:
        """Return all phrases without differences of case."""
        return list(self._folded)


def _only(choices: set[Choice] | None) -> Choice | None:
    return next(iter(choices)) if choices is not None and len(choices) == 1 else None


def _position(name: str, names: Sequence[str]) -> int | None:
    for key in (str, str.casefold, word_key):
        found = [index for index, one in enumerate(names) if key(one) == key(name)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


@lru_cache(maxsize=8)
def phrases_of(attributes: tuple[Attribute, ...]) -> Phrases:
    """Return the phrases of the attributes, cached for the next prompt."""
    return Phrases(attributes)


def _spellings(attribute: Attribute, class_id: int) -> Iterator[str]:
    phrase, name = attribute.phrase(class_id), attribute.classes[class_id]
    yield phrase
    yield f"{attribute.name}={name}"
    if attribute.has_colors and name == "gray":
        yield f"grey {attribute.name}"
        yield f"{attribute.name}=grey"


def read_choices(text: str, phrases: Phrases) -> list[Choice] | None:
    r"""Return the classes that a text names, in its order. None: it has words that name none, or several.

    Names in double quotes are taken as they are. Other words are divided into as few phrases as possible; if they cannot be
    divided as they are written, commas are left out, then everything that `word_key` leaves out. A terminal that cannot show
    a letter prints it as an escape, such as ``\u9752``: what is pasted from there is understood too.
    """
    found = _read_quoted(text, phrases)
    if found is None:
        found = _read_plain(text, phrases)
    if found is None and (plain := without_escapes(text)) != text:
        return read_choices(plain, phrases)
    return found


def without_escapes(text: str) -> str:
    r"""Return a text with the letters that escapes such as ``\u9752`` stand for.

    Example:
        >>> without_escapes(r"caf\xe9") == "caf\u00e9"
        True
    """
    return _ESCAPE.sub(_letter, text)


def _letter(escape: re.Match[str]) -> str:
    number = int(escape[1] or escape[2] or escape[3], 16)
    # What stands for a backslash would only begin the next escape.
    return chr(number) if number <= sys.maxunicode and chr(number) != "\\" else " "


def _read_quoted(text: str, phrases: Phrases) -> list[Choice] | None:
    found: list[Choice | None] = []
    end = 0
    for match in _QUOTED.finditer(text):
        between = _read_plain(text[end : match.start()], phrases)
        value = _unquote(match[2])
        if between is None or value is None:
            return None
        name = _unquote(match[1]) if match[1] and match[1].startswith('"') else match[1]
        found += [*between, phrases.find(value) if name is None else phrases.find_parts(name, value)]
        end = match.end()
    rest = _read_plain(text[end:], phrases) if end else None
    if rest is None or None in found:
        return None
    return [*(choice for choice in found if choice is not None), *rest]


def _unquote(text: str) -> str | None:
    try:
        return clean_name(json.loads(text, strict=False))
    except ValueError:
        return None


def _read_plain(text: str, phrases: Phrases) -> list[Choice] | None:
    for written in dict.fromkeys((text, text.replace(",", " "))):
        found = _divide(clean_name(written).split(), phrases.longest, phrases.find_exact)
        if found is not None:
            return found
    return _divide(word_key(text).split(), phrases.longest, phrases.find_loose)


def _divide(words: list[str], longest: int, find: Callable[[str], Choice | None]) -> list[Choice] | None:
    """Divide the words into as few phrases as possible, the longer ones first. None: they cannot be divided."""
    fewest = [-1] * len(words) + [0]  # phrases from each word to the end; -1: there is no way
    first: list[tuple[Choice, int] | None] = [None for _ in words]  # of these: the class, and where the next one begins
    for start in reversed(range(len(words))):
        for end in range(min(len(words), start + longest), start, -1):
            if fewest[end] < 0 or 0 <= fewest[start] <= fewest[end] + 1:
                continue
            choice = find(" ".join(words[start:end]))
            if choice is not None:
                fewest[start], first[start] = fewest[end] + 1, (choice, end)
    found: list[Choice] = []
    place = 0
    while place < len(words):
        step = first[place]
        if step is None:
            return None
        choice, place = step
        found.append(choice)
    return found


def first_unknown(text: str, phrases: Phrases) -> str:
    """Return the first words that name no class.

    They stand behind the last phrase that can be reached from the start, and are a phrase of several classes or, if they begin
    with none, all words up to the next known phrase.
    """
    words = clean_name(text.replace(",", " ")).split()
    reached = {0}
    for start in range(len(words)):
        if start in reached:
            reached.update(_ends(words, start, phrases))
    first = max(reached)
    for end in range(min(len(words), first + phrases.longest), first, -1):
        if phrases.choices_like(" ".join(words[first:end])):
            return " ".join(words[first:end])
    last = next((start for start in range(first + 1, len(words)) if _ends(words, start, phrases)), len(words))
    return " ".join(words[first:last])


def _ends(words: list[str], start: int, phrases: Phrases) -> list[int]:
    stop = min(len(words), start + phrases.longest)
    return [end for end in range(start + 1, stop + 1) if phrases.find(" ".join(words[start:end])) is not None]
