"""The one place that prints: nothing reaches the terminal that could command it, and a closed output ends no training."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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

    Names of files, classes and tags may have such signs in them. Line feeds and tabs stay.

    Example:
        >>> visible("red\x1b[2J"), visible("a\u202eb"), visible("caf\xe9\n")
        ('red\\x1b[2J', 'a\\u202eb', 'café\n')
    """
    return text if text.isprintable() else _HIDDEN.sub(_escape, text)


def _escape(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def say(text: object, *, error: bool = False, flush: bool = False, colors: bool = False) -> None:
    """Print a line, or several.

    Args:
        text: What to print.
        error: Whether it goes to the error output.
        flush: Whether it must be seen at once.
        colors: Whether sequences that only change how letters look are kept, as in a help text.
    """
    pieces = COLOR.split(str(text)) if colors else [str(text)]
    shown = "".join(piece if place % 2 else visible(piece) for place, piece in enumerate(pieces))
    try:
        print(shown, file=sys.stderr if error else sys.stdout, flush=flush)
    except OSError:
        if not _can_do_without[0]:
            raise


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
