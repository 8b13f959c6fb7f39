"""The state of networks as plain data, with names that do not depend on wrappers."""

import copy
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from gankit._core import brief, lacks_memory
from gankit.training._ranks import own_piece, reshard, sharded_like, whole
from gankit.training._saving._finite_state import counted, is_finite
from gankit.training._saving._names import bare, own_spelling, plain_names
from gankit.training._saving._plain import plain_copy


def network_state(network: nn.Module) -> dict[str, Any]:
    """Return parameters, buffers and extra state by plain names, however the network is wrapped.

    Names are those of the bare network: without the ``module.`` of data-parallel wrappers, the ``_orig_mod.`` of
    ``torch.compile`` and the ``parametrizations.`` of parametrized weights. The tensors are the network's own, not copies;
    those that FSDP2 shards are gathered, so every rank must call it. What a module returns from ``get_extra_state`` is a
    tensor, or plain data as in `save_checkpoint`.

    Args:
        network: Any module, bare, wrapped, compiled or with compiled parts.

    Raises:
        ValueError: It is no module, is lazy and was not called yet, has extra state that is not plain data, or two entries
            would have the same plain name.

    Example:
        >>> import torch
        >>> from gankit.training import network_state
        >>> critic = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(2, 1))
        >>> sorted(network_state(critic))
        ['bias', 'weight', 'weight.0._u', 'weight.0._v']
    """
    own = _own_state(network)
    names = plain_names(bare(network), own)
    return {
        names[name]: whole(value.detach()) if isinstance(value, torch.Tensor) else _plain(names[name], value)
        for name, value in own.items()
    }


def load_network_state(network: nn.Module, state: Mapping[str, Any]) -> None:
    """Copy a state that `network_state` returned into a network, wrapped or not. Every rank must load the same one.

    States with the prefixes of wrappers, as ``state_dict()`` of a data-parallel or compiled network returns them, fit too:
    ``module.`` and ``_orig_mod.``, those of FSDP, of activation checkpointing and of parametrizations, wherever they are in
    a name.

    Args:
        network: Its values are changed in place; nothing changes if the state does not fit.
        state: Tensors, and extra state, by name.

    Raises:
        ValueError: Names are missing or unknown, shapes differ, or tensors that are one here differ there; the message lists
            all of them. Or the network refuses its extra state.

    Example:
        >>> import torch
        >>> from gankit.training import load_network_state, network_state
        >>> one, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
        >>> load_network_state(other, network_state(one))
        >>> bool((one.weight == other.weight).all())
        True
    """
    load_fitting_state(network, state)


def load_fitting_state(network: nn.Module, state: object, *, finite: Collection[str] = ()) -> None:
    """Load a state of a network, of which the entries with some plain names must be finite."""
    if not isinstance(state, Mapping):
        raise ValueError(f"state must be a mapping of names to tensors, got {type(state).__name__}")
    others = [brief(name) for name in state if not isinstance(name, str)]
    if others:
        raise ValueError(f"state must have names that are strings, got {', '.join(others[:5])}")
    own = _own_state(network)
    if any(isinstance(value, torch.Tensor) and value.is_meta for value in own.values()):
        raise ValueError(
            "network must have memory for its values, got tensors on meta: call network.to_empty(device=...)"
        )
    names = plain_names(bare(network), own)
    spelled = own_spelling(set(names.values()), list(state))
    given = {spelled[name]: value for name, value in state.items()}
    faults = [*_faults({names[name]: value for name, value in own.items()}, given), *_untied(network, names, given)]
    infinite = (name for name in finite if isinstance(value := given.get(name), torch.Tensor) and not is_finite(value))
    faults += [f"{name!r} holds {counted(given[name])}" for name in infinite]
    if faults:
        raise ValueError(f"state must fit the network, got {len(faults)} faults: {'; '.join(sorted(faults))}")
    _load(bare(network), own, {name: given[names[name]] for name in own})


def _load(network: nn.Module, own: Mapping[str, Any], fitting: Mapping[str, Any]) -> None:
    """Load by torch's own way, which calls hooks and ``set_extra_state``; if a module refuses, put everything back."""
    # Not a deep copy of tensors, which those of FSDP2 refuse.
    before = {
        name: value.detach().clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
        for name, value in own.items()
    }
    try:
        network.load_state_dict(_as_torch_returns(own, fitting))
    except Exception as error:
        _put_back(network, own, before)
        if lacks_memory(error):
            raise
        raise ValueError(f"state must fit the network, which refuses it: {type(error).__name__}: {error}") from error


