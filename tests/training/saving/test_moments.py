"""Options and moments that do not fit an optimizer, one of each kind."""

import math
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from gankit.training import Update
from gankit.training._saving._moments import _faults_of_tensor, _is_alike


def _update(kind: Any = torch.optim.Adam, **options: Any) -> Update:
    torch.manual_seed(3)
    critic = nn.Linear(3, 2)
    update = Update(kind(critic.parameters(), **options), lambda x: {"loss": critic(x).square().mean()})
    update(torch.randn(5, 3))
    return update


KINDS: list[tuple[Any, dict[str, Any]]] = [
    (torch.optim.Adam, {"amsgrad": True}),
    (torch.optim.Adam, {"lr": torch.tensor(0.1)}),
    (torch.optim.AdamW, {}),
    (torch.optim.Adamax, {}),
    (torch.optim.NAdam, {}),
    (torch.optim.RAdam, {}),
    (torch.optim.Adagrad, {}),
    (torch.optim.Adadelta, {}),
    (torch.optim.RMSprop, {"momentum": 0.5, "centered": True}),
    (torch.optim.Rprop, {}),
    (torch.optim.ASGD, {}),
    (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (torch.optim.SGD, {}),
    (torch.optim.Adafactor, {}),
]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_the_state_of_each_optimizer_fits_it(kind: Any, options: dict[str, Any]) -> None:
    update = _update(kind, **options)
    state = update.state_dict()
    other = _update(kind, **options)
    other.load_state_dict(state)
    x = torch.randn(5, 3)
    for one in (update, other):
        one(x)
    torch.testing.assert_close(
        other.optimizer.state_dict()["state"], update.optimizer.state_dict()["state"], rtol=0, atol=0, equal_nan=True
    )


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("lr", "fast", r"'lr' must be like 0\.001, got 'fast'"),
        ("lr", None, r"'lr' must be like 0\.001, got None"),
        ("lr", math.nan, "'lr' must be like"),
        ("lr", math.inf, "'lr' must be like"),
        ("lr", True, "'lr' must be like"),
        ("lr", 10**400, "'lr' must be like"),
        ("lr", torch.ones(2), "'lr' must be like"),
        ("lr", -1.0, "Adam refuses them: Invalid learning rate: -1.0"),
        ("betas", (0.9,), "'betas' must be like"),
        ("betas", 0.9, "'betas' must be like"),
        ("betas", ("a", "b"), "'betas' must be like"),
        ("betas", (0.9, 1.5), "Adam refuses them: Invalid beta parameter at index 1: 1.5"),
        ("eps", -1e-8, "Adam refuses them: Invalid epsilon value"),
        ("weight_decay", [0], "'weight_decay' must be like"),
        ("amsgrad", 3, "'amsgrad' must be like False, got 3"),
    ],
)
def test_options_out_of_their_range_are_refused(option: str, value: Any, why: str) -> None:
    update = _update()
    state = update.state_dict()
    state["optimizer"]["param_groups"][0][option] = value
    with pytest.raises(ValueError, match=f"state must have options of Adam, got .*{why}"):
        _update().load_state_dict(state)


