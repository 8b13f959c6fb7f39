"""What an optimizer's state must hold to fit an optimizer: options that torch takes, and moments that fit the parameters."""

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn, optim
from torch.optim import Optimizer

from gankit._core import brief
from gankit.training._ranks import own_piece
from gankit.training._saving._finite_state import counted, is_finite

FACTORED = {"row_var", "col_var"}
"""What Adafactor keeps: an axis of length one in place of a longer one."""
ELEMENTWISE = {
    *("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "grad_avg", "acc_delta", "exp_inf"),
    *("sum", "prev", "step_size", "ax", "variance"),
}
"""What torch's optimizers keep for each element of a parameter."""
NUMBERS = {"step", "mu_product", "eta", "mu"}
"""What they keep for each parameter as one number."""
NEEDED: dict[type[Optimizer], set[str]] = {
    optim.Adam: {"step", "exp_avg", "exp_avg_sq"},
    optim.Adamax: {"step", "exp_avg", "exp_inf"},
    optim.NAdam: {"step", "exp_avg", "exp_avg_sq", "mu_product"},
    optim.RAdam: {"step", "exp_avg", "exp_avg_sq"},
    optim.Adagrad: {"step", "sum"},
    optim.Adadelta: {"step", "square_avg", "acc_delta"},
    optim.RMSprop: {"step", "square_avg"},
    optim.Rprop: {"step", "prev", "step_size"},
    optim.ASGD: {"step", "eta", "mu", "ax"},
}
"""What torch's optimizers read at each step of a parameter that they stepped before."""
TORCH_KINDS = tuple(
    kind
    for kind in vars(optim).values()
    if inspect.isclass(kind) and issubclass(kind, Optimizer) and kind is not Optimizer
)
"""The optimizers of torch, which keep moments in the dtype of the parameter."""
OF_THE_MACHINE = {"foreach", "fused", "capturable"}
"""Options that choose an implementation: those of the optimizer that is there stay."""
NAMES = {"params", "param_names"}


def faults_of_options(optimizer: Optimizer, saved: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the options of a group: they must be of the kind and in the range of the optimizer's."""
    common = own.keys() & saved.keys() - NAMES - OF_THE_MACHINE
    wrong = [key for key in sorted(common) if not _is_alike(saved[key], own[key])]
    yield from (f"{key!r} must be like {brief(own[key])}, got {brief(saved[key])}" for key in wrong)
    kind = type(optimizer)
    if wrong or not kind.__module__.startswith("torch.optim."):
        return
    options = {key: _as_numbers(saved[key]) for key in common & inspect.signature(kind).parameters.keys()}
    try:
        kind([nn.Parameter(torch.zeros(1, 1, device="cpu"))], **options)  # which checks their ranges
    except Exception as error:  # noqa: BLE001  of which kind is up to torch
        yield f"{kind.__name__} refuses them: {error}"


def faults_of_moments(
    optimizer: Optimizer, whose: str, of: Mapping[str, Any], parameter: nn.Parameter, options: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is wrong with the moments of a parameter."""
    kind = next((known for known in NEEDED if isinstance(optimizer, known)), None)
    needed = set() if kind is None else set(NEEDED[kind])
    if kind is not None:
        needed |= {"max_exp_avg_sq"} if options.get("amsgrad") else set()
        needed |= {"momentum_buffer"} if kind is optim.RMSprop and options["momentum"] > 0 else set()
        needed |= {"grad_avg"} if options.get("centered") else set()
    yield from (f"{key!r} of {whose} is missing" for key in sorted(needed - of.keys()))
    for key, value in of.items():
        if key in NUMBERS and not _is_number(value, least=-math.inf if key == "mu" else 0):
            yield f"{key!r} of {whose} is no number of 0 or more but {brief(value)}"
        elif isinstance(value, torch.Tensor):
            faults = _faults_of_tensor(key, value, parameter, keeps_dtype=keeps_dtype(optimizer, key))
            yield from (f"{key!r} of {whose} {fault}" for fault in faults)
        elif key in ELEMENTWISE and (value is not None or key in needed):
            yield f"{key!r} of {whose} is not a tensor but {type(value).__name__}"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{key!r} of {whose} is {value}"


def keeps_dtype(optimizer: Optimizer, key: str) -> bool:
    """Return whether an optimizer keeps a tensor of its state in a dtype of its own, not in that of the parameter.

    Torch's optimizers do so with all but what they keep for each element: NAdam has a product in float32.
    """
    return key not in ELEMENTWISE | FACTORED or not isinstance(optimizer, TORCH_KINDS)


def in_dtype_of(loaded: Any, saved: Any) -> Any:
    """Return what was loaded, its tensors in the dtypes of those that were saved."""
    if isinstance(loaded, torch.Tensor) and isinstance(saved, torch.Tensor) and loaded.dtype != saved.dtype:
        return saved.to(loaded.device)
    if isinstance(loaded, dict) and isinstance(saved, Mapping):
        return {key: in_dtype_of(value, saved.get(key)) for key, value in loaded.items()}
    if isinstance(loaded, list | tuple) and isinstance(saved, list | tuple) and len(loaded) == len(saved):
        items = [in_dtype_of(one, other) for one, other in zip(loaded, saved, strict=True)]
        return items if isinstance(loaded, list) else tuple(items)
    return loaded


def _faults_of_tensor(
    key: str, value: torch.Tensor, parameter: nn.Parameter, *, keeps_dtype: bool = False
) -> Iterator[str]:
    if value.layout is not torch.strided or value.is_quantized or (value.is_meta and not parameter.is_meta):
        yield "is no dense tensor with values"
    elif not _fits(key, value, parameter):
        yield f"has shape {tuple(value.shape)}, not {tuple(parameter.shape)}"
    elif key in ELEMENTWISE | FACTORED and not (
        value.is_complex() == parameter.is_complex() and (value.is_floating_point() or value.is_complex())
    ):
        yield f"has dtype {value.dtype}, which is none of a moment of {parameter.dtype}"
    elif not is_finite(value):
        yield f"has {counted(value)}"
    elif key in ELEMENTWISE and not keeps_dtype and not is_finite(own_piece(value).to(parameter.dtype)):
        yield f"has values that {parameter.dtype} does not hold"


def _fits(key: str, value: torch.Tensor, parameter: nn.Parameter) -> bool:
    if key in FACTORED:
        return all(size in (1, own) for size, own in zip(value.shape, parameter.shape, strict=False))
    # Counters, and statistics of another form such as Shampoo's matrices, have another number of axes.
    return value.shape == parameter.shape or (value.ndim != parameter.ndim and key not in ELEMENTWISE)


def _is_number(value: object, *, least: float = -math.inf) -> bool:
    if isinstance(value, torch.Tensor):
        is_one = value.numel() == 1 and value.layout is torch.strided and not value.is_complex()
        return is_one and (value.is_meta or (math.isfinite(float(value)) and float(value) >= least))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -(2.0**63) < value < 2.0**63 and value >= least


def _is_alike(value: object, own: object) -> bool:
    """Return whether an option is of the kind of the one that is there: a switch, a number, or several of them."""
    if isinstance(own, bool):
        return isinstance(value, bool)
    if isinstance(own, int | float | torch.Tensor):
        return _is_number(value)
    if isinstance(own, tuple | list):
        return (
            isinstance(value, tuple | list)
            and len(value) == len(own)
            and all(one is None or _is_alike(one, other) for one, other in zip(value, own, strict=True))
        )
    if own is None:
        return value is None or isinstance(value, bool) or _is_number(value)
    return type(value) is type(own) or not isinstance(own, str)


def _as_numbers(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(map(_as_numbers, value))
    return float(value) if isinstance(value, torch.Tensor) and not value.is_meta else value
