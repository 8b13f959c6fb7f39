"""Run a function on 0, 1, 2, ... in forked processes, and go on where one of them dies."""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

Result = TypeVar("Result")


def share(
    work: Callable[[int], Result], todo: Sequence[int], processes: int, what: str, keep: Callable[[int, Result], None]
) -> None:
    """Call `keep` with each of the numbers and its result, in their order; `work` must be a function of a module."""
    done, died_after = 0, -1
    while done < len(todo):
        try:
            with ProcessPoolExecutor(processes, get_context("fork"), initializer=_be_quiet) as pool:
                for result in pool.map(work, todo[done:], chunksize=1):
                    keep(todo[done], result)
                    done += 1
                    if done % 100 == 0 or done == len(todo):
                        sys.stderr.write(f"{done} of {len(todo)} {what}\n")
        except BrokenProcessPool:  # somebody ended a process, or memory ran out: one more try from there on
            if died_after == done:
                raise
            died_after = done
            sys.stderr.write(f"a process died after {died_after} of {len(todo)} {what}; going on from there\n")


def _be_quiet() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
