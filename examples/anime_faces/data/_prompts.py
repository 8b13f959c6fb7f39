"""A file of prompts, one on each line, with ids that name the pictures drawn of them."""

import re
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from examples.anime_faces.data._lines import ParseError, read_lines, without_collection
from examples.anime_faces.data._names import clean_name, file_key
from examples.anime_faces.data._texts import has_word

_ID = re.compile(r"[\w-][\w.-]*")
_QUOTED_ID = re.compile(r'\s*"([^"]*)"\s*,(.*)')
_LONGEST_ID = 150  # of bytes: most file systems take names of 255


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


@without_collection()
def read_prompts(path: Path | str, parse: Callable[[str], tuple[int, ...]]) -> list[Prompt]:
    """Read a file of prompts, one on each line, as ``id,text`` or as the text alone. Empty lines are ignored.

    The id of a line without one is its number, or the next number that is free. A comma in double quotes ends no id, so
    that everything `describe` returns may be a line.

    Args:
        path: The file, UTF-8.
        parse: Returns the class ids of a text, or raises ValueError if it cannot be understood.

    Raises:
        ValueError: A prompt cannot be understood, an id is given twice (case and Unicode forms do not tell files apart
            everywhere), is too long or has forbidden characters (the message names file and line); or there is no prompt.
    """
    path = Path(path)
    known: dict[str, str] = {}  # so that equal texts are kept once
    taken: dict[str, str] = {}  # by the key of the file's name
    parts: deque[tuple[int, str | None, str]] = deque()
    for number, line in read_lines(path):
        if line.strip():
            name, text = _split_id(line)
            parts.append((number, name, known.setdefault(text, text)))
            if name is not None:
                key = file_key(name)
                if problem := _problem_of_id(name, taken.get(key)):
                    raise ParseError(path, number, problem)
                taken[name if key == name else key] = name
    if not parts:
        raise ValueError(f"{path} contains no prompts")
    prompts: list[Prompt] = []
    meanings: dict[str, tuple[int, ...]] = {}
    after = 0  # numbers below it are taken or passed, so that each is looked at once
    while parts:
        number, name, text = parts.popleft()
        try:
            class_ids = meanings.get(text) or meanings.setdefault(text, parse(text))
        except ValueError as error:
            raise ParseError(path, number, str(error)) from error
        own = name
        if own is None:
            own = free_id(max(number, after), taken)
            after = int(own) + 1
            taken[own] = own
        prompts.append(Prompt(own, text, class_ids))
    return prompts


def _problem_of_id(name: str, same: str | None) -> str:
    if not _ID.fullmatch(name):
        return f"an id must consist of letters, digits, '_', '-' and '.', got {name!r}"
    if len(name.encode()) > _LONGEST_ID:
        return (
            f"an id must have at most {_LONGEST_ID} bytes, since it becomes part of a file's name, got {name[:40]!r}..."
        )
    if same == name:
        return f"the id {name!r} is given twice"
    if same is not None:
        return f"the ids {same!r} and {name!r} would name the same file on many systems; change one of them"
    return ""


def _split_id(line: str) -> tuple[str | None, str]:
    """Return the id and the text.

    The part before the first comma is an id if it is one word, and if it has a digit or no blank follows the comma. In
    ``touhou, blue hair`` the first word is part of the text. An id may be in double quotes; a text may have commas in them.
    """
    quoted = _QUOTED_ID.fullmatch(line)
    head, comma, tail = (quoted[1], ",", quoted[2]) if quoted else line.partition(",")
    apart = tail[:1].isspace() and has_word(head) and not any(letter.isdigit() for letter in head)
    if comma and '"' not in head and len(head.split()) <= 1 and not apart:
        return clean_name(head), tail.strip()
    return None, line.strip()


def free_id(number: int, taken: Container[str]) -> str:
    """Return the number as an id, or the next one that is not taken."""
    while str(number) in taken:
        number += 1
    return str(number)