def _put_back(network: nn.Module, own: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    with suppress(Exception):  # what refused one state may refuse that of before too, after it was loaded or not
        network.load_state_dict(_as_torch_returns(own, before))
    for name, value in own.items():
        if isinstance(value, torch.Tensor) and not (value.is_inference() and not torch.is_inference_mode_enabled()):
            value.detach().copy_(before[name])


def _as_torch_returns(own: Mapping[str, Any], values: Mapping[str, Any]) -> OrderedDict[str, Any]:
    state: Any = OrderedDict(
        (name, sharded_like(values[name], value) if isinstance(value, torch.Tensor) else values[name])
        for name, value in own.items()
    )
    state._metadata = getattr(own, "_metadata", None)  # noqa: SLF001  the versions of the modules' states
    return state


def refuse_lazy(network: nn.Module) -> None:
    """Refuse a network whose lazy modules have not got their shapes yet."""
    tensors = (*network.named_parameters(), *network.named_buffers())
    lazy = [name for name, tensor in tensors if is_lazy(tensor)]
    if lazy:
        raise ValueError(
            f"network must have its shapes, got the lazy {lazy[0]!r} without: call the network once before"
        )


def _own_state(network: nn.Module) -> dict[str, Any]:
    inner = bare(network)
    refuse_lazy(inner)
    reshard(network)
    return inner.state_dict()


def _plain(name: str, value: Any) -> Any:
    return plain_copy(value, f"the extra state {name!r} of the network")


def _faults(own: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name!r} is missing" for name in own.keys() - given.keys())
    yield from (f"{name!r} is unknown" for name in given.keys() - own.keys())
    for name in own.keys() & given.keys():
        wanted, value = own[name], given[name]
        if not isinstance(wanted, torch.Tensor) or is_extra(name):
            continue
        if not isinstance(value, torch.Tensor):
            yield f"{name!r} is not a tensor"
        elif value.shape != wanted.shape:
            yield f"{name!r} has shape {tuple(value.shape)}, not {tuple(wanted.shape)}"
        elif not _has_values(value):
            yield f"{name!r} is no dense tensor with values"
        elif not holds(wanted.dtype, value):
            yield f"{name!r} of {value.dtype} has values that {wanted.dtype} does not hold"


def holds(dtype: torch.dtype, values: torch.Tensor) -> bool:
    """Return whether a dtype holds the values: rounded if need be, but neither cut off nor too large for it."""
    if values.dtype == dtype or dtype.is_complex:
        return True
    if values.is_complex():
        return False
    piece = own_piece(values)
    converted = piece.to(dtype)
    if dtype.is_floating_point:
        return is_finite(converted) or not is_finite(piece)
    return bool((converted.to(piece.dtype) == piece).all())


def _has_values(tensor: torch.Tensor) -> bool:
    return not tensor.is_meta and not tensor.is_quantized and tensor.layout is torch.strided


def _is_same(one: torch.Tensor, two: torch.Tensor) -> bool:
    """Return whether two tensors have one dtype and equal values, NaN included."""
    if one.dtype != two.dtype:
        return False
    if one.is_floating_point() and one.dtype.itemsize == 1:  # torch compares no numbers of 8 bits
        one, two = one.float(), two.float()
    return torch.equal(one.nan_to_num(), two.nan_to_num())


def is_extra(name: str) -> bool:
    """Return whether a name of a state is that of a module's extra state, whose form only the module knows."""
    return name.rpartition(".")[2] == "_extra_state"


def _untied(network: nn.Module, names: Mapping[str, str], given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a fault for each name whose tensor is that of another name here, but not in the state."""
    parameters = [(n, p) for n, p in bare(network).named_parameters(remove_duplicate=False) if n in names]
    uses = Counter(id(parameter) for _, parameter in parameters)
    first: dict[int, str] = {}
    for name, parameter in parameters:
        if uses[id(parameter)] == 1:
            continue
        other, own = first.setdefault(id(parameter), names[name]), names[name]
        one, two = given.get(other), given.get(own)
        if not isinstance(one, torch.Tensor) or not isinstance(two, torch.Tensor) or one.shape != two.shape:
            continue  # which is a fault already
        if _has_values(one) and _has_values(two) and not _is_same(one, two):
            yield f"{own!r} differs from {other!r}, which is the same tensor in this network"
