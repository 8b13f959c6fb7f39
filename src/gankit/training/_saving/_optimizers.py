"""The state of optimizers as plain data: gathered, checked against the optimizer it is for, and laid out as that needs it."""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gankit._core import brief, lacks_memory
from gankit.training._ranks import sharded_like, whole
from gankit.training._saving._moments import (
    OF_THE_MACHINE,
    TORCH_KINDS,
    faults_of_moments,
    faults_of_options,
    in_dtype_of,
    keeps_dtype,
)
from gankit.training._saving._names import own_spelling, plain_name

OLD_FLAGS = {"amsgrad", "centered", "nesterov"}
"""Flags that every state of an optimizer that has them holds."""
MOST_LISTED = 5
TORCH_OPTIONS = {option for kind in TORCH_KINDS for option in inspect.signature(kind).parameters} - {"params"}


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


@torch.inference_mode(False)  # or steps could change what was loaded in that mode only
def fitting_optimizer_state(optimizer: Optimizer, state: object) -> dict[str, Any]:
    """Return a copy of a state that `optimizer_state` returned, ready for `load_optimizer_state`.

    Tensors with a parameter's shape get its memory format and its sharding: fused optimizers process weights and moments in
    the order in which they are stored, and would mix up elements that are stored in another order.

    Raises:
        ValueError: The state is that of another kind of optimizer; groups, numbers, names or shapes of parameters differ; an
            option is out of its range; or a moment is not finite.
    """
    groups, moments = _checked_form(state)
    own_groups = optimizer.param_groups
    counts = [[len(group["params"]) for group in each] for each in (groups, own_groups)]
    if counts[0] != counts[1]:
        raise ValueError(f"state must be of an optimizer with groups of {counts[1]} parameters, got {counts[0]}")
    groups = [_fitting_group(optimizer, saved, own) for saved, own in zip(groups, own_groups, strict=True)]
    saved = [position for group in groups for position in group["params"]]
    parameters = dict(zip(saved, held(optimizer), strict=True))
    options = {position: group for group in groups for position in group["params"]}
    unknown = [position for position in moments if isinstance(position, int) and position not in parameters]
    faults = [f"parameter {position} is in no group" for position in unknown]
    for position in parameters.keys() & moments.keys():
        arguments = (moments[position], parameters[position], options[position])
        faults += faults_of_moments(optimizer, f"parameter {position}", *arguments)
    if faults:
        listed = "; ".join(faults[:MOST_LISTED]) + (
            f" and {len(faults) - MOST_LISTED} more" * (len(faults) > MOST_LISTED)
        )
        raise ValueError(f"state must fit the optimizer's parameters, got {len(faults)} faults: {listed}")
    laid_out = {
        position: {key: _laid_out(value, parameters.get(position)) for key, value in of.items()}
        if isinstance(of, Mapping)
        else copy.deepcopy(of)
        for position, of in moments.items()
    }
    whole_state: Any = state
    return {**whole_state, "state": laid_out, "param_groups": groups}


@torch.inference_mode(False)
def load_optimizer_state(optimizer: Optimizer, fitting: dict[str, Any]) -> Callable[[], None]:
    """Load what `fitting_optimizer_state` returned. Options that are tensors, such as a learning rate, stay the same tensors.

    A compiled step and the code that changes a learning rate in place hold these tensors.

    Returns:
        A function that puts back what was there before.

    Raises:
        ValueError: The optimizer refuses the state; it is unchanged then.
    """
    state, groups = optimizer.state, optimizer.param_groups
    options = [dict(group) for group in groups]
    tensors = [(old, old.detach().clone()) for group in options for old in _tensors(group)]

    def undo() -> None:
        optimizer.state, optimizer.param_groups = state, groups
        for tensor, old in tensors:
            tensor.detach().copy_(old)

    try:
        _load_with_dtypes(optimizer, fitting)
        for group, old in zip(optimizer.param_groups, options, strict=True):
            for key in (group.keys() & old.keys()) - {"params", "param_names"}:
                group[key] = _in_place_of(old[key], group[key])
    except Exception as error:
        undo()
        if lacks_memory(error):
            raise
        raise ValueError(f"state must fit the optimizer, which refuses it: {type(error).__name__}: {error}") from error
    return undo


