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
from typing import TypeVar

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
    end the workers early.

    Args:
        function: A function at the top level of a module, which the workers can import.
        tasks: The arguments of its calls; they must be picklable.
        workers: Number of processes (at most 61 on Windows). 0: work in this one.

    Raises:
        ValueError: ``workers`` is negative.
        ChildProcessError: A worker was killed.
    """
    if workers < 0:
        raise ValueError(f"workers must be at least 0, got {workers}")
    if workers == 0:
        return (function(task) for task in tasks)
    return _map_in_processes(function, tasks, workers)


def _map_in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Generator[Result, None, None]:
    if sys.platform == "win32":
        workers = min(workers, MOST_ON_WINDOWS)
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "a worker process was killed, perhaps because memory ran out; try fewer with --workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C reaches the whole group of processes; only the parent decides what to do then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the parent has ended: a killed parent cannot stop its workers, which would wait for tasks forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
