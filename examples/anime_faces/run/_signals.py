"""Ctrl-C and SIGTERM: the first finishes the step and saves, the second ends at once."""

import os
import signal
from types import FrameType
from typing import Self

CAUGHT = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While entered, remember the first signal instead of dying from it.

    A second signal ends the process at once with the same exit code; a checkpoint that is being written then stays
    unfinished under its temporary name, and the one before it is whole.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        self._before: dict[int, object] = {}

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM, 0 otherwise."""
        return 0 if self.caught is None else 128 + self.caught

    def __enter__(self) -> Self:
        """Take the signals over."""
        for number in CAUGHT:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.caught is not None:
            os._exit(128 + number)
        self.caught = number
        # Write straight to the descriptor: printing from a handler may re-enter a locked stream.
        os.write(2, b"\nfinishing this step, then saving; once more ends at once\n")
