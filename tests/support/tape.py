"""A recorder for the CPU in place of CUDA graphs: it replays recorded operations into the memory of the recording."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from gankit.training._graphs import memory_of

ResultT = TypeVar("ResultT")


@dataclass
class Operation:
    """An operation, what it was given, and what it made in memory of its own."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: list[Any]
    fresh: list[bool]


class Tape(TorchDispatchMode):
    """Records as a CUDA graph does: without an effect on what exists, on fixed memory, with fresh draws in each replay."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.replays = 0
        self._existing: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        self._made: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [tensor for tensor in pytree.tree_leaves((args, kwargs)) if isinstance(tensor, torch.Tensor)]
        for tensor in given:
            if memory_of(tensor) not in self._made:
                storage = tensor.untyped_storage()
                self._existing.setdefault(memory_of(tensor), (storage, storage.clone()))
        # As they are now: an operation such as unsqueeze_ changes the shape of a tensor, and is not replayed.
        args_now, kwargs_now = pytree.tree_map(_as_it_is, (args, kwargs))
        result = func(*args, **kwargs)
        results = pytree.tree_leaves(result)
        shared = {memory_of(tensor) for tensor in given}
        fresh = [isinstance(one, torch.Tensor) and memory_of(one) not in shared for one in results]
        self._made.update(memory_of(one) for one, new in zip(results, fresh, strict=True) if new)
        if torch.Tag.inplace_view not in func.tags:
            self.operations.append(Operation(func, args_now, kwargs_now, [_as_it_is(one) for one in results], fresh))
        return result

    def run(self) -> None:
        """Run all operations again."""
        self.replays += 1
        with torch._C._AutoDispatchBelowAutograd():  # what was recorded was below it too
            for operation in self.operations:
                results = pytree.tree_leaves(operation.function(*operation.args, **operation.kwargs))
                for old, new, fresh in zip(operation.results, results, operation.fresh, strict=True):
                    if fresh:
                        old.copy_(new)

    def undo(self) -> None:
        """Put what existed before the recording back."""
        for storage, before in self._existing.values():
            storage.copy_(before)


class TapeRecorder:
    """Makes a tape for each recording."""

    def __init__(self) -> None:
        self.tapes: list[Tape] = []
        self.eager = 0

    def aside(self) -> AbstractContextManager[None]:
        self.eager += 1
        return nullcontext()

    def record(self, step: Callable[[], ResultT]) -> tuple[Callable[[], None], ResultT]:
        tape = Tape()
        random = torch.get_rng_state()
        with tape:
            result = step()
        torch.set_rng_state(random)
        tape.undo()
        self.tapes.append(tape)
        return tape.run, result


def _as_it_is(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
