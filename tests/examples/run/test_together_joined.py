"""How a process joins the ranks that `torchrun` started: one process of two, with stand-ins for the connections."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed

import gankit as gk
from examples.anime_faces.errors import RankError
from examples.anime_faces.printing import say
from examples.anime_faces.run import Together, _together as module
from examples.anime_faces.run._together import _take_gpu, joined, ranks_here

TEN_MINUTES = timedelta(minutes=10)


class _Launched:
    """What `torchrun` and torch's process group do, for one of two ranks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
        self.rank, self.events = rank, list[object]()
        self.store: Any = distributed.HashStore()
        self.is_initialized = False
        for name, value in {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank)}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "cache")
        monkeypatch.setattr(import_module("torch.distributed.rendezvous"), "rendezvous", self.rendezvous)
        monkeypatch.setattr(distributed, "init_process_group", self.begin)
        monkeypatch.setattr(distributed, "is_initialized", lambda: self.is_initialized)
        monkeypatch.setattr(distributed, "all_reduce", lambda tensor: self.events.append(("met", tensor.tolist())))
        monkeypatch.setattr(distributed, "destroy_process_group", lambda: self.events.append("ended"))

    def rendezvous(self, address: str, *, timeout: timedelta) -> Iterator[tuple[Any, int, int]]:
        self.events.append((address, timeout))
        return iter([(self.store, self.rank, 2)])

    def begin(self, backend: str, *, store: Any, rank: int, world_size: int, timeout: timedelta) -> None:
        assert store is self.store
        self.is_initialized = True
        self.events.append((backend, rank, world_size, timeout))


BEGUN = ("env://", TEN_MINUTES)
MET = ("met", [0.0])


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_joins_works_waits_for_the_others_and_leaves(
    rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launched = _Launched(monkeypatch, rank)
    with joined("cpu", tmp_path) as together:
        assert (together.share.rank, together.share.ranks) == (rank, 2)
        assert launched.events == [BEGUN, ("gloo", rank, 2, TEN_MINUTES)]
        assert launched.store.timeout == TEN_MINUTES
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(Path("cache") / f"rank-{rank}")
        say("said")
        say("noted", error=True)
    assert launched.events[2:] == [MET, "ended"]
    assert capsys.readouterr() == (("said\n", "noted\n") if rank == 0 else ("", ""))


def test_signs_of_a_rank_that_joined_are_under_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._lost.BEAT", 0.001)
    launched = _Launched(monkeypatch, 1)
    signs = distributed.PrefixStore("signs", launched.store)
    with joined("cpu", tmp_path):
        while not signs.check(["1"]):
            pass
        assert not signs.check(["2"])


def test_a_rank_that_fails_leaves_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched = _Launched(monkeypatch, 1)
    distributed.PrefixStore("fates", launched.store).set("0", "lost")
    with pytest.raises(RankError, match=r"^rank 1: a mistake$") as caught, joined("cpu", tmp_path):
        raise ValueError("a mistake")
    assert isinstance(caught.value.__cause__, ValueError)
    assert launched.events == [BEGUN, ("gloo", 1, 2, TEN_MINUTES)]


def test_a_rank_that_lost_a_connection_says_what_is_left_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = _Launched(monkeypatch, 0)
    distributed.PrefixStore("fates", launched.store).set("1", "failed")
    gk.training.Checkpoints(tmp_path / "checkpoints").save(3, {})
    message = r"^rank 1 failed with an error; the last checkpoint, of step 3, is whole; repeat the command to continue$"
    with pytest.raises(RankError, match=message), joined("cpu", tmp_path):
        raise RuntimeError("Connection closed by peer")


def test_a_rank_that_was_stopped_by_a_signal_waits_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = _Launched(monkeypatch, 0)
    with pytest.raises(SystemExit, match=r"^143$"), joined("cpu", tmp_path):
        raise SystemExit(143)
    assert launched.events[2:] == [MET, "ended"]


def test_a_group_that_did_not_begin_is_not_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched = _Launched(monkeypatch, 0)
    with pytest.raises(
        ValueError, match="--device must be cpu or cuda where several ranks train, one GPU each, but it"
    ):
        joined("mps", tmp_path).__enter__()
    assert launched.events == [BEGUN]


def test_a_group_that_has_ended_already_is_not_ended_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched = _Launched(monkeypatch, 0)

    def stop() -> None:
        launched.is_initialized = False
        raise SystemExit(130)

    with pytest.raises(SystemExit), joined("cpu", tmp_path):
        stop()
    assert launched.events[-1] == MET


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_launchers_signal_ends_a_rank_that_takes_no_steps(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(module.os, "_exit", codes.append)
    together, before = Together(), signal.getsignal(number)
    with module._signals_of_the_launcher(together):
        with together.taking_steps():
            signal.raise_signal(number)
        assert codes == []
        signal.raise_signal(number)
        assert codes == [128 + number]
    assert signal.getsignal(number) is before


def test_steps_are_taken_inside_the_block_and_after_an_error_in_it() -> None:
    together = Together()
    assert not together.is_training
    with together.taking_steps():
        assert together.is_training
    assert not together.is_training
    with pytest.raises(ValueError, match="broken"), together.taking_steps():
        raise ValueError("broken")
    assert together.is_training


def test_ranks_of_this_machine_are_those_of_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert ranks_here() == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert ranks_here() == 3


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The GPUs that were taken, on a machine with three of them where two ranks run, of which this is the second."""
    found: list[int] = []
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "set_device", found.append)
    return found


@pytest.mark.parametrize("device", [None, "cuda"], ids=["not named", "named"])
def test_each_rank_takes_the_gpu_of_its_number(device: str | None, taken: list[int]) -> None:
    assert _take_gpu(device) is True
    assert taken == [1]


@pytest.mark.parametrize(("device", "is_there"), [("cpu", True), ("cpu", False), (None, False)])
def test_no_gpu_is_taken_where_none_is_there_or_the_processor_is_named(
    device: str | None, taken: list[int], monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: is_there)
    assert _take_gpu(device) is False
    assert taken == []


def test_more_ranks_than_gpus_are_refused(taken: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert _take_gpu("cuda") is True
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(
        ValueError, match=r"^--nproc-per-node must be at most 3, the GPUs of this machine, but it is 4; or"
    ):
        _take_gpu("cuda")
    assert taken == [1]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(
        ValueError, match=r"^--nproc-per-node must be at most 0, the GPUs of this machine, but it is 4; or"
    ):
        _take_gpu("cuda")


def test_ranks_with_gpus_talk_over_both_kinds_of_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[int]
) -> None:
    launched = _Launched(monkeypatch, 1)
    with joined(None, tmp_path):
        assert launched.events[1] == ("cpu:gloo,cuda:nccl", 1, 2, TEN_MINUTES)
    assert taken == [1]
