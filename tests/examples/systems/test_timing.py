"""Comparisons by a clock that only the candidates move."""

from collections.abc import Callable

import pytest

from examples.anime_faces.systems import Candidate, compare, typical_seconds


class Machine:
    """A clock, and work that takes time on it: more in a busy moment."""

    def __init__(self, busy: tuple[float, float] = (0.0, 0.0), factor: float = 1.0) -> None:
        self.now, self.done = 0.0, list[str]()
        self._busy, self._factor = busy, factor

    def __call__(self) -> float:
        return self.now

    def work(self, name: str, seconds: float) -> Callable[[], None]:
        def step() -> None:
            busy = self._busy[0] <= self.now < self._busy[1]
            self.now += seconds * (self._factor if busy else 1.0)
            self.done.append(name)

        return step

    def candidates(self, **seconds: float) -> dict[str, Candidate]:
        return {name: Candidate(work=self.work(name, each)) for name, each in seconds.items()}


def test_candidates_take_turns_and_the_fastest_wins() -> None:
    machine = Machine()
    found = compare(machine.candidates(one=0.8, two=0.6), seconds=100.0, repeats=3, clock=machine)
    assert machine.done == ["one", "two"] * 3
    assert found.best == "two"
    assert list(found.seconds) == ["two", "one"]
    assert found.seconds == pytest.approx({"two": 0.6, "one": 0.8})
    assert found.took == pytest.approx(4.2)
    assert str(found) == "two: 0.60 s; one: 0.80 s"


def test_a_busy_moment_does_not_decide() -> None:
    machine = Machine(busy=(1.4, 2.9), factor=1.9)  # it hits two repeats of the faster one and one of the other
    found = compare(machine.candidates(slow=0.8, fast=0.6), seconds=100.0, clock=machine)
    assert found.best == "fast"
    assert found.seconds == pytest.approx({"fast": 0.6, "slow": 0.8})


def test_a_hopeless_candidate_is_tried_once() -> None:
    machine = Machine()
    found = compare(machine.candidates(float32=0.8, bfloat16=12.0), seconds=100.0, clock=machine)
    assert machine.done == ["float32", "bfloat16"]
    assert found.best == "float32"
    machine = Machine()
    compare(machine.candidates(a=1.0, b=1.7, c=2.5, d=1.2), seconds=100.0, repeats=4, clock=machine)
    assert [machine.done.count(name) for name in "abcd"] == [4, 3, 2, 4]


def test_a_probe_spares_even_the_one_try() -> None:
    machine = Machine()
    ways = {
        "one": Candidate(work=machine.work("one", 0.8), probe=(cheap := machine.work("cheap", 0.01))),
        "two": Candidate(work=machine.work("two", 0.9), probe=cheap),
        "half": Candidate(work=machine.work("half", 12.0), probe=machine.work("dear", 0.15)),
    }
    found = compare(ways, seconds=100.0, repeats=2, clock=machine)
    assert machine.done == ["cheap", "dear"] * 3 + ["one", "two"] * 2
    assert "half" not in found.seconds
    assert "15 times as long" in found.left_out["half"]
    assert str(found).endswith(f"half: {found.left_out['half']}")


def test_no_repeat_begins_after_the_time() -> None:
    machine = Machine()
    found = compare(machine.candidates(a=2.0, b=2.0, c=2.0), seconds=3.0, clock=machine)
    assert machine.done == ["a", "b"]
    assert found.left_out == {"c": "no time left to try it"}
    assert str(found) == "a: 2.00 s; b: 2.00 s; c: no time left to try it"
    found = compare(machine.candidates(a=2.0, b=2.0, c=2.0), seconds=1.0, clock=machine)
    assert str(found) == "a: 2.00 s; b and 1 more: no time left to try it"
    machine = Machine()
    assert compare(machine.candidates(a=2.0, b=1.0), seconds=0.0, clock=machine).best == "a"


def test_a_candidate_with_a_drawback_must_gain_more() -> None:
    machine = Machine()
    ways = machine.candidates(full=1.0) | {"half": Candidate(work=machine.work("half", 0.9), least_gain=0.85)}
    assert compare(ways, seconds=100.0, clock=machine).best == "full"
    ways["half"] = Candidate(work=machine.work("half", 0.8), least_gain=0.85)
    assert compare(ways, seconds=100.0, clock=machine).best == "half"


def test_without_candidates_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        compare({}, seconds=1.0)


def test_the_first_repeat_and_the_slower_half_do_not_count() -> None:
    assert typical_seconds([50.0, 3.0]) == 3.0
    assert typical_seconds([50.0, 3.0, 1.0, 2.0]) == 1.5
