"""Ranks that are threads of one process: quick, and visible to a mutant, where ranks of their own processes are neither."""

import threading
from collections.abc import Callable
from typing import TypeVar
from unittest import mock

import torch
from torch import distributed

Result = TypeVar("Result")


class _Meeting:
    """What of `torch.distributed` the library uses, between threads that know their rank."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.own = threading.local()
        self.barrier = threading.Barrier(count, timeout=60)
        self.brought: list[torch.Tensor] = [torch.empty(0)] * count

    def get_rank(self) -> int:
        return self.own.rank

    def get_world_size(self) -> int:
        return self.count

    def all_reduce(self, tensor: torch.Tensor) -> None:
        self.brought[self.own.rank] = tensor.clone()
        self.barrier.wait()
        total = torch.stack(self.brought).sum(dim=0)
        self.barrier.wait()
        tensor.copy_(total)


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

    stand_ins = {name: getattr(meeting, name) for name in ("get_rank", "get_world_size", "all_reduce")}
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