def _load_with_dtypes(optimizer: Optimizer, fitting: dict[str, Any]) -> None:
    """Load a state by the optimizer's own way, which casts all but ``step`` to the parameter's dtype, and undo that cast."""

    def restore(loaded: Optimizer) -> None:
        positions = [position for group in fitting["param_groups"] for position in group["params"]]
        for position, parameter in zip(positions, held(loaded), strict=True):
            now = loaded.state.get(parameter, {})
            for key, value in fitting["state"].get(position, {}).items():
                if key in now and key != "step" and keeps_dtype(loaded, key):
                    now[key] = in_dtype_of(now[key], value)

    # A hook, so that hooks of the user's, and loaders of an optimizer's own around torch's, have the last word.
    hook = None
    if hasattr(optimizer, "_optimizer_load_state_dict_post_hooks"):  # not those that only pass on to another one
        hook = optimizer.register_load_state_dict_post_hook(restore, prepend=True)
    try:
        optimizer.load_state_dict(fitting)
    finally:
        if hook is not None:
            hook.remove()


def _checked_form(state: object) -> tuple[list[Any], Mapping[Any, Any]]:
    """Return groups and moments of a state; refuse what has not the form of an optimizer's state."""
    if not isinstance(state, Mapping) or not state.keys() >= {"state", "param_groups"}:
        raise ValueError(f"state of an optimizer must hold 'state' and 'param_groups', got {type(state).__name__}")
    groups, moments = state["param_groups"], state["state"]
    if not isinstance(groups, list | tuple) or not isinstance(moments, Mapping):
        raise ValueError(
            f"state of an optimizer must hold a list of groups and a dict of moments, got {brief(groups)} and {brief(moments)}"
        )
    taken: set[int] = set()
    for number, group in enumerate(groups):
        positions = group.get("params") if isinstance(group, Mapping) else None
        if not isinstance(positions, list | tuple) or not all(type(position) is int for position in positions):
            raise ValueError(
                f"group {number} of an optimizer's state must hold 'params', a list of whole numbers, got {brief(group)}"
            )
        if len({*positions}) < len(positions) or not taken.isdisjoint(positions):
            raise ValueError(
                f"group {number} of an optimizer's state must hold each of 'params' once, got {brief(positions)}"
            )
        taken.update(positions)
        if not all(isinstance(key, str) for key in group):
            raise ValueError(
                f"group {number} of an optimizer's state must have names of options, got {brief(list(group))}"
            )
    for position, of in moments.items():
        if position in taken and not (isinstance(of, Mapping) and all(isinstance(key, str) for key in of)):
            raise ValueError(f"moments of parameter {position} must be a dict of tensors and numbers, got {brief(of)}")
    return list(groups), moments


def _tensors(group: Mapping[str, Any]) -> list[torch.Tensor]:
    several = [
        value if isinstance(value, tuple | list) else (value,) for key, value in group.items() if key != "params"
    ]
    return [one for values in several for one in values if isinstance(one, torch.Tensor)]


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
    faults = list(faults_of_options(optimizer, saved, own))
    if faults:
        raise ValueError(f"state must have options of {kind}, got {len(faults)} faults: {'; '.join(faults)}")
    there, here = (_names(group) for group in (saved, own))
    spelled = own_spelling(set(here), there)
    if there and here and [spelled[name] for name in there] != here:
        raise ValueError(
            f"state must be of an optimizer with the same parameters in the same order, got {_first_difference(there, here)}"
        )
    return {**saved, **{key: own[key] for key in OF_THE_MACHINE & own.keys()}}


def _names(group: Mapping[str, Any]) -> list[str]:
    """Return the plain names of the parameters of a group; none if it has none."""
    names = group.get("param_names", ())
    if "param_names" not in group:
        return []
    is_list = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    if not is_list or len(names) != len(group["params"]):
        raise ValueError(f"state must have a name for each parameter of a group in 'param_names', got {brief(names)}")
    return [plain_name(name) for name in names]


def _first_difference(there: Sequence[str], here: Sequence[str]) -> str:
    pairs = zip(there, here, strict=True)
    return next(f"{one!r} in the state where {other!r} is here" for one, other in pairs if one != other)


def _whole(value: Any) -> Any:
    return whole(value) if isinstance(value, torch.Tensor) else value


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
