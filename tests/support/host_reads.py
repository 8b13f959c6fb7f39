"""Counts what would make the host wait for a device, on tensors of the meta device: they have no numbers to be read."""

from collections import Counter
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

_READS = {
    "aten::_local_scalar_dense": 1.0,  # item, float, int, bool, is_nonzero
    "aten::equal": True,
    "aten::is_nonzero": True,
    "aten::allclose": True,
}
_SIZES = {
    "aten::nonzero",
    "aten::masked_select",
    "aten::unique_dim",
    "aten::_unique2",
    "aten::repeat_interleave.Tensor",
}


class HostReads(TorchDispatchMode):
    """A context in which reads are counted by the name of the operation, and then answered with a number.

    Counted are values and sizes that are read, and tensors that are copied to or from the CPU.

    Args:
        elsewhere: Tensors of the CPU may be used alone, as optimizers do to count their steps; else they are an error.
    """

    def __init__(self, *, elsewhere: bool = False) -> None:
        super().__init__()
        self._elsewhere = elsewhere
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.name()
        given = [value for value in pytree.tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        if name in _READS and any(tensor.is_meta for tensor in given):
            self.counts[name] += 1
            return _READS[name]
        masked = name == "aten::index.Tensor" and any(one is not None and one.dtype == torch.bool for one in args[1])
        if (name in _SIZES or masked) and any(tensor.is_meta for tensor in given):
            self.counts[name] += 1
            raise AssertionError(f"{func} waits for a size")
        target = kwargs.get("device")
        if (
            name == "aten::_to_copy"
            and target is not None
            and given[0].is_meta != (torch.device(target).type == "meta")
        ):
            self.counts[name] += 1
            return torch.zeros_like(given[0], device=target)
        if name == "aten::copy_" and given[0].is_meta != given[1].is_meta:
            self.counts[name] += 1
            return args[0]
        result = func(*args, **kwargs)
        for value in (*given, *pytree.tree_leaves(result)):
            if isinstance(value, torch.Tensor) and not value.is_meta and not self._elsewhere:
                raise AssertionError(f"{func} has a tensor elsewhere")
        return result

    @property
    def total(self) -> int:
        """Number of times that the host would have waited."""
        return self.counts.total()
