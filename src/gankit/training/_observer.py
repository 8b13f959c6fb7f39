"""What a step touches outside itself, noted while it runs eagerly: to guard a recording of it, or to put everything back."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from gankit.training._graphs import memory_of, tensors_in
from gankit.training._saving import load_random_state, random_state

_MOVES = frozenset({"aten::_to_copy", "aten::copy_"})
_READS = frozenset({"aten::_local_scalar_dense", "aten::equal", "aten::nonzero", "aten::masked_select"})
_BATCH_STATISTICS = ("running_mean", "running_var")
"""Batch norm writes to these, which its schema does not say."""


class Observer(TorchDispatchMode):
    """A context in which a step runs.

    Args:
        device: Where the step is to be recorded: what a recording would freeze is refused. None: nothing is refused.
        keep: Keep what is about to change, so that `restore` puts it back: tensors that existed before, and random states: the
            default ones, those of generators that operations are given, of Python and of NumPy.
        look: Called with each module before it runs for the first time; it may raise.

    Attributes:
        modules: The modules that were called and those inside them, in order.
        outside: Tensors that were used and not made in the context. One for each memory, cut from its graph.
        written: Those of them that operations write to.
        lowest: The floating-point type of the lowest precision that an operation returned.

    Raises:
        ValueError: With a device: the step reads a value on the host, moves tensors between devices, uses a tensor of another
            device or a generator.
    """

    def __init__(
        self,
        device: torch.device | None = None,
        *,
        keep: bool = False,
        look: Callable[[nn.Module], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.lowest = torch.float64
        self._device = device
        self._look = look
        self._inside: set[int] = set()
        self._outside: dict[int, torch.Tensor] = {}
        self._written: dict[int, torch.Tensor] = {}
        self._modules: dict[nn.Module, None] = {}
        self._random = random_state() if keep else None
        self._generators: dict[torch.Generator, torch.Tensor] = {}
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    @property
    def modules(self) -> list[nn.Module]:
        """Called modules and those inside them."""
        return list(dict.fromkeys(part for module in self._modules for part in module.modules()))

    @property
    def outside(self) -> list[torch.Tensor]:
        """Tensors that the step uses and did not make."""
        return list(self._outside.values())

    @property
    def written(self) -> list[torch.Tensor]:
        """Outside tensors that operations write to."""
        return list(self._written.values())

    def restore(self) -> None:
        """Put everything back that was kept, as often as it is called."""
        for tensor, kept in reversed(self._kept):
            tensor.data.copy_(kept)  # by `data`, since the graph of a shared input may have saved the tensor
        for generator, state in self._generators.items():
            generator.set_state(state)
        if self._random is not None:
            load_random_state(self._random)

    def __enter__(self) -> Self:
        """Begin to look at operations and calls of modules."""
        with ExitStack() as leaving:
            leaving.callback(register_module_forward_pre_hook(self._note_call).remove)
            leaving.enter_context(warnings.catch_warnings())
            # A module that is compiled by itself is noted twice, which does no harm.
            warnings.filterwarnings("ignore", "Using `torch.compile.*global hooks on modules")
            self._leaving = leaving.pop_all()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop looking."""
        self._leaving.close()
        super().__exit__(kind, error, traceback)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at what an operation takes, run it, and note what it made."""
        kwargs = kwargs or {}
        given = pytree.tree_leaves((args, kwargs))
        tensors = [value for value in given if isinstance(value, torch.Tensor)]
        generators = [value for value in given if isinstance(value, torch.Generator)]
        if self._device is not None:
            self._refuse(self._device, func, kwargs, tensors, generators)
        for tensor in tensors:
            if (memory := memory_of(tensor)) not in self._inside and memory not in self._outside:
                self._outside[memory] = tensor.detach()  # a leaf that only this held would never be gone
        self._note_writes(_written_by(func, args, kwargs), generators)
        result = func(*args, **kwargs)
        for tensor in tensors_in(result):
            if tensor.is_floating_point() and torch.finfo(tensor.dtype).eps > torch.finfo(self.lowest).eps:
                self.lowest = tensor.dtype
            if (memory := memory_of(tensor)) not in self._outside:
                self._inside.add(memory)
        return result

    def _note_call(self, module: nn.Module, _: object) -> None:
        if module not in self._modules:
            self._look(module)
            self._modules[module] = None

    def _note_writes(self, written: Iterator[torch.Tensor], generators: Sequence[torch.Generator]) -> None:
        for tensor in written:
            if (memory := memory_of(tensor)) in self._outside:
                self._written.setdefault(memory, self._outside[memory])
                if self._random is not None and tensor.layout is torch.strided:
                    self._kept.append((tensor, tensor.detach().clone()))
        if self._random is not None:
            self._generators |= {each: each.get_state() for each in generators if each not in self._generators}

    def _refuse(
        self,
        device: torch.device,
        func: Any,
        kwargs: dict[str, Any],
        tensors: Sequence[torch.Tensor],
        generators: Sequence[torch.Generator],
    ) -> None:
        if func.name() in _READS and device.type != "cpu":
            raise ValueError(
                f"terms must not read values on the host in a step that is recorded, got {func}: keep numbers in 0-d tensors"
            )
        if generators:
            raise ValueError(
                f"terms must draw from the device's own generator in a step that is recorded, got {func} with another one: "
                "leave out rng, or draw before the update and pass the numbers as inputs"
            )
        to = kwargs.get("device")
        places = {tensor.device.type for tensor in tensors} | ({torch.device(to).type} if to is not None else set())
        if func.name() in _MOVES and len(places) > 1:
            raise ValueError(
                f"terms must not move tensors between devices in a step that is recorded, got {func} with {sorted(places)}: "
                f"give the update inputs on {device}"
            )
        for tensor in tensors:
            if tensor.device != device and memory_of(tensor) not in self._inside:
                raise ValueError(
                    f"terms must use tensors on {device} only in a step that is recorded, got one of shape "
                    f"{tuple(tensor.shape)} on {tensor.device} in {func}: a recording would freeze its numbers"
                )


def _written_by(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    for position, argument in enumerate(func._schema.arguments):  # noqa: SLF001 (no public name)
        if argument.is_write or argument.name in _BATCH_STATISTICS:
            yield from tensors_in(args[position] if position < len(args) else kwargs.get(argument.name))
