import copy
import functools
import math
import types
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gankit.training._counterparts import Counterparts


class _Fading(nn.Module):
    """A network with an attribute that is no parameter and no buffer."""

    def __init__(self, alpha: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.alpha = alpha


@dataclass
class _Settings:
    rate: float


@dataclass(frozen=True, slots=True)
class _Frozen:
    rate: float


class _Plain:
    def __init__(self, rate: float) -> None:
        self.rate = rate


def _followed(network: nn.Module, change: Callable[[Any], object]) -> Any:
    """The copy after the network changed, and after one more look at which nothing changed."""
    copied = copy.deepcopy(network)
    pairs = Counterparts(network, copied)
    pairs.tensors("parameters")
    pairs.follow()
    change(network)
    for _ in range(2):
        pairs.tensors("parameters")
        pairs.follow()
    return copied


def _set(value: Any) -> Callable[[_Fading], None]:
    return lambda network: setattr(network, "alpha", value)


CHANGES: dict[str, tuple[Any, Callable[[_Fading], object]]] = {
    "float": (0.0, _set(0.5)),
    "int": (0, _set(1)),
    "text": ("a", _set("b")),
    "flag": (False, _set(True)),
    "None": (None, _set(0.5)),
    "to None": (0.5, _set(None)),
    "to NaN": (0.5, _set(math.nan)),
    "tuple": ((1, 2), _set((1, 3))),
    "list": ([1, 2], lambda network: network.alpha.append(3)),
    "dict": ({"a": 1}, lambda network: network.alpha.update(a=2)),
    "key": ({"a": 1}, lambda network: network.alpha.update(b=network.alpha.pop("a"))),
    "nested": ({"a": [1]}, lambda network: network.alpha["a"].append(2)),
    "tuple of lists": (([1],), lambda network: network.alpha[0].append(2)),
    "set": ({1}, lambda network: network.alpha.add(2)),
    "deque": (deque([1]), lambda network: network.alpha.append(2)),
    "default dict": (defaultdict(int), lambda network: network.alpha.update(a=1)),
    "namespace": (types.SimpleNamespace(a=1), lambda network: setattr(network.alpha, "a", 2)),
    "dataclass": (_Settings(1.0), lambda network: setattr(network.alpha, "rate", 2.0)),
    "frozen dataclass": (_Frozen(1.0), _set(_Frozen(2.0))),
    "array": (np.ones(2), lambda network: network.alpha.fill(3)),
    "another shape": (np.ones(4), _set(np.ones((2, 2)))),
    "NumPy's number": (np.float64(1.0), _set(np.float64(2.0))),
    "tensor": (torch.ones(2), lambda network: network.alpha.fill_(3)),
    "another tensor": (torch.ones(2), _set(torch.zeros(3))),
    "tensors": ([torch.ones(2)], lambda network: network.alpha[0].fill_(3)),
    "function": (torch.relu, _set(torch.tanh)),
    "partial": (functools.partial(max, 1), _set(functools.partial(max, 2))),
    "type": (int, _set(float)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_attributes_follow(name: str) -> None:
    before, change = CHANGES[name]
    network = _Fading(copy.deepcopy(before))
    copied = _followed(network, change)
    assert repr(copied.alpha) == repr(network.alpha) != repr(before)
    if isinstance(network.alpha, list | dict | set | deque | np.ndarray | torch.Tensor | _Settings):
        assert copied.alpha is not network.alpha


def test_attributes_of_objects_follow() -> None:
    copied = _followed(_Fading(_Plain(1.0)), lambda network: setattr(network.alpha, "rate", 2.0))
    assert copied.alpha.rate == 2.0


def test_attributes_of_inner_modules_follow() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.1))
    assert _followed(network, lambda n: setattr(n[1], "negative_slope", 0.4))[1].negative_slope == 0.4
    replaced = _followed(network, lambda n: n.__setitem__(1, nn.LeakyReLU(0.3)))
    assert replaced[1].negative_slope == 0.3


def test_attributes_that_come_and_go_follow() -> None:
    assert _followed(_Fading(1), lambda network: setattr(network, "beta", 3)).beta == 3
    assert not hasattr(_followed(_Fading(1), lambda network: delattr(network, "alpha")), "alpha")
    swapped = _followed(_Fading(1), lambda network: (delattr(network, "alpha"), setattr(network, "beta", 3)))
    assert not hasattr(swapped, "alpha")
    assert swapped.beta == 3


def test_what_was_set_in_the_copy_stays_until_the_network_changes() -> None:
    network = _Fading(1.0)
    copied = copy.deepcopy(network)
    pairs = Counterparts(network, copied)
    copied.alpha = 7.0
    pairs.follow()
    assert copied.alpha == 7.0
    network.alpha = 2.0
    pairs.follow()
    assert copied.alpha == 2.0


def test_training_mode_and_hooks_do_not_follow() -> None:
    network = _Fading(1.0)
    copied = copy.deepcopy(network).eval()
    pairs = Counterparts(network, copied)
    network.register_forward_hook(lambda *_: None)
    network.train()
    pairs.follow()
    assert not copied.training
    assert not copied._forward_hooks


def test_references_to_parts_of_the_network_become_references_to_the_copy() -> None:
    network = _Fading(None)
    copied = _followed(network, lambda n: setattr(n, "alpha", [n.layer, n.layer.weight, n.layer.forward]))
    layer, weight, forward = copied.alpha
    assert layer is copied.layer
    assert weight is copied.layer.weight
    assert forward.__self__ is copied.layer


def test_results_of_calls_do_not_follow() -> None:
    network = _Fading(None)
    assert _followed(network, lambda n: setattr(n, "alpha", n.layer(torch.ones(1, 2)))).alpha is None


class _Slotted(nn.Module):
    __slots__ = ("alpha",)

    def __init__(self) -> None:
        super().__init__()
        self.alpha = 0.5


def test_slots_follow() -> None:
    assert _followed(_Slotted(), _set(0.75)).alpha == 0.75


def test_long_containers_are_compared_by_identity() -> None:
    network = _Fading([0.0] * 1000)
    copied = _followed(network, lambda n: n.alpha.append(1.0))
    assert len(copied.alpha) == 1000
    assert len(_followed(network, _set([0.0] * 2000)).alpha) == 2000


def test_state_of_torch_distributed_does_not_follow() -> None:
    copied = _followed(_Fading(1), lambda network: network.__dict__.update(__composable_api_state_key={1: 2}))
    assert "__composable_api_state_key" not in vars(copied)


def test_tensors_come_in_pairs_tied_ones_once() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    network[2].weight = network[0].weight
    network.register_buffer("none", None)
    copied = copy.deepcopy(network)
    pairs = Counterparts(network, copied)
    expected = list(zip(copied.parameters(), network.parameters(), strict=True))
    found = pairs.tensors("parameters")
    assert [(id(one), id(other)) for one, other in found] == [(id(one), id(other)) for one, other in expected]
    assert len(pairs.tensors("buffers")) == 3
    network.none = torch.ones(1)
    with pytest.raises(ValueError, match=r"network must keep the buffers .* got changes in \['none'\]"):
        pairs.tensors("buffers")
