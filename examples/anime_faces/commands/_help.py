"""How the help of a command is shown: wrapped to the width of the terminal, without markup."""

import inspect
import io
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, TextIO, get_origin

from examples.anime_faces.printing import COLOR, say
from examples.anime_faces.recipes import LENGTHS, Length

WIDEST = 100
BOX = "╭│╰+|"
TIMES = (
    "Without --steps or --minutes, a run has the steps of its recipe. The times were measured on two CPU cores, for "
    "pictures of 32x32 pixels, with the options that the recipe's page in the guide names; the defaults are mostly wider and "
    "take longer, and so do larger pictures. No GPU was measured. `recipes --measure` times a step on this machine."
)
_CHOICES = re.compile(r"\{([\w,.-]+)\}(\S*)")


class Captured(io.TextIOWrapper):
    """Keeps what is printed, and answers for the real output: whether it is a terminal, which has colors, and its encoding."""

    def __init__(self, real: TextIO) -> None:
        super().__init__(io.BytesIO(), encoding=real.encoding or "utf-8", errors="backslashreplace", write_through=True)
        self._real = real

    def isatty(self) -> bool:
        """Whether the real output is a terminal."""
        return self._real.isatty()

    def text(self) -> str:
        """Return what was printed."""
        self.seek(0)
        return self.read()


def with_readable_help(parse: Callable[[], Any]) -> Any:
    """Call what parses a command line; where it prints help, show that as `readable` returns it."""
    captured = Captured(sys.stdout)
    try:
        with redirect_stdout(captured):
            return parse()
    finally:
        if text := captured.text():
            width = min(WIDEST, max(40, shutil.get_terminal_size().columns))
            say(*readable(text, width).removesuffix("\n").split("\n"), colors=True)


def readable(text: str, width: int) -> str:
    r"""Return a help text with long lines wrapped, and without the signs of markup and of Python's types.

    Lines of boxes keep their width.

    Example:
        >>> print(readable("usage: run [-h] [--size INT]\n\nMake what `train` reads.", 20))
        usage: run [-h]
               [--size INT]
        <BLANKLINE>
        Make what 'train'
        reads.
    """
    plain = _CHOICES.sub(lambda found: f"{found[1].replace(',', '|')}{found[2]}  ", text.replace("`", "'"))
    return "\n".join("\n".join(_wrapped(line.rstrip(), width)) for line in plain.split("\n"))


def _wrapped(line: str, width: int) -> list[str]:
    plain = COLOR.sub("", line)
    if len(plain) <= width or plain[0] in BOX:
        return [line]
    indent = len(plain) - len(plain.lstrip(" "))
    plain = plain.lstrip(" ")
    rest = len("usage: ") if plain.startswith("usage:") else indent
    return textwrap.wrap(
        plain,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def description_of_train(command: type[Any], recipe: str) -> str:
    """Return what `train` does, and how long a run of this recipe is; of the default recipe, how long those of all are."""
    about = inspect.cleandoc((get_origin(command) or command).__doc__ or "")
    if recipe not in LENGTHS:  # one from outside, or a new one
        from examples.anime_faces.recipes import find_recipe

        return f"{about}\n\nWithout --steps or --minutes, a run of {recipe} has {find_recipe(recipe).steps:,} steps."
    lengths = LENGTHS if recipe == "default" else {recipe: LENGTHS[recipe]}
    rows = [f"    {'recipe':<16}{'steps':>8}{'1,000 steps':>14}{'all of them':>14}"]
    rows += [
        f"    {name:<16}{length.steps:>8,}{_thousand(length):>14}{_whole(length):>14}"
        for name, length in lengths.items()
    ]
    return "\n".join([about, "", TIMES, "", *rows])


def _thousand(length: Length) -> str:
    seconds = 1000 * length.seconds
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _whole(length: Length) -> str:
    minutes = length.steps * length.seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
