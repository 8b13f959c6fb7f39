"""The one place that prints: nothing reaches the terminal that could command it, and a closed output ends no training."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Signs that a terminal or a browser obeys or hides: control characters, directions of writing, lone surrogates. The joiners of
letters, which some scripts need, are none of them."""

COLOR = re.compile("(\x1b\\[[0-9;]*m)")
"""A sequence that changes the color or the weight of letters, and nothing else."""

_can_do_without = [False]


def visible(text: str) -> str:
    r"""Return a text with escapes in place of signs that command a terminal, or that change the order of what is read.

    Names of files, classes and tags may have such signs in them. Line feeds and tabs stay; see `one_line`.

    Example:
        >>> visible("red\x1b[2J"), visible("a\u202eb"), visible("caf\xe9\n")
        ('red\\x1b[2J', 'a\\u202eb', 'café\n')
    """
    return text if text.isprintable() else _HIDDEN.sub(_escape, text)


def one_line(text: object) -> str:
    r"""Return a text as `visible` does, with escapes in place of line feeds too: a name must not look like a message.

    Example:
        >>> one_line("no\nerror: all is well")
        'no\\x0aerror: all is well'
    """
    return visible(str(text)).replace("\n", "\\x0a")


def _escape(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def say(*lines: object, error: bool = False, flush: bool = False, colors: bool = False) -> None:
    """Print a line, or several, together.

    Args:
        lines: What to print. A line feed within one is a part of some name, and is escaped.
        error: Whether it goes to the error output.
        flush: Whether it must be seen at once.
        colors: Whether sequences that only change how letters look are kept, as in a help text.
    """
    shown = [_with_colors(str(line)) if colors else one_line(line) for line in lines]
    try:
        print("\n".join(shown), file=sys.stderr if error else sys.stdout, flush=flush)
    except OSError:
        if not _can_do_without[0]:
            raise


def _with_colors(line: str) -> str:
    return "".join(piece if place % 2 else one_line(piece) for place, piece in enumerate(COLOR.split(line)))


def open_closed_streams() -> None:
    """Let the standard streams that are closed (`>&-`) lead to nothing, as if they were the null device.

    Python has None in their place. Their numbers are taken too, or the next file that is opened would get what is written to
    them, also by libraries and worker processes.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - stays open
            if stream.fileno() == number:
                os.set_inheritable(number, True)
            setattr(sys, name, stream)


@contextmanager
def without_readers() -> Iterator[None]:
    """Inside, continue where the output cannot be written any more: its reader has gone (`| head`), or the disk is full."""
    before, _can_do_without[0] = _can_do_without[0], True
    try:
        yield
        with suppress(OSError):
            sys.stdout.flush()
    finally:
        _can_do_without[0] = before
