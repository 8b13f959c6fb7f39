"""The state of a network under the names that it has without wrappers, so that no prefix reaches the disk."""

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from gankit.training._sharded import reshard, sharded_like, whole


def network_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return parameters and buffers by plain names, whatever the network is wrapped in.

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
    """Copy a state that `network_state` returned into a network, wrapped or not; each rank loads the same one.

    Args:
        network: Receives the values, in place; nothing changes where the state does not fit.
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
    faults += [f"{name!r} is no tensor" for name, value in state.items() if not isinstance(value, torch.Tensor)]
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
    """Return the name of a parameter or buffer without what wrappers inside the network added to it."""
    parts: list[str] = []
    parametrized = False
    for part in name.split("."):
        if part == "parametrizations":
            parametrized = True
        elif part != "_orig_mod" and not (parametrized and part == "original"):
            parts.append(part)
    return ".".join(parts)
