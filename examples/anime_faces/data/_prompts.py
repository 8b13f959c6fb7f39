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
        id: names the pictures made for it; letters, digits, ``_``, ``-`` and ``.`` only.
        text: the words.
        class_ids: the class id of each attribute, -1 where the words leave it open; empty where any words may be asked
            for.
    """

    id: str
    text: str
    class_ids: tuple[int, ...]


def parse_prompt(text: str, attributes: Sequence[Attribute]) -> tuple[int, ...]:
    """Return the class that a prompt asks for, attribute by attribute.

    Colors of faces are written as ``blue hair`` and ``red eyes``, in any order, one of them left out or not, ``grey``
    as well as ``gray``; classes of other data sets by their names, of one word or several, or as ``attribute=class``.
    Commas between them do no harm.

    Args:
        text: the words.
        attributes: the attributes of the data set.

    Returns:
        One class id an attribute, -1 where the prompt says nothing.

    Raises:
        ValueError: if a word is not known (it is named, with those that are), or two classes of one attribute are
            asked for, or nothing at all.

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
            raise ValueError(f"{text!r} asks for {attributes[attribute].name} twice; a prompt may name it once")
        class_ids[attribute] = class_id
    return tuple(class_ids)


def find_classes(text: str, attributes: Sequence[Attribute]) -> list[Choice]:
    """Return all classes that a text names, in its order; several of one attribute too, as pictures with several have.

    Args:
        text: the words, as `parse_prompt` reads them.
        attributes: the attributes of the data set.

    Raises:
        ValueError: if a word is not known, or there is none.

    Example:
        >>> from examples.anime_faces.data import FACE_ATTRIBUTES
        >>> [tuple(choice) for choice in find_classes("blue hair gray hair red eyes", FACE_ATTRIBUTES)]
        [(0, 8), (0, 3), (1, 9)]
    """
    if not attributes:
        raise ValueError("this data set has no attributes, so pictures cannot be asked for by words")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"a prompt must have at most {_LONGEST_TEXT} letters, got {len(text)}")
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
    """Read a file of prompts, one a line, as ``id,text`` or as the text alone. Empty lines are passed over.

    A line without an id is named by its number, or the next number that is free.

    Args:
        path: the file, UTF-8.
        parse: reads the class ids out of a text, or raises ValueError where it cannot be understood.

    Raises:
        ValueError: naming file and line, if a prompt cannot be understood, an id is given twice or is not fit for the
            name of a file; or if there is no prompt at all.
    """
    path = Path(path)
    parts = [(number, *_split_id(line)) for number, line in read_lines(path) if line.strip()]
    if not parts:
        raise ValueError(f"{path} holds no prompts")
    taken: set[str] = set()
    for number, name, _ in parts:
        if name is not None:
            if not _ID.fullmatch(name):
                raise ParseError(path, number, f"an id must be of letters, digits, '_', '-' and '.', got {name!r}")
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

    What stands before the first comma is an id if it is one word, and has a digit or is followed by the text without a
    blank: in ``touhou, blue hair`` the first word is part of the text.
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
    """Cut the words into as few phrases as possible, the longer ones first; None if they cannot be cut."""
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
    """Return the words from the furthest point that phrases reach to where the next phrase begins."""
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
