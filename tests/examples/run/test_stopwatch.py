"""The stopwatch, by a clock that the test moves."""

import pytest

from examples.anime_faces.run import _stopwatch
from examples.anime_faces.run._stopwatch import Stopwatch


def _watch(*times: float) -> Stopwatch:
    ticks = iter(times)
    return Stopwatch("cpu", lambda: next(ticks))


def test_a_part_does_not_count_what_is_inside_it() -> None:
    watch = _watch(0.0, 2.0, 5.0, 11.0)
    with watch.part("critic"), watch.part("forward"):
        pass
    assert watch.seconds == {("critic",): 8.0, ("critic", "forward"): 3.0}


def test_parts_add_up_and_time_between_them_is_of_none() -> None:
    watch = _watch(0.0, 2.0, 50.0, 53.0)
    for _ in range(2):
        with watch.part("data"):
            pass
    assert watch.seconds == {("data",): 5.0}


def test_a_part_ends_where_it_raises() -> None:
    watch = _watch(0.0, 2.0, 3.0, 7.0)
    for error in (KeyError("x"), None):
        try:
            with watch.part("data"):
                if error is not None:
                    raise error
        except KeyError:
            pass
    assert watch.seconds == {("data",): 6.0}


def test_calls_of_a_function_are_parts_and_give_what_it_gives() -> None:
    watch = _watch(1.0, 3.0)
    assert watch.timed("sum", lambda first, *, second: first + second)(2, second=3) == 5
    assert watch.seconds == {("sum",): 2.0}


def test_the_device_is_waited_for_before_the_clock_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(_stopwatch, "wait_for", events.append)
    watch = Stopwatch("cuda:1", lambda: events.append("clock") or 0.0)
    with watch.part("critic"):
        events.append("work")
    assert events == ["cuda:1", "clock", "work", "cuda:1", "clock"]
