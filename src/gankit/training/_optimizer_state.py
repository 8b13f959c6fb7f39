"""The state of an optimizer as plain data, and its way back, checked and laid out as the parameters are."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gankit.training._network_state import plain_name
from gankit.training._sharded import sharded_like, whole


def held(optimizer: Optimizer) -> list[nn.Parameter]:
    """Return the parameters of an optimizer, in order."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def optimizer_state(optimizer: Optimizer, names: Mapping[int, str]) -> dict[str, Any]:
    """Return the optimizer's state, with plain names of parameters; what FSDP2 shards is gathered.

    Args:
        optimizer: The optimizer. Its state is shared, not copied, unless it is sharded.
        names: Plain names of parameters by ``id``, as far as they are known.
    """
    state = optimizer.state_dict()
    for saved, group in zip(state["param_groups"], optimizer.param_groups, strict=True):
        if "param_names" in saved:
            pairs = zip(group["params"], saved["param_names"], strict=True)
            saved["param_names"] = [names.get(id(parameter), plain_name(name)) for parameter, name in pairs]
    moments = {position: {key: _whole(value) for key, value in of.items()} for position, of in state["state"].items()}
    return {**state, "state": moments}


def load_optimizer_state(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Give the optimizer a copy of a state that `optimizer_state` returned.

    Tensors of a parameter's shape get its memory format and its cut: fused optimizers walk weights and moments side by side
    as they lie in memory, and would mix up the elements of a state that lies in another order.

    Raises:
        ValueError: Groups, the number of parameters or shapes differ; nothing was changed.
    """
    if not isinstance(state, Mapping) or not state.keys() >= {"state", "param_groups"}:
        raise ValueError(f"state of an optimizer must hold 'state' and 'param_groups', got {type(state).__name__}")
    saved = [position for group in state["param_groups"] for position in group["params"]]
    parameters = dict(zip(saved, held(optimizer), strict=False))  # torch refuses other numbers of parameters
    faults = [
        f"{key!r} of parameter {position} has shape {tuple(value.shape)}, not {tuple(parameters[position].shape)}"
        for position, of in state["state"].items()
        for key, value in of.items()
        if position in parameters and not _fits(value, parameters[position])
    ]
    if faults:
        listed = "; ".join(faults[:5]) + (f" and {len(faults) - 5} more" if len(faults) > 5 else "")
        raise ValueError(f"state must fit the optimizer's parameters, got {len(faults)} faults: {listed}")
    moments = {
        position: {key: _laid_out(value, parameters.get(position)) for key, value in of.items()}
        for position, of in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": moments})


def _whole(value: Any) -> Any:
    return whole(value) if isinstance(value, torch.Tensor) else value


def _fits(value: Any, parameter: nn.Parameter) -> bool:
    if not isinstance(value, torch.Tensor) or value.ndim != parameter.ndim:
        return True  # a counter, or statistics of another form
    # Factored moments, such as Adafactor's, have an axis of one in place of a longer one.
    return all(size in (1, own) for size, own in zip(value.shape, parameter.shape, strict=True))


def _laid_out(value: Any, parameter: nn.Parameter | None) -> Any:
    if not isinstance(value, torch.Tensor) or parameter is None or value.shape != parameter.shape:
        return copy.deepcopy(value)
    cut = sharded_like(value, parameter)
    return torch.empty_like(parameter, dtype=value.dtype, device=cut.device, requires_grad=False).copy_(cut)
