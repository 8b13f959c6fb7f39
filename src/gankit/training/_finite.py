"""What happens where a term or a gradient is NaN or infinite: no step that would poison the weights lands."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import distributed, nn

from gankit._core import Scalar
from gankit.training._ranks import world_size
from gankit.training._sharded import own_piece


class NonFiniteError(FloatingPointError):
    """A term or a gradient of an update is NaN or infinite; the message names it.

    On the CPU it is raised before the optimizer moves anything. On other devices the poisoned steps were skipped on the
    device, and it is raised when the update next looks, every 100 calls.
    """


def refuse_non_finite(
    terms: Mapping[str, Scalar], parameters: Sequence[nn.Parameter], names: Mapping[int, str]
) -> None:
    """Raise where a term or a gradient is not finite. Reads values: for the CPU only.

    With several ranks every one must call it, and all raise where one has to: else some would step and others not.

    Args:
        terms: The update's terms.
        parameters: The optimizer's parameters, with their gradients.
        names: Names of parameters by ``id``, as far as they are known.

    Raises:
        NonFiniteError: A term, else a gradient, is NaN or infinite.
    """
    fault = _fault(terms, parameters, names)
    if _any_rank(fault is not None, parameters[0].device if parameters else torch.device("cpu")):
        fault = fault or "a term or a gradient of another rank is not finite"
        raise NonFiniteError(f"the step was refused, since {fault}; no weight was changed")


def found_non_finite(gradients: Sequence[torch.Tensor]) -> Scalar:
    """Return 1.0 where any gradient holds NaN or infinity, else 0.0, on the first one's device, without waiting for it."""
    groups: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = {}
    for gradient in gradients:
        piece = own_piece(gradient)
        values = piece._values() if piece.is_sparse else piece  # noqa: SLF001 (the only way to uncoalesced values)
        values = torch.view_as_real(values) if values.is_complex() else values
        groups.setdefault((values.device, values.dtype), []).append(values)
    home = gradients[0].device
    flags = []
    for (device, _), group in groups.items():
        flag = torch.zeros((), device=device)
        # The one fused pass over many tensors that torch has for this; times one, it leaves the gradients as they are.
        torch._amp_foreach_non_finite_check_and_unscale_(group, flag, torch.ones((), device=device))
        flags.append(flag.to(home, non_blocking=True))
    return flags[0] if len(flags) == 1 else torch.stack(flags).amax()


def _fault(terms: Mapping[str, Scalar], parameters: Sequence[nn.Parameter], names: Mapping[int, str]) -> str | None:
    values = {name: float(term) for name, term in terms.items()}
    bad = {name: value for name, value in values.items() if not math.isfinite(value)}
    if bad:
        return "a term is not finite: " + ", ".join(f"{name!r} is {value}" for name, value in bad.items())
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if gradients and float(found_non_finite(gradients)):
        listed = _describe_bad_gradients(parameters, names)
        return f"a gradient is not finite though the terms {sorted(terms)} are: {listed}"
    return None


def _any_rank(refuses: bool, device: torch.device) -> bool:
    if world_size() == 1:
        return refuses
    flag = torch.tensor(float(refuses), device=device)
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return bool(flag)


def _describe_bad_gradients(parameters: Sequence[nn.Parameter], names: Mapping[int, str]) -> str:
    described = []
    for position, parameter in enumerate(parameters):
        if parameter.grad is not None and not bool(own_piece(parameter.grad).isfinite().all()):
            described.append(
                repr(names.get(id(parameter), f"number {position}")) + f" of shape {tuple(parameter.shape)}"
            )
    return ", ".join(described[:5]) + (f" and {len(described) - 5} more" if len(described) > 5 else "")
