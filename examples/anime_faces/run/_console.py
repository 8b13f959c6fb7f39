"""What a session shows and hears in the terminal: the progress bar, Ctrl-C and SIGTERM."""

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Self

from examples.anime_faces.bars import Bar
from examples.anime_faces.printing import say
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.systems import System

CAUGHT = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While entered, remember the first signal instead of ending the process.

    A second signal ends the process at once, with the same exit code. A checkpoint that is being written then stays
    unfinished under its temporary name, and the one before it is intact.

    A training that has reached its end is a success, whatever comes after its last step: once `finish` is called, signals are
    too late to stop anything, and a second one ends the process with 0.

    Python lets only the main thread of a program set handlers. In another one, such as a worker of a notebook or a web page,
    nothing is caught, and signals do what the program around decides.

    Args:
        is_announced: Say at once what happens; of several ranks, the first says it when all have agreed.
    """

    def __init__(self, *, is_announced: bool = True) -> None:
        self._is_announced = is_announced
        self.caught: int | None = None
        self._is_finished = False
        self._before: dict[int, object] = {}

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM, 0 otherwise, and where the training had reached its end."""
        return 0 if self.caught is None or self._is_finished else 128 + self.caught

    def finish(self) -> None:
        """Note that the training has reached its end, and that its state is saved."""
        self._is_finished = True

    def __enter__(self) -> Self:
        """Start catching signals."""
        if threading.current_thread() is threading.main_thread():
            for number in CAUGHT:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the handlers from before."""
        for number, handler in self._before.items():
            # None: the handler was not set from Python, so Python cannot set it again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # pyright: ignore[reportArgumentType]

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.caught is not None:
            os._exit(0 if self._is_finished else 128 + number)
        self.caught = number
        if not self._is_announced or self._is_finished:
            return
        # Write straight to the descriptor: printing from a handler may re-enter a locked stream.
        with suppress(OSError):  # it is closed
            os.write(2, b"\nfinishing this step, then saving; once more ends at once\n")


class Progress:
    """The progress bar: steps with the time left, pictures per second, updates of each network, the gap of scores."""

    def __init__(self, system: System, feed: Feed, steps: int, step: int) -> None:
        self._schedule, self._feed, self._step = system.schedule, feed, step
        rounds = [system.schedule(t) for t in range(step)]
        self._critic = sum(one.critic for one in rounds)
        self._generator = sum(one.generator for one in rounds)
        self._since, self._images_before = time.monotonic(), self.images
        self._first, self._steps, self._begun = step, steps, time.monotonic()
        self.bar = Bar(total=steps, initial=step, unit="steps", desc="training")

    @property
    def images(self) -> int:
        """Number of real pictures used so far."""
        return self._feed.draws * self._feed.batch_size

    def advance(self) -> None:
        """Count one more step."""
        one = self._schedule(self._step)
        self._step += 1
        self._critic += one.critic
        self._generator += one.generator
        self.bar.update()

    def seconds_left(self) -> float:
        """Return the seconds that the remaining steps take at the pace of this session so far."""
        done = max(1, self._step - self._first)
        return (time.monotonic() - self._begun) / done * (self._steps - self._step)

    def follow(self, system: System, feed: Feed, steps: int, message: str) -> None:
        """Continue with another plan, and say so above the bar."""
        self._schedule, self._feed, self._steps = system.schedule, feed, steps
        self.bar.total = steps
        self.say(message)

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        with self.bar.external_write_mode():
            say(message)

    def images_per_second(self) -> float:
        """Return the pictures per second since the last call."""
        now = time.monotonic()
        rate = (self.images - self._images_before) / max(now - self._since, 1e-9)
        self._since, self._images_before = now, self.images
        self._rate = rate
        return rate

    def show(self, averages: dict[str, float]) -> None:
        """Show the figures behind the bar."""
        gap = f", gap {averages['critic gap']:.2f}" if "critic gap" in averages else ""
        text = f"{self._rate:.0f} images/s, {self._critic} critic and {self._generator} generator updates{gap}"
        self.bar.set_postfix_str(text, refresh=False)