@pytest.mark.parametrize(
    ("moment", "value", "why"),
    [
        ("exp_avg", None, "'exp_avg' of parameter 0 is not a tensor but NoneType"),
        ("exp_avg", [1.0], "is not a tensor but list"),
        ("exp_avg", torch.ones(2), r"has shape \(2,\), not \(2, 3\)"),
        ("exp_avg", torch.ones(2, 3, dtype=torch.int64), "has dtype torch.int64"),
        ("exp_avg", torch.ones(2, 3, dtype=torch.complex64), "has dtype torch.complex64"),
        ("exp_avg", torch.ones(2, 3).to_sparse(), "is no dense tensor with values"),
        ("exp_avg", torch.ones(2, 3, device="meta"), "is no dense tensor with values"),
        ("exp_avg_sq", torch.full((2, 3), math.inf), "'exp_avg_sq' of parameter 0 has 6 infinite of 6 values"),
        ("exp_avg_sq", torch.full((2, 3), math.nan), "has 6 NaN of 6 values"),
        ("exp_avg_sq", torch.full((2, 3), 1e300, dtype=torch.float64), "has values that torch.float32 does not hold"),
        ("step", -1.0, r"'step' of parameter 0 is no number of 0 or more but -1\.0"),
        ("step", math.nan, "'step' of parameter 0 is no number"),
        ("step", "3", "'step' of parameter 0 is no number"),
        ("step", torch.tensor(-1.0), "'step' of parameter 0 is no number"),
        ("step", torch.zeros((), device="meta"), "'step' of parameter 0 is no dense tensor with values"),
        ("step", torch.tensor(math.inf), "'step' of parameter 0 is no number"),
        ("step", torch.ones(2), "'step' of parameter 0 is no number"),
        ("more", torch.tensor(math.nan), "'more' of parameter 0 has 1 NaN"),
        ("more", math.nan, "'more' of parameter 0 is nan"),
    ],
)
def test_moments_that_do_not_fit_are_refused(moment: str, value: Any, why: str) -> None:
    state = _update().state_dict()
    state["optimizer"]["state"][0][moment] = value
    with pytest.raises(ValueError, match=f"state must fit the optimizer's parameters, got 1 faults: .*{why}"):
        _update().load_state_dict(state)


@pytest.mark.parametrize("moment", ["exp_avg", "exp_avg_sq", "step"])
def test_a_missing_moment_is_named(moment: str) -> None:
    state = _update().state_dict()
    del state["optimizer"]["state"][1][moment]
    with pytest.raises(ValueError, match=f"'{moment}' of parameter 1 is missing"):
        _update().load_state_dict(state)


def test_an_optimizer_of_ones_own_keeps_what_it_likes() -> None:
    class Own(torch.optim.SGD):
        pass

    critic = nn.Linear(3, 2)
    optimizer = Own(critic.parameters(), lr=0.1)
    update = Update(optimizer, lambda x: {"loss": critic(x).square().mean()})
    update(torch.ones(1, 3))
    optimizer.param_groups[0]["lr"] = -0.1  # ascent
    optimizer.state[critic.weight]["history"] = [1, None]
    state = update.state_dict()
    update.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == -0.1
    assert optimizer.state[critic.weight]["history"] == [1, None]


@pytest.mark.parametrize(("value", "fault"), [(None, False), ([1.0], True), ({"a": 1}, True)])
def test_a_buffer_that_no_step_needs_is_a_tensor_or_nothing(value: Any, fault: bool) -> None:
    state = _update(torch.optim.SGD, momentum=0.9).state_dict()
    state["optimizer"]["state"][0]["momentum_buffer"] = value
    expected = (
        pytest.raises(ValueError, match="'momentum_buffer' of parameter 0 is not a tensor") if fault else nullcontext()
    )
    with expected:
        _update(torch.optim.SGD, momentum=0.9).load_state_dict(state)


def test_moments_without_values_fit_parameters_without_values_alone() -> None:
    there, nowhere = (nn.Parameter(torch.zeros(2, 3, device=device)) for device in ("cpu", "meta"))
    assert list(_faults_of_tensor("exp_avg", torch.zeros(2, 3, device="meta"), nowhere)) == []
    assert list(_faults_of_tensor("exp_avg", torch.zeros(2, 3, device="meta"), there)) != []


@pytest.mark.parametrize(("key", "faults"), [("exp_avg", 1), ("more", 0)])
def test_only_what_is_kept_for_each_element_must_fit_into_the_parameters_dtype(key: str, faults: int) -> None:
    large = torch.full((2, 3), 1e300, dtype=torch.float64)
    assert len(list(_faults_of_tensor(key, large, nn.Parameter(torch.zeros(2, 3))))) == faults


@pytest.mark.parametrize(
    ("value", "own", "alike"),
    [
        ("a", "b", True),
        (3, "b", False),
        (None, "b", False),
        (3, object(), True),
        ("a", object(), True),
        (None, None, True),
        (True, None, True),
        (0.5, None, True),
        ("a", None, False),
        ([None, 1], (0.5, 2), True),
        ([None, "a"], (0.5, 2), False),
    ],
)
def test_options_are_alike_by_their_kind(value: Any, own: Any, alike: bool) -> None:
    assert _is_alike(value, own) == alike
