"""``report.html`` while the work continues: there from its first seconds, and renewed as it proceeds."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from examples.anime_faces.errors import RunLockedError
from examples.anime_faces.printing import say
from examples.anime_faces.report._page import write_page, write_report
from examples.anime_faces.report._pictures import Embedded, faces_of
from examples.anime_faces.report._status import status_of
from examples.anime_faces.run import Moment, RunFolder

LEAST_PAUSE = 5.0  # seconds between two writings
SHARE = 0.003  # of the time is spent on writing where no grid is drawn
MOST_FACES = 60


class LivePage:
    """Writes ``report.html`` while the work continues; a context manager that writes it a last time when the work ends.

    Writing takes at most 0.3 % of the time, beside a tenth of a second for each new grid. Nothing that fails here stops the
    work: it is said once, and tried again later.

    Args:
        folder: The folder of the run, which need not exist yet.
        stages: The parts of the work in their order, in words.
        recipe: The run's recipe, if it is from outside and its description should be shown.
    """

    def __init__(self, folder: Path, stages: Sequence[str] = ("training",), recipe: str | None = None) -> None:
        self._folder, self._stages, self._recipe = RunFolder(folder), tuple(stages), recipe
        self._stage = self._stages[0]
        self._moment: Moment | None = None
        self._faces: list[Embedded] = []
        self._begun = self._told = time.monotonic()
        self._written = -math.inf  # long ago: the first moment is written
        self._done_before = 0
        self._pace, self._pause = 0.0, LEAST_PAUSE
        self._is_live = self._has_new_grid = self._counts_writing = self._has_complained = False

    def __enter__(self) -> Self:
        """Return the page; nothing is written before there is something to see."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the page a last time: it says how the work ended, and loads itself no more."""
        if not self._is_live or isinstance(error, RunLockedError):  # the folder is of another run
            return
        if isinstance(error, Exception):
            self._write(str(error) or type(error).__name__)
        elif self._folder.settings.exists():
            self._guarded(lambda: write_report(self._folder.path, self._recipe))
        else:
            self._write("It was stopped. Repeat the command to continue.")

    def enter(self, stage: str) -> int:
        """Say which part of the work begins; return its number, counted from 1."""
        self._stage, self._moment = stage, None
        self._told = time.monotonic()
        if self._is_live or self._folder.settings.exists():
            self._write()
        return self._stages.index(stage) + 1

    def watch(self, moment: Moment) -> None:
        """Say how far the training is: the page is written at new grids, and now and then in between."""
        self._note(moment)
        self._has_new_grid = self._has_new_grid or moment.has_new_grid
        if time.monotonic() - self._written > (LEAST_PAUSE if self._has_new_grid else self._pause):
            self._write()

    def watch_pictures(self, done: int, total: int, images: np.ndarray) -> None:
        """Say how far the preparation of the data set is, and show its first pictures."""
        begins = not self._faces
        if begins:  # how long the start took says nothing about the rest
            self._begun, self._done_before = time.monotonic(), done
        counted = done - self._done_before
        left = (time.monotonic() - self._begun) / counted * (total - done) if counted else None
        self._note(Moment(done=done, total=total, unit="pictures", seconds_left=left))
        self._guarded(lambda: self._faces.extend(faces_of(list(images[: MOST_FACES - len(self._faces)]))))
        if begins or time.monotonic() - self._written > self._pause:
            self._write()

    def _note(self, moment: Moment) -> None:
        now = time.monotonic()
        self._moment, self._pace, self._told = moment, now - self._told, now

    def _write(self, error: str = "") -> None:
        begun = time.thread_time()
        status = status_of(self._stages, self._stage, self._moment, pause=self._pause, pace=self._pace, error=error)
        self._guarded(lambda: write_page(self._folder, self._recipe, status, self._faces))
        self._is_live, self._has_new_grid = True, False
        self._written = time.monotonic()
        if self._counts_writing:  # the first writing loads the templates
            self._pause = max(LEAST_PAUSE, (time.thread_time() - begun) / SHARE)
        self._counts_writing = True

    def _guarded(self, write: Callable[[], object]) -> None:
        """Write, and say once if that fails: a page is not worth the loss of a training."""
        try:
            write()
        except Exception as error:  # noqa: BLE001 - whatever it is, the training goes on
            if not self._has_complained:
                say(f"note: {self._folder.report} cannot be written now; the work continues: {error}")
            self._has_complained = True
