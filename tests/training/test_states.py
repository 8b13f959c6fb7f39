"""Every state that the library saves, changed at random: a ``ValueError`` and nothing changes, or it fits."""

import copy
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.forged import quantized
from torch import nn

from gankit.constraints import ScoreAverages
from gankit.losses import AdaptiveProbability
from gankit.training import (
    FiniteStepper,
    Replay,
    ScaledStepper,
    Update,
    WeightAverage,
    load_network_state,
    load_random_state,
    load_updates_state,
    network_state,
    random_state,
    updates_state,
)


class _Case:
    """Something with a state: how the state is taken and given back, and how it is used afterwards."""

    def __init__(self, save: Callable[[], Any], load: Callable[[Any], None], use: Callable[[], object]) -> None:
        self.save, self.load, self.use = save, load, use


def _of(thing: Any, use: Callable[[], object]) -> _Case:
    return _Case(thing.state_dict, thing.load_state_dict, use)


def _network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def _update(optimizer: Any, **options: Any) -> tuple[Update, Callable[[], object]]:
    network = _network()
    stepper = options.pop("stepper", None)
    terms = lambda x: {"loss": network(x).square().mean()}  # noqa: E731
    update = Update(optimizer(network.named_parameters(), **options), terms, stepper=stepper)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
    update(x)
    return update, lambda: update(x)


def _replay() -> _Case:
    replay = Replay(4)
    batch = torch.randn(3, 2, generator=torch.Generator().manual_seed(2)), torch.arange(3)
    replay.swap(*batch)

    def use() -> None:
        other = copy.deepcopy(replay)
        kinds = [(one.shape[1:], one.dtype) for one in other.state_dict()["samples"]]
        if kinds:
            other.swap(*(torch.ones(3, *shape, dtype=dtype) for shape, dtype in kinds))

    return _of(replay, use)


def _average() -> _Case:
    network = _network()
    average = WeightAverage(network)
    average.update()

    def use() -> None:
        average.network(torch.ones(2, 3))

    return _of(average, use)


def _scores() -> _Case:
    averages = ScoreAverages()
    averages.update(torch.tensor([2.0]), torch.tensor([1.0]))

    def use() -> None:
        copy.deepcopy(averages).update(torch.tensor([2.0]), torch.tensor([1.0]))

    return _of(averages, use)


def _adaptive() -> _Case:
    adaptive = AdaptiveProbability(length=100)
    adaptive.update(torch.ones(5))
    return _of(adaptive, lambda: copy.deepcopy(adaptive).update(torch.ones(5)))


def _together() -> _Case:
    network = _network()
    optimizer = torch.optim.Adam(network.parameters())
    names = ("plain", "penalized", "own")
    updates = {name: Update(optimizer, lambda x: {"loss": network(x).square().mean()}) for name in names[:2]}
    updates["own"] = _update(torch.optim.SGD, lr=0.1, momentum=0.9)[0]
    x = torch.ones(2, 3)
    for update in updates.values():
        update(x)
    return _Case(
        lambda: updates_state(updates), lambda state: load_updates_state(updates, state), lambda: updates["own"](x)
    )


def _random() -> _Case:
    def use() -> tuple[object, ...]:
        return torch.rand(2), random.gauss(), np.random.normal()  # noqa: NPY002

    return _Case(random_state, load_random_state, use)


def _of_a_network() -> _Case:
    network = _network()
    return _Case(
        lambda: network_state(network),
        lambda state: load_network_state(network, state),
        lambda: network(torch.ones(2, 3)),
    )


CASES: dict[str, Callable[[], _Case]] = {
    "Update with Adam": lambda: _of(*_update(torch.optim.Adam, amsgrad=True)),
    "Update with SGD": lambda: _of(*_update(torch.optim.SGD, lr=0.1, momentum=0.5)),
    "Update with RMSprop": lambda: _of(*_update(torch.optim.RMSprop, centered=True, momentum=0.5)),
    "Update with a scale": lambda: _of(*_update(torch.optim.AdamW, stepper=ScaledStepper("cpu"))),
    "updates_state": _together,
    "FiniteStepper": lambda: _of(FiniteStepper(), lambda: None),
    "ScaledStepper": lambda: _of(ScaledStepper("cpu"), lambda: None),
    "WeightAverage": _average,
    "Replay": _replay,
    "ScoreAverages": _scores,
    "AdaptiveProbability": _adaptive,
    "network_state": _of_a_network,
    "random_state": _random,
}

