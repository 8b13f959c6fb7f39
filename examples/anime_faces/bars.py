"""Progress bars: a bar where somebody watches a terminal, lines now and then where the output goes to a file."""

import io
import os
import sys
from typing import Any, TextIO

from tqdm import tqdm

from examples.anime_faces.printing import say

SECONDS_BETWEEN_LINES = 15.0
LINE = "{desc}: {n_fmt} of {total_fmt} {unit}{pace}{postfix}"
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} {unit}, {elapsed} passed{pace}{postfix}"


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
            bar_format=BAR if self._watched else LINE,
            file=sys.stderr if self._watched else io.StringIO(),  # lines are written by `display`
        )

    @property
    def format_dict(self) -> dict[str, Any]:
        """What a line can show: that of tqdm, and the time left with the pace, which is empty before it is known."""
        known = super().format_dict
        done, seconds = self.n - self.initial, known["elapsed"]
        rate = known["rate"] or (done / seconds if done > 0 and seconds else 0.0)
        return {**known, "pace": _pace(rate, max(0, self.total - self.n), self.unit) if rate else ""}

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Show how far the work is."""
        if self._watched:
            super().display(msg, pos)
        elif msg is None and self.n > 0:
            say(self, error=True, flush=True)


def _pace(rate: float, left: float, unit: str) -> str:
    """Return the time left, and the pace with the number that is not below 1.

    Example:
        >>> _pace(1.5, 90, "steps"), _pace(0.25, 3, "steps"), _pace(194.4, 0, "faces")
        (', 01:00 left at 1.5 steps/s', ', 00:12 left at 4 s a step', ', 00:00 left at 194 faces/s')
    """
    words = f"{rate:.3g} {unit}/s" if rate >= 1 else f"{1 / rate:.3g} s a {unit.removesuffix('s')}"
    return f", {tqdm.format_interval(left / rate)} left at {words}"


def _is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal with room for a bar; some have no columns, and tqdm shows nothing there."""
    try:
        return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):  # it is closed, or is not a file
        return False
