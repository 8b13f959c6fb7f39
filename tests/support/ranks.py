"""Ranks as threads of one process, which are quick and run a mutant's code, and ranks as processes of their own."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import torch
from torch import distributed

import gankit

Result = TypeVar("Result")
FUNCTIONS = ("get_rank", "get_world_size", "all_reduce", "broadcast", "all_gather_object")


class _Meeting:
    """The functions of `torch.distributed` that the library and the examples use, between threads that know their rank."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.own = threading.local()
        self.barrier = threading.Barrier(count, timeout=60)
        self.brought: list[Any] = [None] * count

    def get_rank(self) -> int:
        return self.own.rank

    def get_world_size(self) -> int:
        return self.count

    def all_reduce(self, tensor: torch.Tensor, operation: Any = distributed.ReduceOp.SUM) -> None:
        assert tensor.is_contiguous()
        assert not tensor.requires_grad
        brought = torch.stack(self._gathered(tensor.clone()))
        reduced = {
            distributed.ReduceOp.MAX: brought.amax,
            distributed.ReduceOp.MIN: brought.amin,
            distributed.ReduceOp.SUM: brought.sum,
        }
        tensor.copy_(reduced[operation](dim=0))

    def broadcast(self, tensor: torch.Tensor, source: int) -> None:
        assert tensor.is_contiguous()
        tensor.copy_(self._gathered(tensor.clone())[source])

    def all_gather_object(self, found: list[Any], value: object) -> None:
        found[:] = self._gathered(value)

    def _gathered(self, value: object) -> list[Any]:
        self.brought[self.own.rank] = value
        self.barrier.wait()
        values = list(self.brought)
        self.barrier.wait()
        return values


def as_ranks(count: int, work: Callable[[int], Result]) -> list[Result]:
    """Call `work` with each rank, all at once, and return the results in their order; the first error is raised."""
    meeting = _Meeting(count)
    results: dict[int, Result] = {}
    errors: list[BaseException] = []

    def run(rank: int) -> None:
        meeting.own.rank = rank
        try:
            results[rank] = work(rank)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
            meeting.barrier.abort()

    stand_ins = {name: getattr(meeting, name) for name in FUNCTIONS}
    with mock.patch.multiple(distributed, is_initialized=lambda: True, **stand_ins):
        threads = [threading.Thread(target=run, args=(rank,)) for rank in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    first = [error for error in errors if not isinstance(error, threading.BrokenBarrierError)]
    for error in (*first, *errors):
        raise error
    return [results[rank] for rank in range(count)]


def run_ranks(commands: Sequence[Sequence[str]], *, seconds: float = 300) -> None:
    """Run one Python process per rank with these arguments, all at once, and fail with the messages of those that fail.

    They import the same gankit as this process, installed or not.
    """
    source = str(Path(gankit.__file__).parents[1])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    processes = [
        subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        )
        for command in commands
    ]
    try:
        messages = [process.communicate(timeout=seconds)[1] for process in processes]
    finally:
        for process in processes:
            with process:  # closes its pipe, also after a failure
                process.kill()
    failed = {rank: messages[rank] for rank, process in enumerate(processes) if process.returncode}
    assert not failed, "\n".join(f"rank {rank}:\n{text}" for rank, text in failed.items())
