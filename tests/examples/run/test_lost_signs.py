"""Signs that ranks give each other, by a clock of the test; and how a rank ends that misses them."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import distributed

from examples.anime_faces.errors import RankError
from examples.anime_faces.run import _lost
from examples.anime_faces.run._lost import Fates, Heartbeats, in_words, is_lost_connection

WHAT_IS_LEFT = "no checkpoint was saved yet; repeat the command to continue"


class _World:
    """Rank 0 of several, for which time passes only while it waits; the others give signs when the test says so.

    It takes the place of the event by which the rank leaves.
    """

    def __init__(
        self,
        folder: Path,
        gives: Mapping[int, Callable[[float], bool]],
        *,
        pauses: Mapping[float, float] | None = None,
        each: float = 0.0,
        leaves: float = 5000.0,
    ) -> None:
        self.now, self.gives, self.pauses, self.each, self.leaves = 0.0, gives, pauses or {}, each, leaves
        self.ended: list[str] = []
        store: Any = distributed.HashStore()
        self.signs = distributed.PrefixStore("signs", store)
        ranks = 1 + len(gives)
        fates = Fates(store, 0, ranks, folder)
        self.beats = Heartbeats(store, 0, ranks, fates, lambda error: self.ended.append(str(error)))
        self.beats._left = self  # pyright: ignore[reportAttributeAccessIssue]

    def is_set(self) -> bool:
        return self.now >= self.leaves

    def wait(self, seconds: float) -> bool:
        if self.is_set():
            return True
        self.now += self.pauses.get(self.now, 0.0) + max(seconds, self.each)
        for rank, gives in self.gives.items():
            if gives(self.now):
                self.signs.add(str(rank), 1)
        return False

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_lost, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.beats._watch()


def _until_20(now: float) -> bool:
    return now <= 20


def _always(now: float) -> bool:
    return now > 0


def _never(now: float) -> bool:
    return now < 0


def test_a_rank_is_lost_a_minute_after_its_last_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs come every two seconds; a rank that has not begun yet is not missed."""
    world = _World(tmp_path, {1: _until_20, 2: _always, 3: _never})
    world.watch(monkeypatch)
    assert (world.now, world.ended) == (82.0, [f"rank 1 does not answer; {WHAT_IS_LEFT}"])
    assert world.signs.add("0", 0) > 0


def test_all_silent_ranks_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = _World(tmp_path, {1: _until_20, 2: _always, 3: _until_20})
    world.watch(monkeypatch)
    assert world.ended == [f"ranks 1 and 3 do not answer; {WHAT_IS_LEFT}"]


@pytest.mark.parametrize("leaves", [70.0, 82.0])
def test_a_rank_that_has_left_misses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves: float) -> None:
    world = _World(tmp_path, {1: _until_20}, leaves=leaves)
    world.watch(monkeypatch)
    assert (world.now, world.ended) == (leaves, [])


def test_after_a_sleep_of_the_machine_a_rank_gets_another_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When all ranks sleep with their machine, the clock jumps, and none of them had the time for a sign."""
    asleep = {20.0: 1000.0}
    world = _World(tmp_path, {1: _until_20}, pauses=asleep)
    world.watch(monkeypatch)
    assert (world.now, len(world.ended)) == (1084.0, 1)
    world = _World(tmp_path, {1: _always}, pauses=asleep)
    world.watch(monkeypatch)
    assert (world.now, world.ended) == (5000.0, [])


@pytest.mark.parametrize(("each", "end"), [(2.75, 79.75), (9.0, 81.0), (10.0, 90.0)])
def test_a_rank_that_is_slow_itself_still_misses_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: float, end: float
) -> None:
    """It ends with its first look of more than a minute after the one that found the last sign."""
    world = _World(tmp_path, {1: _until_20}, each=each)
    world.watch(monkeypatch)
    assert (world.now, len(world.ended)) == (end, 1)


def test_a_store_that_is_gone_ends_the_watch_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(key: str, amount: int) -> int:
        raise RuntimeError("reset by peer")

    world = _World(tmp_path, {1: _always})
    world.beats._store = SimpleNamespace(add=refuse)  # pyright: ignore[reportAttributeAccessIssue]
    world.watch(monkeypatch)
    assert (world.now, world.ended) == (2.0, [])


def test_signs_are_given_by_a_thread_that_ends_with_the_block_and_keeps_no_process_alive(tmp_path: Path) -> None:
    store: Any = distributed.HashStore()
    beats = Heartbeats(store, 0, 1, Fates(store, 0, 1, tmp_path))
    with beats as entered:
        assert entered is beats
        (thread,) = [one for one in threading.enumerate() if one.name == "heartbeats"]
        assert thread.daemon
    assert not thread.is_alive()


class _ExitError(Exception):
    """In place of the end of the process."""


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long the rank slept before its end, which is an error with the exit code here."""
    sleeps: list[float] = []

    def leave(code: int) -> None:
        raise _ExitError(code)

    monkeypatch.setattr(_lost, "time", SimpleNamespace(sleep=sleeps.append))
    monkeypatch.setattr(_lost.os, "_exit", leave)
    return sleeps


