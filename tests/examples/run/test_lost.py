"""What ranks say when one of them has stopped or failed: one store, and each rank's view of it."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed

import gankit as gk
from examples.anime_faces.errors import RankError, TrainingDivergedError
from examples.anime_faces.run import RunFolder, _lost
from examples.anime_faces.run._lost import Fates, Heartbeats

LATE = RuntimeError(
    "[../third_party/gloo/gloo/transport/tcp/unbound_buffer.cc:78] Timed out waiting 600000ms for recv operation"
)
CLOSED = RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:53")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lost, "GRACE", 0.5)


def _ended(folder: Path, errors: dict[int, Exception], ranks: int) -> dict[int, Exception]:
    """What each rank with an error ends with; the others are gone."""
    store: Any = distributed.HashStore()
    found: dict[int, Exception] = {}

    def end(rank: int) -> None:
        found[rank] = Fates(store, rank, ranks, folder).explained(errors[rank])

    threads = [threading.Thread(target=end, args=(rank,)) for rank in errors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _saved(folder: Path, *steps: int) -> None:
    checkpoints = RunFolder(folder).checkpoints
    checkpoints.mkdir(parents=True)
    for step in steps:
        gk.training.Checkpoints(checkpoints).save(step, {"weights": torch.ones(2)})


def test_the_lowest_rank_that_is_left_names_those_that_are_gone_and_the_checkpoint(tmp_path: Path) -> None:
    _saved(tmp_path, 3, 7)
    found = _ended(tmp_path, {0: CLOSED, 2: CLOSED}, 4)
    assert all(isinstance(error, RankError) for error in found.values())
    message = "ranks 1 and 3 have stopped; the last checkpoint, of step 7, is whole; repeat the command to continue"
    assert {rank: str(error) for rank, error in found.items()} == {0: message, 2: ""}
    assert str(_ended(tmp_path, {1: CLOSED}, 2)[1]).startswith("rank 0 has stopped; the last checkpoint, of step 7")


def test_a_checkpoint_that_is_damaged_is_not_called_whole(tmp_path: Path) -> None:
    _saved(tmp_path, 3, 7)
    path = gk.training.Checkpoints(RunFolder(tmp_path).checkpoints).path(7)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.warns(RuntimeWarning, match="was refused: its last bytes"):
        assert "of step 3, is whole" in str(_ended(tmp_path, {0: CLOSED}, 2)[0])


def test_without_a_checkpoint_the_message_says_so(tmp_path: Path) -> None:
    expected = "rank 1 has stopped; no checkpoint was saved yet; repeat the command to continue"
    assert str(_ended(tmp_path, {0: CLOSED}, 2)[0]) == expected


def test_a_rank_that_failed_says_why_and_another_one_what_is_left(tmp_path: Path) -> None:
    _saved(tmp_path, 3)
    found = _ended(tmp_path, {0: CLOSED, 1: ValueError("cuda ran out of memory"), 2: CLOSED}, 3)
    assert (
        str(found[0])
        == "rank 1 failed with an error; the last checkpoint, of step 3, is whole; repeat the command to continue"
    )
    assert isinstance(found[1], RankError)
    assert str(found[1]) == "rank 1: cuda ran out of memory"
    assert str(found[2]) == ""


def test_a_mistake_that_the_first_rank_finds_is_said_once(tmp_path: Path) -> None:
    mistake = ValueError("--steps must be above 0")
    found = _ended(tmp_path, {0: mistake, 1: CLOSED}, 2)  # the other waits for its plan
    assert found[0] is mistake
    assert str(found[1]) == ""
    found = _ended(tmp_path, {0: mistake, 1: ValueError("--steps must be above 0")}, 2)
    assert found[0] is mistake
    assert str(found[1]) == ""


def test_the_first_of_those_that_lost_a_connection_says_that_the_first_rank_failed(tmp_path: Path) -> None:
    _saved(tmp_path, 3)
    mistake = ValueError("the disk is full")
    found = _ended(tmp_path, {0: mistake, 1: CLOSED, 2: CLOSED}, 3)
    message = "rank 0 failed with an error; the last checkpoint, of step 3, is whole; repeat the command to continue"
    assert found[0] is mistake
    assert (str(found[1]), str(found[2])) == (message, "")


def test_ranks_that_all_lost_a_connection_do_not_know_why(tmp_path: Path) -> None:
    found = _ended(tmp_path, {0: CLOSED, 1: CLOSED}, 2)
    message = "a rank has stopped; no checkpoint was saved yet; repeat the command to continue"
    assert (str(found[0]), str(found[1])) == (message, "")


@pytest.mark.parametrize(("error", "missing"), [(CLOSED, "has stopped"), (LATE, "does not answer")])
def test_a_rank_that_is_gone_is_named_beside_one_that_failed(tmp_path: Path, error: Exception, missing: str) -> None:
    found = _ended(tmp_path, {0: error, 1: OSError("no such file")}, 3)
    assert str(found[0]) == (
        f"rank 2 {missing}; rank 1 failed with an error; no checkpoint was saved yet; repeat the command to continue"
    )
    assert isinstance(found[1], RankError)
    assert str(found[1]) == "rank 1: no such file"


def test_what_is_no_mistake_of_the_user_keeps_its_place_in_the_code(tmp_path: Path) -> None:
    fault = KeyError("a fault of the program")
    assert _ended(tmp_path, {1: fault}, 2)[1] is fault
    diverged = TrainingDivergedError("step 3: loss is nan")
    assert _ended(tmp_path, {0: diverged}, 2)[0] is diverged
    assert str(_ended(tmp_path, {0: CLOSED, 1: diverged}, 2)[1]) == "rank 1: step 3: loss is nan"


def test_a_rank_that_makes_the_others_wait_too_long_is_not_said_to_have_stopped(tmp_path: Path) -> None:
    expected = "rank 1 does not answer; no checkpoint was saved yet; repeat the command to continue"
    assert str(_ended(tmp_path, {0: LATE, 2: LATE}, 3)[0]) == expected


class _Watched:
    """Ranks that give signs, and the errors with which they would end."""

    def __init__(self, folder: Path, ranks: int) -> None:
        self.store: Any = distributed.HashStore()
        self.ended: dict[int, RankError] = {}
        self.beats = [self._of_rank(rank, ranks, folder) for rank in range(ranks)]

    def _of_rank(self, rank: int, ranks: int, folder: Path) -> Heartbeats:
        fates = Fates(self.store, rank, ranks, folder)
        return Heartbeats(self.store, rank, ranks, fates, lambda error: self.ended.update({rank: error}))

    def wait(self, count: int) -> None:
        end = time.monotonic() + 30
        while len(self.ended) < count and time.monotonic() < end:
            time.sleep(0.01)


def test_a_silent_rank_ends_the_others_and_one_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lost, "BEAT", 0.1)
    monkeypatch.setattr(_lost, "SILENCE", 1.0)
    _saved(tmp_path, 7)
    watched = _Watched(tmp_path, 3)
    silent, *others = watched.beats
    with others[0], others[1]:
        with silent:
            while not distributed.PrefixStore("signs", watched.store).add("0", 0):
                time.sleep(0.01)
        watched.wait(2)
    message = "rank 0 does not answer; the last checkpoint, of step 7, is whole; repeat the command to continue"
    assert {rank: str(error) for rank, error in watched.ended.items()} == {1: message, 2: ""}


def test_a_store_that_cannot_be_reached_for_a_moment_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = distributed.HashStore()
    fates = Fates(store, 0, 2, tmp_path)
    fates._store.set("1", "well")
    asked: list[Any] = []

    class Flaky:
        def get(self, key: str) -> bytes:
            return b"well"

        def check(self, keys: list[str]) -> bool:
            asked.append(keys)
            if len(asked) < 3:
                raise RuntimeError("reset by peer")
            return True

    monkeypatch.setattr(fates, "_store", Flaky())
    assert fates._wait_for([1], seconds=5.0) == {1: "well"}
    assert len(asked) == 3
