"""Dividing work among processes, with the results in the order of the tasks."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TypeVar

from examples.anime_faces.printing import say

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST_ON_WINDOWS = 61
"""Windows waits for at most 64 handles at once, three of which the pool needs itself."""


def default_workers() -> int:
    """Return the number of processor cores that this program may use; macOS and Windows only give the number of all."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def ordered_map(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, workers: int
) -> Generator[Result, None, None]:
    """Apply ``function`` to every task and yield the results in the order of the tasks, whatever the number of workers.

    Workers are spawned, because a fork would copy a process whose threads may hold locks. Only a few tasks run or wait at any
    time, so the use of memory is bounded. An error in a task is raised here. Close the generator (see `contextlib.closing`) to
    end the workers early. Where no worker can start, since a script lacks its main guard, a program comes from standard input
    or a system allows no processes, a note says so and the work is done in this process.

    Args:
        function: A function at the top level of a module, which the workers can import.
        tasks: The arguments of its calls; they must be picklable.
        workers: Number of processes (at most 61 on Windows). 0: work in this one.

    Raises:
        ValueError: ``workers`` is negative.
        ChildProcessError: A worker was killed, or ended by itself; the message says how.
    """
    if workers < 0:
        raise ValueError(f"workers must be at least 0, got {workers}")
    if workers == 0:
        return (function(task) for task in tasks)
    return _map_in_processes(function, tasks, workers)


def _map_in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Generator[Result, None, None]:
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A script without a main guard: this is its worker, which imports the script and so arrives here again.
        raise SystemExit(1)
    crew = _Crew(min(workers, MOST_ON_WINDOWS) if sys.platform == "win32" else workers)
    left = iter(tasks)
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    try:
        for task in left:
            try:
                waiting.append((task, crew.submit(function, task)))
            except _NoWorkersError:
                left = chain([task], left)
                raise
            if len(waiting) > 2 * workers:
                yield crew.result(waiting[0][1])
                waiting.popleft()
        while waiting:
            yield crew.result(waiting[0][1])
            waiting.popleft()
    except _NoWorkersError as error:
        say(f"note: no worker process could start, so all is done in this one, which takes longer: {error}")
        yield from map(function, [task for task, _ in waiting])
        yield from map(function, left)
    finally:
        crew.dismiss()


class _NoWorkersError(Exception):
    """No worker has ever begun to work."""


class _Crew:
    """Worker processes, which say that they have begun; and why there are none, or none any more."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._begun: Event | None = None
        self._processes: list[BaseProcess] = []

    def submit(self, function: Callable[[Task], Result], task: Task) -> "Future[Result]":
        """Give a task to the workers."""
        try:
            if self._pool is None:
                script = _script()
                if script is not None and not Path(script).exists():
                    raise _NoWorkersError(f"each worker would import the program, but {script} is no file")
                context = multiprocessing.get_context("spawn")
                self._begun = context.Event()
                self._pool = ProcessPoolExecutor(
                    self._workers, context, initializer=_start_worker, initargs=(self._begun,)
                )
            future = self._pool.submit(function, task)
        except BrokenProcessPool as error:
            raise self._reason() from error
        except (OSError, ImportError, NotImplementedError, AssertionError) as error:
            if self._begun is not None and self._begun.is_set():
                raise
            raise _NoWorkersError(str(error) or type(error).__name__) from error
        self._processes += [one for one in multiprocessing.active_children() if one not in self._processes]
        return future

    def result(self, future: "Future[Result]") -> Result:
        """Wait for a result."""
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise self._reason() from error

    def dismiss(self) -> None:
        """End all workers."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _reason(self) -> Exception:
        self.dismiss()  # the exit codes are known afterwards
        assert self._begun is not None  # a pool that breaks was made together with it
        if not self._begun.is_set():
            return _NoWorkersError(_why_none_starts())
        codes = [one.exitcode for one in self._processes if one.exitcode]
        # The pool itself ends the other workers by SIGTERM.
        code = next((code for code in codes if code != -signal.SIGTERM), None)
        if code == -getattr(signal, "SIGKILL", 0):
            return ChildProcessError(
                "a worker process was killed (SIGKILL), which a system does when memory runs out; try fewer with --workers"
            )
        words = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        return ChildProcessError(
            f"a worker process {words}; --workers 0 does the work in this process and shows its errors"
        )


def _script() -> str | None:
    """Return the script that workers import, or None: a module that runs as a program, a notebook and `python -c` have none."""
    main = sys.modules.get("__main__")
    return getattr(main, "__file__", None) if getattr(main, "__spec__", None) is None else None


def _why_none_starts() -> str:
    script = _script()
    if script is None:
        return "they ended at their start"
    return (
        f'each worker imports {script}, so what it does must stand under `if __name__ == "__main__":`, and what it imports '
        "must be there"
    )


def _start_worker(begun: Event) -> None:
    # Ctrl-C reaches the whole group of processes; only the parent decides what to do then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begun.set()


def _end_with_parent() -> None:
    """End when the parent has ended: a killed parent cannot stop its workers, which would wait for tasks forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
