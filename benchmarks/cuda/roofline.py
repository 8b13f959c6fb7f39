"""How fast the device could be: measured ceilings of products and copies, and the work of an iteration."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from benchmarks.cuda.device import Device

NUMBERS: Mapping[str, torch.dtype] = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What was reached at best.

    Args:
        products: Floating-point operations per second of a large square product, by number format.
        copies: Bytes per second of a large copy, those read and those written.
    """

    products: Mapping[str, float]
    copies: float


@dataclass(slots=True)
class Work(TorchDispatchMode):
    """Counts convolutions and products while it is entered: a pair of operations and bytes for each.

    The bytes are those of the inputs and outputs, each read or written once. Everything between products (norms, activations,
    losses, optimizers) is not counted, since it could be fused into them.
    """

    parts: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the mode of torch."""
        TorchDispatchMode.__init__(self)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, and count it if it is a product."""
        del types
        result = func(*args, **(kwargs or {}))
        count: Callable[..., int] | None = flop_registry.get(func._overloadpacket)  # noqa: SLF001 (the registry's key)
        if count is not None:
            operations = count(*args, **(kwargs or {}), out_val=result)
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)]
            self.parts.append((float(operations), float(sum(tensor.nbytes for tensor in tensors))))
        return result

    def seconds(self, ceilings: Ceilings, numbers: str) -> float:
        """Return the least time in which the device could do it: each product at the ceiling that binds it."""
        product = ceilings.products[numbers]
        return sum(max(operations / product, moved / ceilings.copies) for operations, moved in self.parts)

    def operations(self) -> float:
        """Return the floating-point operations of all products."""
        return math.fsum(operations for operations, _ in self.parts)


def measure_ceilings(device: Device, *, side: int = 8192, megabytes: int = 1024) -> Ceilings:
    """Measure both ceilings.

    Args:
        device: The device.
        side: Rows and columns of the matrices.
        megabytes: Size of what is copied.
    """
    products = {}
    for name, dtype in NUMBERS.items():
        left, right = (torch.ones(side, side, device=device.torch_device, dtype=dtype) for _ in range(2))
        out = torch.empty_like(left)

        def multiply(left: torch.Tensor = left, right: torch.Tensor = right, out: torch.Tensor = out) -> None:
            torch.mm(left, right, out=out)

        times = device.seconds(multiply, warmup=3, repeats=5, inner=10)
        products[name] = 2 * side**3 / min(times)
    source = torch.ones(megabytes * 2**18, device=device.torch_device)
    target = torch.empty_like(source)
    times = device.seconds(lambda: target.copy_(source), warmup=3, repeats=5, inner=10)
    return Ceilings(products=products, copies=2 * source.nbytes / min(times))
