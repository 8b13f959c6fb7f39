"""Two ranks as two threads: what they reduce is really shared, and a test sees both sides within one process."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import torch
from torch import distributed

ResultT = TypeVar("ResultT")
RANKS = 2


class TwoRanks:
    """Stands in for a process group of two; `run` plays both ranks at once.

    Args:
        monkeypatch: Puts it in the place of ``torch.distributed`` until the test ends.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._own = threading.local()
        self._slots: list[torch.Tensor] = [torch.empty(0)] * RANKS
        self._meeting = threading.Barrier(RANKS, timeout=20)
        monkeypatch.setattr(distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(distributed, "get_world_size", lambda: RANKS)
        monkeypatch.setattr(distributed, "get_rank", lambda: self._own.rank)
        monkeypatch.setattr(distributed, "all_reduce", self._all_reduce)

    def run(self, play: Callable[[int], ResultT]) -> list[ResultT]:
        """Return what `play` returns for rank 0 and rank 1; raise what one of them raised."""
        results: list[Any] = [None] * RANKS
        errors: list[BaseException] = []

        def rank(number: int) -> None:
            self._own.rank = number
            try:
                results[number] = play(number)
            except BaseException as error:  # noqa: BLE001 (raised again below)
                errors.append(error)
                self._meeting.abort()

        threads = [threading.Thread(target=rank, args=(number,)) for number in range(RANKS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            self._meeting.reset()
            raise errors[0]
        return results

    def _all_reduce(self, tensor: torch.Tensor) -> None:
        assert tensor.is_contiguous()
        assert not tensor.requires_grad
        self._slots[self._own.rank] = tensor.clone()
        self._meeting.wait()
        total = torch.stack(self._slots).sum(0)
        self._meeting.wait()
        tensor.copy_(total)
