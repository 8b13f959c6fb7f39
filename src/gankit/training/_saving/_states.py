"""The state of networks and optimizers as plain data, with names that do not depend on wrappers."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim import Optimizer

from gankit.training._ranks import reshard, sharded_like, whole

FACTORED = {"row_var", "col_var"}
"""What Adafactor keeps: an axis of length one in place of a longer one."""
ELEMENTWISE = {
    *("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "grad_avg", "acc_delta", "exp_inf"),
    *("sum", "prev", "step_size", "ax", "variance"),
}
"""What torch's optimizers keep for each element of a parameter."""


def network_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return parameters and buffers by plain names, however the network is wrapped.

    Names are those of the bare network: without the ``module.`` of data-parallel wrappers, the ``_orig_mod.`` of
    ``torch.compile`` and the ``parametrizations.`` of parametrized weights. The tensors are the network's own, not copies;
    those that FSDP2 shards are gathered, so every rank must call it.

    Args:
        network: Any module, bare, wrapped, compiled or with compiled parts.

    Raises:
        ValueError: Two entries would have the same plain name.

    Example:
        >>> import torch
        >>> from gankit.training import network_state
        >>> critic = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(2, 1))
        >>> sorted(network_state(critic))
        ['bias', 'weight', 'weight.0._u', 'weight.0._v']
    """
    return {name: whole(tensor) for name, tensor in _own_state(network).items()}


def load_network_state(network: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Copy a state that `network_state` returned into a network, wrapped or not. Every rank must load the same one.

    Args:
        network: Its values are changed in place; nothing changes if the state does not fit.
        state: Tensors by plain names.

    Raises:
        ValueError: Names are missing or unknown, or shapes differ; the message lists all of them.

    Example:
        >>> import torch
        >>> from gankit.training import load_network_state, network_state
        >>> one, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
        >>> load_network_state(other, network_state(one))
        >>> bool((one.weight == other.weight).all())
        True
    """
    own = _own_state(network)
    faults = [f"{name!r} is missing" for name in own.keys() - state.keys()]
    faults += [f"{name!r} is unknown" for name in state.keys() - own.keys()]
    faults += [f"{name!r} is not a tensor" for name, value in state.items() if not isinstance(value, torch.Tensor)]
    faults += [
        f"{name!r} has shape {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
        for name in own.keys() & state.keys()
        if isinstance(state[name], torch.Tensor) and state[name].shape != own[name].shape
    ]
    if faults:
        raise ValueError(f"state must fit the network, got {len(faults)} faults: {'; '.join(sorted(faults))}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(sharded_like(state[name], tensor))


def _own_state(network: nn.Module) -> dict[str, torch.Tensor]:
    reshard(network)
    state: dict[str, torch.Tensor] = {}
    for name, tensor in bare(network).state_dict().items():
        plain = plain_name(name)
        if plain in state:
            raise ValueError(f"network must have distinct plain names, got {plain!r} twice")
        state[plain] = tensor.detach()
    return state


def bare(network: nn.Module) -> nn.Module:
    """Return the network inside data-parallel wrappers and ``torch.compile``."""
    while True:
        if isinstance(network, DistributedDataParallel | DataParallel):
            network = network.module
        elif isinstance(compiled := getattr(network, "_orig_mod", None), nn.Module):
            network = compiled
        else:
            return network


def plain_name(name: str) -> str:
    """Return the name of a parameter or buffer without the prefixes that wrappers inside the network added."""
    parts: list[str] = []
    parametrized = False
    for part in name.split("."):
        if part == "parametrizations":
            parametrized = True
        elif part != "_orig_mod" and not (parametrized and part == "original"):
            parts.append(part)
    return ".".join(parts)


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
    """Return a copy of a state that `optimizer_state` returned, ready for ``optimizer.load_state_dict``.

    Tensors with a parameter's shape get its memory format and its sharding: fused optimizers process weights and moments in
    the order in which they are stored, and would mix up elements that are stored in another order.

    Raises:
        ValueError: The state is that of another kind of optimizer, or groups, numbers of parameters or shapes differ.
    """
    if not isinstance(state, Mapping) or not state.keys() >= {"state", "param_groups"}:
        raise ValueError(f"state of an optimizer must hold 'state' and 'param_groups', got {type(state).__name__}")
    counts = [[len(group["params"]) for group in groups] for groups in (state["param_groups"], optimizer.param_groups)]
    if counts[0] != counts[1]:
        raise ValueError(f"state must be of an optimizer with groups of {counts[1]} parameters, got {counts[0]}")
    # Flags, which torch adds now and then, may be missing; numbers such as betas may not.
    needed = {key for key, value in optimizer.defaults.items() if value is not None and not isinstance(value, bool)}
    missing = sorted(needed - state["param_groups"][0].keys())
    if missing:
        kind = type(optimizer).__name__
        raise ValueError(f"state must be of the same kind of optimizer, {kind}, got one without {missing}")
    saved = [position for group in state["param_groups"] for position in group["params"]]
    parameters = dict(zip(saved, held(optimizer), strict=True))
    faults = [
        f"{key!r} of parameter {position} has shape {tuple(value.shape)}, not {tuple(parameters[position].shape)}"
        for position, of in state["state"].items()
        for key, value in of.items()
        if position in parameters and not _fits(key, value, parameters[position])
    ]
    if faults:
        listed = "; ".join(faults[:5]) + (f" and {len(faults) - 5} more" if len(faults) > 5 else "")
        raise ValueError(f"state must fit the optimizer's parameters, got {len(faults)} faults: {listed}")
    moments = {
        position: {key: _laid_out(value, parameters.get(position)) for key, value in of.items()}
        for position, of in state["state"].items()
    }
    return {**state, "state": moments}


def _whole(value: Any) -> Any:
    return whole(value) if isinstance(value, torch.Tensor) else value


def _fits(key: str, value: Any, parameter: nn.Parameter) -> bool:
    if not isinstance(value, torch.Tensor):
        return True
    if key in FACTORED:
        return all(size in (1, own) for size, own in zip(value.shape, parameter.shape, strict=False))
    # Counters, and statistics of another form such as Shampoo's matrices, have another number of axes.
    return value.shape == parameter.shape or (value.ndim != parameter.ndim and key not in ELEMENTWISE)


def _laid_out(value: Any, parameter: nn.Parameter | None) -> Any:
    if not isinstance(value, torch.Tensor) or parameter is None or value.shape != parameter.shape:
        return copy.deepcopy(value)
    cut = sharded_like(value, parameter)
    return torch.empty_like(parameter, dtype=value.dtype, device=cut.device, requires_grad=False).copy_(cut)