def test_a_rank_with_something_to_say_writes_it_and_ends_at_once(
    slept: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(_ExitError, match=r"^5$"):
        _lost._end_at_once(RankError("rank 1\x1b[2J does not answer"))
    assert capfd.readouterr() == ("", "\nerror: rank 1\\x1b[2J does not answer\n")
    assert slept == []


def test_a_rank_with_nothing_to_say_lets_the_other_one_speak_first(
    slept: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(_ExitError, match=r"^5$"):
        _lost._end_at_once(RankError())
    assert capfd.readouterr() == ("", "")
    assert slept == [_lost.GRACE]


@pytest.mark.usefixtures("slept")
def test_silence_ends_the_process_unless_the_caller_ends_otherwise(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = distributed.HashStore()
    beats = Heartbeats(store, 0, 2, Fates(store, 0, 2, tmp_path))
    monkeypatch.setattr(beats, "_wait_for_silence", lambda: [1])
    with pytest.raises(_ExitError, match=r"^5$"):
        beats._watch()
    assert capfd.readouterr().err == f"\nerror: rank 1 does not answer; {WHAT_IS_LEFT}\n"


class _Gone:
    """A store whose machine is gone."""

    def set(self, key: str, value: str) -> None:
        raise RuntimeError("reset by peer")

    def check(self, keys: list[str]) -> bool:
        raise RuntimeError("reset by peer")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that goes on only while somebody sleeps."""
    found = SimpleNamespace(now=100.0)

    def sleep(seconds: float) -> None:
        found.now += seconds

    monkeypatch.setattr(_lost, "time", SimpleNamespace(monotonic=lambda: found.now, sleep=sleep))
    return found


def test_without_the_store_a_rank_says_what_it_knows(
    tmp_path: Path, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fates = Fates(distributed.HashStore(), 1, 3, tmp_path)
    monkeypatch.setattr(fates, "_store", _Gone())
    assert str(fates.explained(RuntimeError("reset by peer"))) == f"ranks 0 and 2 have stopped; {WHAT_IS_LEFT}"
    assert clock.now >= 100.0 + _lost.GRACE
    assert str(fates.explained(ValueError("--steps must be above 0"))) == "rank 1: --steps must be above 0"


def test_a_rank_waits_for_the_fates_of_others_until_all_are_known(tmp_path: Path, clock: SimpleNamespace) -> None:
    store: Any = distributed.HashStore()
    fates = Fates(store, 0, 2, tmp_path)
    distributed.PrefixStore("fates", store).set("1", "failed")
    assert fates._wait_for([1], seconds=5.0) == {1: "failed"}
    assert clock.now < 101.0
    assert fates._wait_for([0, 1], seconds=5.0) == {1: "failed"}
    assert 105.0 <= clock.now < 107.0


def test_an_empty_folder_of_checkpoints_holds_none(tmp_path: Path) -> None:
    fates = Fates(distributed.HashStore(), 0, 2, tmp_path)
    (tmp_path / "checkpoints").mkdir()
    assert str(fates.of_silence([1])) == f"rank 1 does not answer; {WHAT_IS_LEFT}"


def test_lost_connections_are_told_from_other_errors() -> None:
    assert is_lost_connection(RuntimeError("Connection closed by peer [127.0.0.1]:53"))
    assert is_lost_connection(distributed.DistBackendError("NCCL error"))
    assert is_lost_connection(distributed.DistNetworkError("the host has no route")) is True
    assert not is_lost_connection(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_lost_connection(ValueError("Connection closed by peer"))


def test_several_ranks_are_named_in_the_plural() -> None:
    assert in_words([], [], [0, 2]) == "ranks 0 and 2 do not answer"
    assert in_words([3], [1, 2]) == "rank 3 has stopped; ranks 1 and 2 failed with an error"
