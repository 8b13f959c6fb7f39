"""The state of optimizers as plain data: gathered, checked against the optimizer it is for, and laid out as that needs it."""

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn, optim
from torch.optim import Optimizer

from gankit.training._ranks import sharded_like, whole
from gankit.training._saving._names import own_spelling, plain_name

FACTORED = {"row_var", "col_var"}
"""What Adafactor keeps: an axis of length one in place of a longer one."""
ELEMENTWISE = {
    *("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "grad_avg", "acc_delta", "exp_inf"),
    *("sum", "prev", "step_size", "ax", "variance"),
}
"""What torch's optimizers keep for each element of a parameter."""
NEEDED: dict[type[Optimizer], set[str]] = {
    optim.Adam: {"exp_avg", "exp_avg_sq"},
    optim.Adamax: {"exp_avg", "exp_inf"},
    optim.NAdam: {"exp_avg", "exp_avg_sq", "mu_product"},
    optim.RAdam: {"exp_avg", "exp_avg_sq"},
    optim.Adagrad: {"sum"},
    optim.Adadelta: {"square_avg", "acc_delta"},
    optim.RMSprop: {"square_avg"},
    optim.Rprop: {"prev", "step_size"},
    optim.ASGD: {"eta", "mu", "ax"},
}
"""What torch's optimizers read at each step of a parameter that they stepped before."""
OLD_FLAGS = {"amsgrad", "centered", "nesterov"}
"""Flags that every state of an optimizer that has them holds."""
OF_THE_MACHINE = {"foreach", "fused", "capturable"}
"""Options that choose an implementation: those of the optimizer that is there stay."""
TORCH_OPTIONS = {
    option
    for kind in vars(optim).values()
    if inspect.isclass(kind) and issubclass(kind, Optimizer) and kind is not Optimizer
    for option in inspect.signature(kind).parameters
} - {"params"}


def held(optimizer: Optimizer) -> list[nn.Parameter]:
    """Return the parameters of an optimizer, in order."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def optimizer_state(optimizer: Optimizer, names: Mapping[int, str]) -> dict[str, Any]:
    """Return the optimizer's state with plain names of parameters; sharded tensors are gathered.

    Args:
        optimizer: The optimizer. The result shares its tensors, unless they are sharded.
        names: Plain names of parameters by ``id``, as far as they are known.
    """
    state = optimizer.state_dict()
    for saved, group in zip(state["param_groups"], optimizer.param_groups, strict=True):
        if "param_names" in saved:
            pairs = zip(group["params"], saved["param_names"], strict=True)
            saved["param_names"] = [names.get(id(parameter), plain_name(name)) for parameter, name in pairs]
    moments = {position: {key: _whole(value) for key, value in of.items()} for position, of in state["state"].items()}
    return {**state, "state": moments}


def fitting_optimizer_state(optimizer: Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a state that `optimizer_state` returned, ready for `load_optimizer_state`.

    Tensors with a parameter's shape get its memory format and its sharding: fused optimizers process weights and moments in
    the order in which they are stored, and would mix up elements that are stored in another order.

    Raises:
        ValueError: The state is that of another kind of optimizer, or groups, numbers, names or shapes of parameters differ.
    """
    if not isinstance(state, Mapping) or not state.keys() >= {"state", "param_groups"}:
        raise ValueError(f"state of an optimizer must hold 'state' and 'param_groups', got {type(state).__name__}")
    groups, own_groups = state["param_groups"], optimizer.param_groups
    counts = [[len(group["params"]) for group in each] for each in (groups, own_groups)]
    if counts[0] != counts[1]:
        raise ValueError(f"state must be of an optimizer with groups of {counts[1]} parameters, got {counts[0]}")
    groups = [_fitting_group(optimizer, saved, own) for saved, own in zip(groups, own_groups, strict=True)]
    saved = [position for group in groups for position in group["params"]]
    parameters = dict(zip(saved, held(optimizer), strict=True))
    options = {position: group for group in groups for position in group["params"]}
    faults = [
        fault
        for position, of in state["state"].items()
        if position in parameters
        for fault in _faults(optimizer, f"parameter {position}", of, parameters[position], options[position])
    ]
    if faults:
        listed = "; ".join(faults[:5]) + (f" and {len(faults) - 5} more" if len(faults) > 5 else "")
        raise ValueError(f"state must fit the optimizer's parameters, got {len(faults)} faults: {listed}")
    moments = {
        position: {key: _laid_out(value, parameters.get(position)) for key, value in of.items()}
        for position, of in state["state"].items()
    }
    return {**state, "state": moments, "param_groups": groups}


def load_optimizer_state(optimizer: Optimizer, fitting: dict[str, Any]) -> None:
    """Load what `fitting_optimizer_state` returned. Options that are tensors, such as a learning rate, stay the same tensors.

    A compiled step and the code that changes a learning rate in place hold these tensors.
    """
    before = [dict(group) for group in optimizer.param_groups]
    optimizer.load_state_dict(fitting)
    for group, old in zip(optimizer.param_groups, before, strict=True):
        for key in (group.keys() & old.keys()) - {"params", "param_names"}:
            group[key] = _in_place_of(old[key], group[key])


def _fitting_group(optimizer: Optimizer, saved: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    kind = type(optimizer).__name__
    # Flags, which torch adds now and then, may be missing; numbers such as betas, and the oldest flags, may not.
    needed = {key for key, value in optimizer.defaults.items() if value is not None and not isinstance(value, bool)}
    needed |= OLD_FLAGS & optimizer.defaults.keys()
    missing = sorted(needed - saved.keys())
    if missing:
        raise ValueError(f"state must be of the same kind of optimizer, {kind}, got one without {missing}")
    foreign = sorted((saved.keys() & TORCH_OPTIONS) - own.keys() - OF_THE_MACHINE)
    if foreign:
        raise ValueError(f"state must be of the same kind of optimizer, {kind}, got one with {foreign}")
    there, here = ([plain_name(name) for name in group.get("param_names", ())] for group in (saved, own))
    spelled = own_spelling(set(here), there)
    if there and here and [spelled[name] for name in there] != here:
        raise ValueError(
            f"state must be of an optimizer with the same parameters in the same order, got {_first_difference(there, here)}"
        )
    return {**saved, **{key: own[key] for key in OF_THE_MACHINE & own.keys()}}


def _first_difference(there: Sequence[str], here: Sequence[str]) -> str:
    pairs = zip(there, here, strict=True)
    return next(f"{one!r} in the state where {other!r} is here" for one, other in pairs if one != other)


def _faults(
    optimizer: Optimizer, whose: str, of: Mapping[str, Any], parameter: nn.Parameter, options: Mapping[str, Any]
) -> list[str]:
    kind = next((known for known in NEEDED if isinstance(optimizer, known)), None)
    needed = set() if kind is None else set(NEEDED[kind])
    if kind is not None:
        needed |= {"max_exp_avg_sq"} if options.get("amsgrad") else set()
        needed |= {"momentum_buffer"} if kind is optim.RMSprop and options["momentum"] > 0 else set()
        needed |= {"grad_avg"} if options.get("centered") else set()
    faults = [f"{key!r} of {whose} is missing" for key in sorted(needed - of.keys())]
    for key, value in of.items():
        if isinstance(value, torch.Tensor) and not _fits(key, value, parameter):
            faults.append(f"{key!r} of {whose} has shape {tuple(value.shape)}, not {tuple(parameter.shape)}")
        elif key in ELEMENTWISE and value is not None and not isinstance(value, torch.Tensor):
            faults.append(f"{key!r} of {whose} is not a tensor but {type(value).__name__}")
    return faults


def _whole(value: Any) -> Any:
    return whole(value) if isinstance(value, torch.Tensor) else value


def _fits(key: str, value: torch.Tensor, parameter: nn.Parameter) -> bool:
    if key in FACTORED:
        return all(size in (1, own) for size, own in zip(value.shape, parameter.shape, strict=False))
    # Counters, and statistics of another form such as Shampoo's matrices, have another number of axes.
    return value.shape == parameter.shape or (value.ndim != parameter.ndim and key not in ELEMENTWISE)


def _laid_out(value: Any, parameter: nn.Parameter | None) -> Any:
    if not isinstance(value, torch.Tensor) or parameter is None or value.shape != parameter.shape:
        return copy.deepcopy(value)
    cut = sharded_like(value, parameter)
    return torch.empty_like(parameter, dtype=value.dtype, device=cut.device, requires_grad=False).copy_(cut)


def _in_place_of(old: Any, new: Any) -> Any:
    """Return the new option in the form of the old one: a tensor is filled, a number stays a number."""
    if isinstance(old, torch.Tensor):
        old.detach().copy_(torch.as_tensor(new, dtype=old.dtype, device=old.device))
        return old
    if isinstance(old, tuple | list) and isinstance(new, tuple | list) and len(old) == len(new):
        return type(old)(_in_place_of(one, other) for one, other in zip(old, new, strict=True))
    return type(old)(new) if isinstance(new, torch.Tensor) and isinstance(old, int | float) else new
