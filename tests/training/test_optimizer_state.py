import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, Optimizer

from gankit.training import Update, load_checkpoint, save_checkpoint
from gankit.training._optimizer_state import load_optimizer_state, optimizer_state

Make = Callable[[list[nn.Parameter]], Optimizer]
MAKES: list[Make] = [
    lambda parameters: Adam(parameters, lr=0.1, fused=True),
    lambda parameters: Adam(parameters, lr=0.1, amsgrad=True),
    lambda parameters: SGD(parameters, lr=0.1, momentum=0.9, fused=True),
    lambda parameters: Adagrad(parameters, lr=0.1, fused=True),
]


def _weight(memory_format: torch.memory_format, seed: int = 0) -> nn.Parameter:
    rng = torch.Generator().manual_seed(seed)
    return nn.Parameter(torch.randn(3, 5, 2, 2, generator=rng).contiguous(memory_format=memory_format))


def _step(optimizer: Optimizer, parameter: nn.Parameter, times: int) -> None:
    for turn in range(times):
        rng = torch.Generator().manual_seed(turn)
        parameter.grad = torch.empty_like(parameter).copy_(torch.randn(3, 5, 2, 2, generator=rng))
        optimizer.step()


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("after", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("before", [torch.contiguous_format, torch.channels_last])
def test_a_run_goes_on_in_another_memory_format(
    tmp_path, make: Make, before: torch.memory_format, after: torch.memory_format
) -> None:
    parameter = _weight(before)
    optimizer = make([parameter])
    _step(optimizer, parameter, 2)
    save_checkpoint(tmp_path / "a.pt", {"weight": parameter, "optimizer": optimizer_state(optimizer, {})})
    _step(optimizer, parameter, 3)
    state = load_checkpoint(tmp_path / "a.pt")
    resumed = _weight(after, seed=7)
    resumed.data.copy_(state["weight"])
    other = make([resumed])
    load_optimizer_state(other, state["optimizer"])
    _step(other, resumed, 3)
    # Vectorized loops round elements by their place, so that only the same format gives the same bits.
    allowed = 0.0 if before == after else 1e-6
    torch.testing.assert_close(resumed, parameter, rtol=allowed, atol=allowed)


def test_a_loaded_state_is_a_copy() -> None:
    parameters = [_weight(torch.contiguous_format), _weight(torch.contiguous_format)]
    one, other = (Adam([parameter], lr=0.1) for parameter in parameters)
    _step(one, parameters[0], 2)
    state = optimizer_state(one, {})
    load_optimizer_state(other, state)
    expected = copy.deepcopy(state)
    _step(other, parameters[1], 3)
    assert all(torch.equal(value, expected["state"][0][key]) for key, value in one.state[parameters[0]].items())


def test_shapes_that_do_not_fit_are_refused_and_nothing_changes() -> None:
    network, larger = nn.Linear(2, 3), nn.Linear(2, 5)
    update, other = (Update(Adam(n.parameters()), lambda x, n=n: {"loss": n(x).mean()}) for n in (network, larger))
    for one in (update, other):
        one(torch.ones(7, 2))
    before = repr(update.state_dict())
    with pytest.raises(
        ValueError,
        match=r"fit the optimizer's parameters, got 4 faults: 'exp_avg' of parameter 0 has shape \(5, 2\), not \(3, 2\)",
    ):
        update.load_state_dict(other.state_dict())
    assert repr(update.state_dict()) == before


@pytest.mark.parametrize(("faults", "listed", "end"), [(4, 4, "not (3,)"), (5, 5, "not (3,)"), (6, 5, "and 1 more")])
def test_many_faults_are_counted(faults: int, listed: int, end: str) -> None:
    parameters = [nn.Parameter(torch.ones(3)) for _ in range(faults)]
    state = {
        "state": {number: {"moment": torch.ones(2)} for number in range(faults)},
        "param_groups": [{"params": list(range(faults))}],
    }
    with pytest.raises(ValueError, match=f"got {faults} faults: 'moment' of parameter 0 has shape") as caught:
        load_optimizer_state(SGD(parameters), state)
    assert str(caught.value).count("has shape") == listed
    assert str(caught.value).endswith(end)


def test_another_number_of_parameters_is_refused() -> None:
    network = nn.Linear(2, 3)
    optimizer = Adam(network.parameters())
    state = optimizer_state(Adam([network.weight]), {})
    with pytest.raises(ValueError, match="group"):
        load_optimizer_state(optimizer, state)


def test_factored_moments_and_lists_come_through() -> None:
    for make in (torch.optim.Adafactor, torch.optim.LBFGS):
        network, twin = nn.Linear(3, 2), nn.Linear(3, 2)
        twin.load_state_dict(network.state_dict())
        optimizers: list[Any] = [make(n.parameters(), lr=0.1) for n in (network, twin)]

        def step(number: int, n: nn.Module, optimizer: Any) -> None:
            def closure() -> torch.Tensor:
                optimizer.zero_grad()
                loss = n(torch.arange(12.0).reshape(4, 3) + number).square().mean()
                loss.backward()
                return loss

            optimizer.step(closure)

        step(0, network, optimizers[0])
        twin.load_state_dict(network.state_dict())
        load_optimizer_state(optimizers[1], optimizer_state(optimizers[0], {}))
        step(1, network, optimizers[0])
        step(1, twin, optimizers[1])
        assert torch.equal(network.weight, twin.weight)


def test_entries_of_no_parameter_are_kept_as_torch_keeps_them() -> None:
    parameter = _weight(torch.contiguous_format)
    optimizer = Adam([parameter], lr=0.1)
    _step(optimizer, parameter, 1)
    state = optimizer_state(optimizer, {})
    state["state"][99] = {"exp_avg": torch.ones(7), "text": "more"}
    load_optimizer_state(optimizer, state)
    loaded = optimizer.state_dict()["state"]
    assert loaded[99]["exp_avg"].tolist() == [1.0] * 7
    assert loaded[0]["exp_avg"].shape == parameter.shape
