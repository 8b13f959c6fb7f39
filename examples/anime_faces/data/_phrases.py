"""Classes in words: reading the words that ask for them, and writing words that are read as they were meant."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence

from examples.anime_faces.data._arguments import as_argument
from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._vocabulary import (
    BARE,
    Choice,
    Phrases,
    first_unknown,
    phrases_of,
    read_choices,
    without_escapes,
)

_LONGEST_TEXT = 10_000
_SHOWN = 30
_JOINERS = "\u200c\u200d"  # signs of some scripts and of many pictograms; all others that are not visible are escaped


def describe(class_ids: Sequence[int], attributes: Sequence[Attribute]) -> str:
    """Return a row of class ids in words that `parse_prompt` reads as the same ids; those without a class are left out.

    A class is named by its words where these can mean nothing else; else by ``attribute=class``, in quotes where it must be.

    Args:
        class_ids: One class id for each attribute, or -1.
        attributes: The attributes of the data set.

    Raises:
        ValueError: The number of ids differs from the number of attributes.

    Example:
        >>> from examples.anime_faces.data import FACE_ATTRIBUTES
        >>> describe((8, 9), FACE_ATTRIBUTES)
        'blue hair red eyes'
        >>> describe((1, 0), (Attribute("glasses", ("no", "yes")), Attribute("smile", ("no", "yes"))))
        'glasses=yes smile=no'
    """
    if len(class_ids) != len(attributes):
        raise ValueError(f"class_ids must have one id for each attribute ({len(attributes)}), got {len(class_ids)}")
    choices = [Choice(index, int(class_id)) for index, class_id in enumerate(class_ids) if class_id >= 0]
    return say(choices, phrases_of(tuple(attributes)))


def say(choices: Sequence[Choice], phrases: Phrases) -> str:
    """Return classes in words that `find_classes` reads as the same classes in the same order."""
    attributes = phrases.attributes
    full = [f"{attributes[index].name}={attributes[index].classes[class_id]}" for index, class_id in choices]
    short = [attributes[index].phrase(class_id) for index, class_id in choices]
    clear = [
        one if phrases.find_exact(one) == choice else other
        for one, other, choice in zip(short, full, choices, strict=True)
    ]
    for words in (clear, full):
        text = " ".join(words)
        if _can_be_pasted(text) and read_choices(text, phrases) == list(choices):
            return text
    return " ".join(_in_quotes(attributes[index], class_id) for index, class_id in choices)


def _can_be_pasted(text: str) -> bool:
    """Whether a text is no option of a command, has no comma that could end an id, and nothing that cannot be seen."""
    visible = all(letter.isprintable() or letter in _JOINERS for letter in text)
    return visible and "," not in text and not text.startswith("-") and len(text) <= _LONGEST_TEXT


def _in_quotes(attribute: Attribute, class_id: int) -> str:
    bare = re.fullmatch(BARE, attribute.name) and _can_be_pasted(attribute.name)
    return f"{attribute.name if bare else _quote(attribute.name)}={_quote(attribute.classes[class_id])}"


def _quote(name: str) -> str:
    text = json.dumps(name, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def parse_prompt(text: str, attributes: Sequence[Attribute]) -> tuple[int, ...]:
    """Return the class of each attribute that a prompt requests.

    Colors of faces are written as ``blue hair`` and ``red eyes``, in any order; one of them may be missing, and ``grey`` means
    ``gray``. Classes of other data sets are written by their names, of one word or several. ``attribute=class`` and
    ``attribute: class`` are always understood, and so are names in double quotes. Commas between them are ignored.

    Args:
        text: The words.
        attributes: The attributes of the data set.

    Returns:
        One class id for each attribute, -1 where the prompt does not name one.

    Raises:
        ValueError: A word is not known (the message names it, and the known ones), two classes of one attribute are requested,
            or the prompt is empty.

    Example:
        >>> from examples.anime_faces.data import FACE_ATTRIBUTES
        >>> parse_prompt("red eyes blue hair", FACE_ATTRIBUTES)
        (8, 9)
        >>> parse_prompt("eyes: black", FACE_ATTRIBUTES)
        (-1, 1)
    """
    class_ids = [-1] * len(attributes)
    for attribute, class_id in find_classes(text, attributes):
        if class_ids[attribute] != -1:
            raise ValueError(f"{text!r} asks for {attributes[attribute].name} twice; a prompt may name it only once")
        class_ids[attribute] = class_id
    return tuple(class_ids)


def find_classes(text: str, attributes: Sequence[Attribute]) -> list[Choice]:
    """Return all classes that a text names, in its order. One attribute may be named several times, as some pictures need.

    Args:
        text: The words, written as for `parse_prompt`.
        attributes: The attributes of the data set.

    Raises:
        ValueError: A word is not known, or the text is empty.

    Example:
        >>> from examples.anime_faces.data import FACE_ATTRIBUTES
        >>> [tuple(choice) for choice in find_classes("blue hair gray hair red eyes", FACE_ATTRIBUTES)]
        [(0, 8), (0, 3), (1, 9)]
    """
    if not attributes:
        raise ValueError("this data set has no attributes, so a prompt cannot name any")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"a prompt must have at most {_LONGEST_TEXT} characters, got {len(text)}")
    phrases = phrases_of(tuple(attributes))
    found = read_choices(text, phrases)
    if found is None:
        raise ValueError(explain(first_unknown(without_escapes(text), phrases), phrases))
    if not found:
        raise ValueError(f"the prompt is empty; write for example {example_of(attributes)!r}")
    return found


def example_of(attributes: Sequence[Attribute]) -> str:
    """Return a prompt that names the first class of each attribute."""
    return describe([0 if attribute.classes else -1 for attribute in attributes], attributes)


def explain(phrase: str, phrases: Phrases) -> str:
    """Return, in words, why a phrase names no class, and which phrases are known."""
    choices = phrases.choices_like(phrase)
    if choices:
        return f"{phrase!r} is ambiguous: write {' or '.join(_quoted(say([one], phrases)) for one in choices)}"
    close = [
        phrases.choices_like(name) for name in difflib.get_close_matches(phrase.casefold(), phrases.all_folded(), n=3)
    ]
    names = dict.fromkeys(_quoted(say([one], phrases)) for choices in close for one in choices)
    hint = f" Did you mean {' or '.join(names)}?" if names else ""
    return f"{phrase!r} is not known.{hint} Known are: {'; '.join(_known(phrases.attributes))}"


def _quoted(text: str) -> str:
    """Return a text in quotes, as a user can paste it into a terminal."""
    return as_argument(text) if "'" in text else f"'{text}'"


def _known(attributes: Sequence[Attribute]) -> Iterator[str]:
    for attribute in attributes:
        more = len(attribute.classes) - _SHOWN
        names = ", ".join(attribute.classes[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        yield f"{attribute.name}: {names}"