THINGS: list[Any] = [
    *(None, True, False, 0, 1, 2, -1, 2**40, 2**70, -(2**70), 10**5000, 0.5, -0.5, 1e300, math.nan, math.inf),
    *("", "a", "version", b"a", [], [1], (), {}, {"version": 1}, {1, 2}, 1j, object(), len, [[1], [2]]),
    *(
        torch.tensor(math.nan),
        torch.tensor(1),
        torch.tensor(2**40),
        torch.tensor(True),
        torch.tensor(1j),
        torch.ones(2, 3),
    ),
    *(torch.full((4, 3), math.nan), torch.full((4, 3), math.inf), torch.full((4, 3), 1e300, dtype=torch.float64)),
    *(
        torch.zeros(0),
        torch.zeros(3, 0),
        torch.eye(3).to_sparse(),
        torch.zeros(4, 3, device="meta"),
        torch.zeros(4, device="meta"),
    ),
    *(quantized((4, 3)), torch.ones(4, 3, dtype=torch.complex64)),
    *(torch.ones(4, 3, dtype=torch.int64), torch.zeros((), device="meta"), np.ones(3), np.float64(0.5), np.int64(3)),
]
KEYS = ["version", "step", "more", "", 0, 1, 7, True, None, 0.5, (1,), "state", "params", "lr", "exp_avg"]


def _thing(draw: random.Random) -> Any:
    """One of the things. A copy: put into each other by later changes, they would have no end."""
    return copy.deepcopy(draw.choice(THINGS))


def _containers(state: Any) -> list[Any]:
    found = [state]
    for item in found:
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list | tuple) else ()
        found += [one for one in inner if isinstance(one, dict | list | tuple)]
    return [one for one in found if isinstance(one, dict | list)]


def _spoiled(tensor: torch.Tensor, value: float) -> Any:
    """The same tensor with one other value, which needs a wider dtype now and then."""
    is_dense = tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_meta
    if not is_dense or tensor.numel() == 0:  # another change has put it there
        return tensor
    whole = tensor.clone() if tensor.is_floating_point() or tensor.is_complex() else tensor.double()
    whole.view(-1)[0] = value
    return whole


def _changed(state: Any, draw: random.Random) -> Any:
    """Change one random part of a state, which is a copy."""
    containers = _containers(state)
    if not containers or draw.random() < 0.05:
        return _thing(draw)
    container = draw.choice(containers)
    places = list(container) if isinstance(container, dict) else list(range(len(container)))
    how = draw.choice(["replace", "delete", "insert", "spoil", "rename"])
    if how == "insert" or not places:
        if isinstance(container, dict):
            container[draw.choice(KEYS)] = _thing(draw)
        else:
            container.insert(draw.randrange(len(container) + 1), _thing(draw))
        return state
    place = draw.choice(places)
    value = container[place]
    if how == "replace":
        container[place] = _thing(draw)
    elif how == "spoil" and isinstance(value, torch.Tensor):
        container[place] = _spoiled(value, draw.choice([math.nan, math.inf, -1.0, 1e30, 0.5]))
    elif how == "spoil" and isinstance(value, int | float):
        # A whole number may be beyond any fraction, and have more digits than Python writes.
        others = [value + 0.5, str(value)] if abs(value) < 2**1000 else [0.5, "1"]
        container[place] = draw.choice([-value, value * 2**70, math.nan, not value, *others])
    elif how == "rename" and isinstance(container, dict):
        container[draw.choice(KEYS)] = container.pop(place)
    else:
        del container[place]
    return state


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and torch.equal(one.contiguous().view(-1), other.contiguous().view(-1))
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(_same(one[key], other[key]) for key in one)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:random numbers go on from another state")
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")  # torch says so where a quantized tensor is copied
@given(seed=st.integers(0, 2**32), times=st.integers(1, 3))
def test_a_state_is_refused_with_a_value_error_and_nothing_changes_or_it_can_be_used(
    name: str, seed: int, times: int
) -> None:
    case, draw = CASES[name](), random.Random(seed)
    before = copy.deepcopy(case.save())
    state = copy.deepcopy(before)
    for _ in range(times):
        state = _changed(state, draw)
    states = random.getstate()
    try:
        message = _loaded(case, state)
        if message is None:
            case.use()
        else:
            assert len(message) > 20, "the message says nothing"
            assert "Exceeds the limit" not in message
            assert _same(case.save(), before)
    finally:
        random.setstate(states)


def _loaded(case: _Case, state: Any) -> str | None:
    """Return the message of the error, or None if the state was loaded."""
    try:
        case.load(state)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("state", [None, [], 3, "state", torch.ones(2), {"version": 99}, {"version": torch.ones(2)}])
def test_what_is_no_state_is_refused(name: str, state: Any) -> None:
    with pytest.raises(ValueError, match="state"):
        CASES[name]().load(state)
