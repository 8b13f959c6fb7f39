"""Asking for pictures in words: ``blue hair red eyes``."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.anime_faces.data._attributes import Attribute, Choice, Phrases, clean_name, phrases_of
from examples.anime_faces.data._lines import ParseError, read_lines
from examples.anime_faces.data._texts import has_word

_LONGEST_TEXT = 10_000
_ID = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of a file of prompts.

    Args:
        id: Part of the names of its pictures; only letters, digits, ``_``, ``-`` and ``.``.
        text: The words.
        class_ids: The class id of each attribute, -1 where the words do not name one; empty where the recipe takes any words.
    """

    id: str
    text: str
    class_ids: tuple[int, ...]


def parse_prompt(text: str, attributes: Sequence[Attribute]) -> tuple[int, ...]:
    """Return the class of each attribute that a prompt asks for.

    Colors of faces are written as ``blue hair`` and ``red eyes``, in any order; one of them may be missing, and ``grey`` means
    ``gray``. Classes of other data sets are written by their names, of one word or several, or as ``attribute=class``. Commas
    between them are ignored.

    Args:
        text: The words.
        attributes: The attributes of the data set.

    Returns:
        One class id for each attribute, -1 where the prompt does not name one.

    Raises:
        ValueError: A word is not known (the message names it, and the known ones), two classes of one attribute are asked for,
            or the prompt is empty.

    Example:
        >>> from examples.anime_faces.data import FACE_ATTRIBUTES
        >>> parse_prompt("red eyes blue hair", FACE_ATTRIBUTES)
        (8, 9)
        >>> parse_prompt("black eyes", FACE_ATTRIBUTES)
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
    words = clean_name(text).split()
    found = _segment(words, phrases)
    if found is None and "," in text:
        words = clean_name(text.replace(",", " ")).split()
        found = _segment(words, phrases)
    if found is None:
        raise ValueError(phrases.explain(_first_unknown(words, phrases)))
    if not found:
        known = " ".join(attribute.phrase(0) for attribute in attributes)
        raise ValueError(f"the prompt is empty; write for example {known!r}")
    return found


def read_prompts(path: Path | str, parse: Callable[[str], tuple[int, ...]]) -> list[Prompt]:
    """Read a file of prompts, one on each line, as ``id,text`` or as the text alone. Empty lines are ignored.

    The id of a line without one is its number, or the next number that is free.

    Args:
        path: The file, UTF-8.
        parse: Returns the class ids of a text, or raises ValueError if it cannot be understood.

    Raises:
        ValueError: A prompt cannot be understood, an id is given twice or has forbidden characters (the message names file and
            line); or there is no prompt at all.
    """
    path = Path(path)
    parts = [(number, *_split_id(line)) for number, line in read_lines(path) if line.strip()]
    if not parts:
        raise ValueError(f"{path} contains no prompts")
    taken: set[str] = set()
    for number, name, _ in parts:
        if name is not None:
            if not _ID.fullmatch(name):
                raise ParseError(path, number, f"an id must consist of letters, digits, '_', '-' and '.', got {name!r}")
            if name in taken:
                raise ParseError(path, number, f"the id {name!r} is given twice")
            taken.add(name)
    prompts = []
    for number, name, text in parts:
        try:
            class_ids = parse(text)
        except ValueError as error:
            raise ParseError(path, number, str(error)) from error
        prompts.append(Prompt(_free_name(number, taken) if name is None else name, text, class_ids))
    return prompts


def _split_id(line: str) -> tuple[str | None, str]:
    """Return the id and the text.

    The part before the first comma is an id if it is one word, and if it has a digit or no blank follows the comma. In
    ``touhou, blue hair`` the first word is part of the text.
    """
    head, comma, tail = line.partition(",")
    apart = tail[:1].isspace() and has_word(head) and not any(letter.isdigit() for letter in head)
    if comma and len(head.split()) <= 1 and not apart:
        return head.strip(), tail.strip()
    return None, line.strip()


def _free_name(number: int, taken: set[str]) -> str:
    while str(number) in taken:
        number += 1
    taken.add(str(number))
    return str(number)


def _segment(words: list[str], phrases: Phrases) -> list[Choice] | None:
    """Divide the words into as few phrases as possible, the longer ones first. None: they cannot be divided."""
    best: list[tuple[Choice, ...] | None] = [None for _ in words]
    best.append(())
    for start in reversed(range(len(words))):
        for end in range(min(len(words), start + phrases.longest), start, -1):
            rest, choice = best[end], phrases.find(" ".join(words[start:end]))
            if rest is not None and choice is not None:
                cut = (choice, *rest)
                current = best[start]
                best[start] = cut if current is None or len(cut) < len(current) else current
    return None if best[0] is None else list(best[0])


def _first_unknown(words: list[str], phrases: Phrases) -> str:
    """Return the words between the last word that phrases from the start can reach and the next known phrase."""
    reached = {0}
    for start in range(len(words)):
        if start in reached:
            reached.update(_ends(words, start, phrases))
    first = max(reached)
    last = next((start for start in range(first + 1, len(words)) if _ends(words, start, phrases)), len(words))
    return " ".join(words[first:last])


def _ends(words: list[str], start: int, phrases: Phrases) -> list[int]:
    stop = min(len(words), start + phrases.longest)
    return [end for end in range(start + 1, stop + 1) if phrases.find(" ".join(words[start:end])) is not None]
