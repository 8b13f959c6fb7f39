"""A stopwatch of parts inside parts, for devices that compute while the host continues."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from examples.anime_faces.systems import Clock, wait_for

Function = TypeVar("Function", bound=Callable[..., Any])


class Stopwatch:
    """Seconds of named parts. A part that begins inside another one is not counted for that one.

    Args:
        device: The device that is waited for where a part begins or ends.
        clock: Reads seconds.

    Example:
        >>> numbers = iter([0.0, 1.0, 3.0, 7.0])
        >>> watch = Stopwatch("cpu", lambda: next(numbers))
        >>> with watch.part("critic"), watch.part("forward"):
        ...     pass
        >>> watch.seconds
        {('critic',): 5.0, ('critic', 'forward'): 2.0}
    """

    def __init__(self, device: str, clock: Clock = time.perf_counter) -> None:
        self.seconds: dict[tuple[str, ...], float] = {}
        self._device, self._clock = device, clock
        self._open: list[str] = []
        self._since: float  # when a part began or ended last

    def begin(self, name: str) -> None:
        """Begin a part."""
        self._count()
        self._open.append(name)

    def end(self) -> None:
        """End the part that began last."""
        self._count()
        self._open.pop()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time inside the context for a part."""
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    def timed(self, name: str, function: Function) -> Function:
        """Return the function, each call of it a part."""

        @wraps(function)
        def call(*inputs: Any, **options: Any) -> Any:
            with self.part(name):
                return function(*inputs, **options)

        return call  # pyright: ignore[reportReturnType]

    def _count(self) -> None:
        wait_for(self._device)
        now = self._clock()
        if self._open:
            path = tuple(self._open)
            self.seconds[path] = self.seconds.get(path, 0.0) + now - self._since
        self._since = now
