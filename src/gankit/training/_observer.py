"""What a step touches outside itself: seen while it runs eagerly, so that a recording of it can be guarded and compared."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from gankit.training._graphs import memory_of

_MOVES = frozenset({"aten::_to_copy", "aten::copy_"})
_READS = frozenset({"aten::_local_scalar_dense", "aten::equal", "aten::nonzero", "aten::masked_select"})


class Observer(TorchDispatchMode):
    """A context in which a step runs; it refuses what a recording would freeze.

    Args:
        device: Where the step's tensors are.

    Attributes:
        modules: The modules that were called and those inside them, in order.
        outside: Tensors that were used and not made in the context. One for each memory.
        written: Those of them that operations say they write to. Batch statistics are not among them.
        lowest: The floating-point type of the lowest precision that an operation returned.

    Raises:
        ValueError: The step reads a value on the host, moves tensors between devices, uses a tensor of another device or a
            generator.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.lowest = torch.float64
        self._device = device
        self._inside: set[int] = set()
        self._outside: dict[int, torch.Tensor] = {}
        self._written: dict[int, torch.Tensor] = {}
        self._modules: dict[nn.Module, None] = {}

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

    def __enter__(self) -> Self:
        """Begin to look at operations and calls of modules."""
        self._hook = register_module_forward_pre_hook(lambda module, _: self._modules.setdefault(module))
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop looking."""
        self._hook.remove()
        super().__exit__(kind, error, traceback)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at what an operation takes, run it, and note what it made."""
        kwargs = kwargs or {}
        given = pytree.tree_leaves((args, kwargs))
        tensors = [value for value in given if isinstance(value, torch.Tensor)]
        self._refuse(func, kwargs, given, tensors)
        for tensor in tensors:
            if (memory := memory_of(tensor)) not in self._inside:
                self._outside.setdefault(memory, tensor)
        for tensor in _written_by(func, args, kwargs):
            if (memory := memory_of(tensor)) in self._outside:
                self._written.setdefault(memory, self._outside[memory])
        result = func(*args, **kwargs)
        made = [value for value in pytree.tree_leaves(result) if isinstance(value, torch.Tensor)]
        for tensor in made:
            if tensor.is_floating_point() and torch.finfo(tensor.dtype).eps > torch.finfo(self.lowest).eps:
                self.lowest = tensor.dtype
        self._inside.update(memory for memory in map(memory_of, made) if memory not in self._outside)
        return result

    def _refuse(self, func: Any, kwargs: dict[str, Any], given: Iterable[object], tensors: list[torch.Tensor]) -> None:
        if func.name() in _READS and self._device.type != "cpu":
            raise ValueError(
                f"terms must not read values on the host in a step that is recorded, got {func}: keep numbers in 0-d tensors"
            )
        if any(isinstance(value, torch.Generator) for value in given):
            raise ValueError(
                f"terms must draw from the device's own generator in a step that is recorded, got {func} with another one: "
                "leave out rng, or draw before the update and pass the numbers as inputs"
            )
        to = kwargs.get("device")
        places = {tensor.device.type for tensor in tensors} | ({torch.device(to).type} if to is not None else set())
        if func.name() in _MOVES and len(places) > 1:
            raise ValueError(
                f"terms must not move tensors between devices in a step that is recorded, got {func} with {sorted(places)}: "
                f"give the update inputs on {self._device}"
            )
        for tensor in tensors:
            if tensor.device != self._device and memory_of(tensor) not in self._inside:
                raise ValueError(
                    f"terms must use tensors on {self._device} only in a step that is recorded, got one of shape "
                    f"{tuple(tensor.shape)} on {tensor.device} in {func}: a recording would freeze its numbers"
                )


def _written_by(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    for position, argument in enumerate(func._schema.arguments):  # noqa: SLF001 (no public name)
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[position] if position < len(args) else kwargs.get(argument.name)
            yield from (leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor))
