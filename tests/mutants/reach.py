"""Which lines of the library each test runs, and how long it takes: most mutants need few of the tests."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

Line = tuple[str, int]
Trace = Callable[[FrameType, str, Any], Any]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What one test does in an unchanged library."""

    passed: bool
    seconds: float  # of the processor
    lines: frozenset[Line] = field(repr=False)

    def covers(self, file: str, lines: range | None) -> bool:
        """Whether the test runs one of these lines of a file; any line of it for None."""
        if lines is None:
            return any(name == file for name, _ in self.lines)
        return any((file, line) in self.lines for line in lines)


@contextmanager
def traced(files: frozenset[str]) -> Iterator[set[Line]]:
    """Collect the lines of these files that run inside."""
    seen: set[Line] = set()

    def local(frame: FrameType, event: str, _: Any) -> Trace:
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def calls(frame: FrameType, _: str, __: Any) -> Trace | None:
        return local if frame.f_code.co_filename in files else None

    before = sys.gettrace()
    sys.settrace(calls)
    threading.settrace(calls)
    try:
        yield seen
    finally:
        threading.settrace(None)
        sys.settrace(before)


def reach_of(run: Callable[[], bool], files: frozenset[str]) -> Reach:
    """Run a test that says whether it passed; what earlier ones left in caches would hide what it reaches."""
    _clear_caches(files)
    start = time.process_time()
    with traced(files) as lines:
        passed = run()
    return Reach(passed=passed, seconds=time.process_time() - start, lines=frozenset(lines))


def _clear_caches(files: frozenset[str]) -> None:
    """Forget the results that cached functions of these files keep."""
    for module in [one for one in list(sys.modules.values()) if getattr(one, "__file__", None) in files]:
        for value in list(vars(module).values()):
            getattr(value, "cache_clear", lambda: None)()
