"""Costs and gradients that are not finite: found, and named."""

import math
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter

import torch
from torch import nn

from gankit._core import Scalar, see_failures
from gankit.training._ranks import on_any_rank, own_piece

_IS_CPU = attrgetter("is_cpu")


class NonFiniteError(FloatingPointError):
    """A cost or a gradient of an update is NaN or infinite; the message names it.

    On the CPU it is raised before the optimizer changes anything. On other devices the bad steps were skipped on the device,
    and it is raised when the stepper next reads its counters, every 100 calls.

    Example:
        >>> import torch
        >>> from gankit.training import NonFiniteError, Update
        >>> weight = torch.nn.Parameter(torch.tensor(3.0))
        >>> update = Update(torch.optim.SGD([weight]), lambda x: {"loss": (weight * x).mean()})
        >>> try:
        ...     _ = update(torch.tensor([float("inf")]))
        ... except NonFiniteError:
        ...     print("lower the learning rate and start at the last checkpoint; the weight is still", weight.item())
        lower the learning rate and start at the last checkpoint; the weight is still 3.0
    """


def refuse_non_finite(
    costs: Mapping[str, Scalar], parameters: Sequence[nn.Parameter], names: Mapping[int, str]
) -> None:
    """Raise if a cost or a gradient is not finite. Reads values: for the CPU only.

    With several ranks every one must call it, and all raise if one does: else some would step and others not.

    Args:
        costs: The update's costs by name.
        parameters: The optimizer's parameters, with their gradients.
        names: Names of parameters by ``id``, as far as they are known.

    Raises:
        NonFiniteError: A cost, else a gradient, is NaN or infinite.
    """
    fault = _fault(costs, parameters, names)
    if on_any_rank(fault is not None, parameters[0].device if parameters else torch.device("cpu")):
        fault = fault or "a cost or a gradient of another rank is not finite"
        raise NonFiniteError(f"the step was refused, since {fault}; no weight was changed; {see_failures('nan')}")


def gradients_of(parameters: Sequence[nn.Parameter]) -> list[torch.Tensor]:
    """Return the gradients that are there."""
    return [gradient for parameter in parameters if (gradient := parameter.grad) is not None]


def found_non_finite(gradients: Sequence[torch.Tensor], factor: Scalar | None = None) -> Scalar:
    """Return 1.0 if any gradient holds NaN or infinity, else 0.0, on the first one's device, without waiting for it.

    Args:
        gradients: One or more gradients. They are looked into before they are multiplied.
        factor: A float32 number that all gradients are multiplied by in place; None for no change.
    """
    home = gradients[0].device
    flags = []
    for device, group in _groups(gradients):
        flag = torch.zeros((), dtype=torch.float32, device=device)
        # The one fused pass over many tensors that torch has for this; times one, it leaves the gradients as they are.
        times = _one(device) if factor is None else moved(factor, device)
        torch._amp_foreach_non_finite_check_and_unscale_(group, flag, times)
        flags.append(moved(flag, home))
    return flags[0] if len(flags) == 1 else torch.stack(flags).amax()


def are_all_finite(costs: Mapping[str, Scalar], gradients: Sequence[torch.Tensor]) -> bool:
    """Say whether costs and gradients on the CPU hold no NaN or infinity, in one pass. Reads a value.

    False also where that takes more than one pass, or tensors are elsewhere: `refuse_non_finite` finds out. Of small networks
    this takes as long as an operation, so few questions are asked: torch refuses tensors of other kinds. In a pass that
    multiplies by 1 costs may take part, and gradients that have a graph.
    """
    numbers = [*costs.values(), *gradients]
    if not all(map(_IS_CPU, numbers)):
        return False
    flag, one = _on_cpu.tensors
    flag.zero_()
    try:
        torch._amp_foreach_non_finite_check_and_unscale_(numbers, flag, one)
    except (NotImplementedError, RuntimeError):
        return False
    return not float(flag)


class _OnCpu(threading.local):
    """The flag and the factor of a check on the CPU; threads have their own."""

    def __init__(self) -> None:
        with torch.inference_mode(False):
            self.tensors = (
                torch.zeros((), dtype=torch.float32, device="cpu"),
                torch.ones((), dtype=torch.float32, device="cpu"),
            )


_on_cpu = _OnCpu()


def _groups(gradients: Sequence[torch.Tensor]) -> list[tuple[torch.device, list[torch.Tensor]]]:
    """Return the real numbers of gradients by device and dtype."""
    first = gradients[0]
    device, dtype, layout = first.device, first.dtype, torch.strided
    # The usual case, without a look at each piece: of small networks it takes as long as the whole check otherwise.
    if dtype.is_floating_point and all(
        type(one) is torch.Tensor and one.dtype is dtype and one.layout is layout and one.device == device
        for one in gradients
    ):
        return [(device, list(gradients))]
    groups: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = {}
    for gradient in gradients:
        values = numbers_of(gradient)
        values = torch.view_as_real(values) if values.is_complex() else values
        groups.setdefault((values.device, values.dtype), []).append(values)
    return [(device, group) for (device, _), group in groups.items()]


def moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a tensor on a device; the host does not wait for the copy."""
    return tensor.to(device, non_blocking=True)


@cache
def _one(device: torch.device) -> Scalar:
    with torch.inference_mode(False):
        return torch.ones((), dtype=torch.float32, device=device)


def numbers_of(gradient: torch.Tensor) -> torch.Tensor:
    """Return the numbers of a gradient that this rank holds; of a sparse one the stored values."""
    piece = own_piece(gradient)
    return piece._values() if piece.is_sparse else piece  # noqa: SLF001 (the only way to uncoalesced values)


def _fault(costs: Mapping[str, Scalar], parameters: Sequence[nn.Parameter], names: Mapping[int, str]) -> str | None:
    gradients = gradients_of(parameters)
    bad = {name: value for name, cost in costs.items() if not math.isfinite(value := float(cost.detach()))}
    if bad:
        return "a cost is not finite: " + ", ".join(f"{name!r} is {value}" for name, value in bad.items())
    if gradients and float(found_non_finite(gradients)):
        listed = _describe_bad_gradients(parameters, names)
        return f"a gradient is not finite though the costs {sorted(costs)} are: {listed}"
    return None


def _describe_bad_gradients(parameters: Sequence[nn.Parameter], names: Mapping[int, str]) -> str:
    described = []
    for position, parameter in enumerate(parameters):
        if parameter.grad is not None and not bool(numbers_of(parameter.grad).isfinite().all()):
            described.append(
                repr(names.get(id(parameter), f"number {position}")) + f" of shape {tuple(parameter.shape)}"
            )
    return ", ".join(described[:5]) + (f" and {len(described) - 5} more" if len(described) > 5 else "")
