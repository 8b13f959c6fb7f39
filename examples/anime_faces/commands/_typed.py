"""The arguments of a command line as people type them: their home folder, and mistakes that a parser cannot explain."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Any

from examples.anime_faces.commands._help import Captured
from examples.anime_faces.printing import say

LENGTH = "give the length as --steps or --minutes; an epoch is as many steps as the pictures divided by the batch size"
SIZE = "pictures have the size that their data set was prepared with, by `prepare --size`"
MEANT: Mapping[str, Mapping[str, str]] = {
    "train": {"--epochs": LENGTH, "--epoch": LENGTH, "--size": SIZE, "--image-size": SIZE, "--resolution": SIZE},
    "check": {"--epochs": LENGTH, "--epoch": LENGTH, "--size": SIZE, "--image-size": SIZE, "--resolution": SIZE},
    "demo": {"--epochs": LENGTH, "--epoch": LENGTH},
}
"""By command: options of other programs that it does not have, and what to give in their place."""
PICTURES = ("train", "check")
"""Commands that take a data set, and are given pictures by mistake."""
POSITIONAL = ("evaluate", "report", "digest", "compare")
"""Commands that take runs without an option."""
_BOX = re.compile("[│╭╮╰╯─|]|\x1b\\[[0-9;]*m")
_NUMBER = re.compile(
    r"Error parsing (--[\w-]+): (?:no type matching \{None\}.(INT|FLOAT) could be instantiated from \['(.*?)'\]"
    r"|invalid literal for (int)\(\) with base 10: '(.*?)'|could not convert string to (float): '(.*?)')"
)
_UNKNOWN = re.compile(r"Unrecognized options: (.+?) (?:Perhaps|For full)")


def with_home(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the home folder in place of ``~``, which a shell leaves in quotes and after an equals sign."""
    return [_at_home(one) for one in arguments]


def _at_home(argument: str) -> str:
    flag, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    if not re.match(r"~[/\\]|~$", value):
        return argument
    with suppress(RuntimeError):  # nobody knows a home folder
        return f"{flag}{equals}{Path(value).expanduser()}"
    return argument


def refuse_mistaken(name: str, arguments: Sequence[str]) -> None:
    """Refuse options of other programs and other commands, and say what to give in their place.

    Args:
        name: The command.
        arguments: Its arguments.

    Raises:
        ValueError: There is one.
    """
    for place, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        meant = MEANT.get(name, {}).get(flag.replace("_", "-"))
        if flag == "--images" and name in PICTURES:
            meant = "make a data set of the pictures first, with `prepare --images`, and give it as --data"
        if flag == "--run" and name in POSITIONAL:
            run = value if equals else " ".join(arguments[place + 1 : place + 2])
            meant = f"give the folder without it, as in `{name} {run or 'runs/NAME'}`"
        if meant is not None:
            raise ValueError(f"{name} has no {flag}: {meant}")


def with_plain_errors(parse: Callable[[], Any], arguments: Sequence[str]) -> Any:
    """Call what parses a command line; explain its errors about numbers and about words without quotes.

    Args:
        parse: Ends the process with 2 where it cannot parse, after it has printed why.
        arguments: What it parses.

    Raises:
        ValueError: An option needs a number and has something else.
    """
    captured = Captured(sys.stderr)
    try:
        with redirect_stderr(captured):
            return parse()
    except SystemExit:
        text = captured.text()
        plain = " ".join(_BOX.sub(" ", text).split())
        if (number := _NUMBER.search(plain)) is not None:
            groups = [one for one in number.groups() if one is not None]
            kind = "a whole number" if groups[1].lower() == "int" else "a number"
            raise ValueError(f"{groups[0]} must be {kind}, but it is {groups[2]!r}") from None
        say(*text.removesuffix("\n").split("\n"), error=True, colors=True)
        unknown = _UNKNOWN.search(f"{plain} For full")
        if unknown is not None and (meant := quoted(arguments, unknown[1].split(", "))):
            say(f"A path or a prompt with spaces must be in quotes; did you mean {meant}?", error=True)
        raise


def quoted(arguments: Sequence[str], unknown: Sequence[str]) -> str:
    """Return the words before and after the first unknown one as one argument in quotes; empty if an option comes before.

    Example:
        >>> quoted(["--data", "my", "pictures", "--out", "x"], ["pictures"])
        '--data "my pictures"'
    """
    word = unknown[0]
    if word.startswith("-") or word not in arguments:
        return ""
    at = arguments.index(word)
    start, end = at, at + 1
    while start > 0 and not arguments[start - 1].startswith("-"):
        start -= 1
    while end < len(arguments) and not arguments[end].startswith("-"):
        end += 1
    if end - start < 2:
        return ""
    flag = f"{arguments[start - 1]} " if start else ""
    return f'{flag}"{" ".join(arguments[start:end])}"'
