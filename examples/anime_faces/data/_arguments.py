"""Commands in words that a user can paste into a terminal."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = "examples.anime_faces"
_PLAIN_ARGUMENT = re.compile(r"[\w@+=:,./-]+", re.ASCII)
_IN_DOUBLE_QUOTES = re.compile(r"[^\"$`\\!%\r\n\0]*")


def as_argument(text: str) -> str:
    """Return a word as a user can paste it into a terminal: in double quotes where every shell reads them in the same way.

    Example:
        >>> print(as_argument("runs/a"), as_argument("blue hair"), as_argument('say "x"'))
        runs/a "blue hair" 'say "x"'
    """
    if _PLAIN_ARGUMENT.fullmatch(text):
        return text
    return f'"{text}"' if _IN_DOUBLE_QUOTES.fullmatch(text) else shlex.quote(text)


def command_line(words: Sequence[str]) -> str:
    """Return a command of this program as a user can paste it into a terminal."""
    python = Path(sys.executable)
    is_here = python.is_relative_to(Path.cwd())  # in a virtual environment of this folder
    shown = python.relative_to(Path.cwd()).as_posix() if is_here else "python"
    return " ".join(map(as_argument, [shown, "-m", PROGRAM, *words]))
