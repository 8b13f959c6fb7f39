"""Progress bars: a bar where somebody watches a terminal, lines now and then where the output goes to a file."""

import io
import os
import sys
from typing import TextIO

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 15.0
LINE = "{desc}: {n_fmt} of {total_fmt} {unit}, {remaining} left at {rate_fmt}{postfix}"


class Bar(tqdm):
    """A bar of tqdm on the error output; each refresh is a line of its own where that is not a terminal.

    Args:
        total: How much there is to do.
        unit: What is counted, in the plural.
        desc: What is being done, in one word or two.
        initial: How much is done already.
    """

    def __init__(self, *, total: int, unit: str, desc: str, initial: int = 0) -> None:
        self._watched = _is_terminal(sys.stderr)
        super().__init__(
            total=total,
            initial=initial,
            unit=unit,
            desc=desc,
            mininterval=0.2 if self._watched else SECONDS_BETWEEN_LINES,
            miniters=0 if self._watched else 1,
            maxinterval=10.0 if self._watched else SECONDS_BETWEEN_LINES,
            dynamic_ncols=True,
            smoothing=0.1,
            bar_format=None if self._watched else LINE,
            file=sys.stderr if self._watched else io.StringIO(),  # lines are written by `display`
        )

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Show how far the work is."""
        if self._watched:
            super().display(msg, pos)
        elif msg is None and self.n > 0:
            print(self, file=sys.stderr, flush=True)


def _is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal with room for a bar; some have no columns, and tqdm shows nothing there."""
    try:
        return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):  # it is closed, or is not a file
        return False
