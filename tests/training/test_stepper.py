"""What other devices do is tested on the CPU too: most tests call the method that they take."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

from gankit.training import FiniteStepper, Loss, NonFiniteError, ScaledStepper, Update, Values
from gankit.training._finite import found_non_finite

TERMS = {"loss": torch.tensor(1.0)}
FUSED: list[Callable[[list[nn.Parameter]], Optimizer]] = [
    lambda parameters: Adam(parameters, lr=0.1, fused=True),
    lambda parameters: AdamW(parameters, lr=0.1, fused=True),
    lambda parameters: SGD(parameters, lr=0.1, momentum=0.9, fused=True),
    lambda parameters: Adagrad(parameters, lr=0.1, fused=True),
]
OTHERS: list[Callable[[list[nn.Parameter]], Optimizer]] = [
    lambda parameters: RMSprop(parameters, lr=0.1),
    lambda parameters: Adam(parameters, lr=0.1, foreach=True),
    lambda parameters: SGD(parameters, lr=0.1),
]


def _parameters(gradient: float, device: str = "cpu") -> list[nn.Parameter]:
    parameters = [nn.Parameter(torch.linspace(1, 2, size, device=device)) for size in (2, 3)]
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 0.5)
    _gradient(parameters[1])[1] = gradient
    return parameters


def _gradient(parameter: nn.Parameter) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _step(stepper: FiniteStepper, optimizer: Optimizer, parameters: list[nn.Parameter]) -> None:
    stepper._step_on_device(optimizer, TERMS, [_gradient(parameter) for parameter in parameters])


@pytest.mark.parametrize("make", [*FUSED, *OTHERS])
def test_finite_gradients_give_the_plain_step_exactly(make: Callable[[list[nn.Parameter]], Optimizer]) -> None:
    guarded, plain = _parameters(0.5), _parameters(0.5)
    guarded_optimizer, plain_optimizer = make(guarded), make(plain)
    stepper = FiniteStepper()
    for _ in range(3):
        _step(stepper, guarded_optimizer, guarded)
        plain_optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(guarded, plain, strict=True))


@pytest.mark.parametrize("make", FUSED)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_fused_optimizers_skip_the_step_moments_included(
    make: Callable[[list[nn.Parameter]], Optimizer], value: float
) -> None:
    parameters = _parameters(0.5)
    optimizer, stepper = make(parameters), FiniteStepper()
    _step(stepper, optimizer, parameters)
    weights = [parameter.detach().clone() for parameter in parameters]
    moments = torch.cat([t.flatten().clone() for p in parameters for t in optimizer.state[p].values() if t is not None])
    _gradient(parameters[1])[1] = value
    _step(stepper, optimizer, parameters)
    assert all(torch.equal(a, b) for a, b in zip(parameters, weights, strict=True))
    after = torch.cat([t.flatten() for p in parameters for t in optimizer.state[p].values() if t is not None])
    assert torch.equal(after, moments)
    assert not hasattr(optimizer, "found_inf")
    assert not hasattr(optimizer, "grad_scale")


@pytest.mark.parametrize("make", OTHERS)
def test_other_optimizers_step_with_zero_gradients(make: Callable[[list[nn.Parameter]], Optimizer]) -> None:
    bad, zero = _parameters(math.nan), _parameters(0.5)
    for parameter in zero:
        _gradient(parameter).zero_()
    bad_optimizer, zero_optimizer = make(bad), make(zero)
    _step(FiniteStepper(), bad_optimizer, bad)
    zero_optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(bad, zero, strict=True))
    assert all(bool(parameter.isfinite().all()) for parameter in bad)


def test_skipped_steps_and_bad_terms_are_reported_when_the_counters_are_read() -> None:
    parameters = _parameters(0.5)
    optimizer, stepper = SGD(parameters, lr=0.1, fused=True), FiniteStepper(read_every=4)
    gradients = [_gradient(parameter) for parameter in parameters]
    stepper._step_on_device(optimizer, {"loss": torch.tensor(math.nan)}, gradients)
    stepper._step_on_device(optimizer, {"loss": torch.tensor(1.0), "penalty": torch.tensor(math.inf)}, gradients)
    gradients[0][0] = math.nan
    stepper._step_on_device(optimizer, {"loss": torch.tensor(math.nan)}, gradients)
    with pytest.raises(NonFiniteError, match=r"^4 of the last 4 steps were skipped.*'loss' 2 times, 'penalty' 1 times"):
        stepper._step_on_device(optimizer, {"loss": torch.tensor(2.0)}, gradients)
    gradients[0][0] = 0.5
    for _ in range(8):
        stepper._step_on_device(optimizer, TERMS, gradients)


def test_a_bad_cost_alone_skips_the_step_too() -> None:
    parameters = _parameters(0.5)
    before = parameters[0].detach().clone()
    with pytest.raises(NonFiniteError, match=r"^1 of the last 1 steps were skipped.*'loss' 1 times"):
        FiniteStepper(read_every=1)._step_on_device(
            SGD(parameters, lr=0.1),
            {"loss": torch.tensor(math.inf)},
            [_gradient(parameter) for parameter in parameters],
        )
    assert torch.equal(parameters[0], before)


def test_a_term_beyond_float32_is_finite_in_its_own_dtype() -> None:
    parameters = _parameters(0.5)
    terms = {"loss": torch.tensor(1e300, dtype=torch.float64), "penalty": torch.tensor(1.0)}
    FiniteStepper(read_every=1)._step_on_device(
        SGD(parameters, lr=0.1), terms, [_gradient(parameter) for parameter in parameters]
    )


def test_an_error_in_the_step_leaves_the_optimizer_clean() -> None:
    parameters = _parameters(0.5)
    optimizer = Adam(parameters, lr=0.1, fused=True)
    optimizer.step = lambda: 1 / 0  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ZeroDivisionError):
        _step(FiniteStepper(), optimizer, parameters)
    assert not hasattr(optimizer, "found_inf")


def test_the_counters_are_read_every_hundred_calls_by_default() -> None:
    parameters = _parameters(0.5)
    optimizer, stepper = SGD(parameters, lr=0.1), FiniteStepper()
    gradients = [_gradient(parameter) for parameter in parameters]
    stepper._step_on_device(optimizer, {"loss": torch.tensor(math.nan)}, gradients)
    for _ in range(98):
        stepper._step_on_device(optimizer, TERMS, gradients)
    with pytest.raises(NonFiniteError, match=r"^1 of the last 100 steps were skipped.*'loss' 1 times"):
        stepper._step_on_device(optimizer, TERMS, gradients)


def test_a_skipped_step_is_reported_though_every_term_was_finite() -> None:
    parameters = _parameters(math.nan)
    with pytest.raises(NonFiniteError, match=r"^1 of the last 1 steps were skipped.* not finite: none; see "):
        _step(FiniteStepper(read_every=1), SGD(parameters, lr=0.1), parameters)


def test_without_a_gradient_nothing_is_skipped() -> None:
    FiniteStepper(read_every=1)._step_on_device(SGD([nn.Parameter(torch.ones(2))], lr=0.1), TERMS, [])


def test_one_group_that_is_not_fused_makes_all_step_with_zero_gradients() -> None:
    bad, zero = _parameters(math.nan), _parameters(0.5)
    for parameter in zero:
        _gradient(parameter).zero_()
    optimizers = [Adam([{"params": p[:1]}, {"params": p[1:], "fused": False}], fused=True) for p in (bad, zero)]
    _step(FiniteStepper(), optimizers[0], bad)
    optimizers[1].step()
    assert all(torch.equal(a, b) for a, b in zip(bad, zero, strict=True))


class _OwnFused(Optimizer):
    """Says that it is fused, and knows nothing of the flag."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__(parameters, {"fused": True})

    def step(self, closure: object = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.sub_(parameter.grad)


def test_a_fused_optimizer_that_knows_no_flag_steps_with_zero_gradients() -> None:
    parameters = _parameters(math.nan)
    before = [parameter.detach().clone() for parameter in parameters]
    _step(FiniteStepper(), _OwnFused(parameters), parameters)
    assert all(torch.equal(a, b) for a, b in zip(parameters, before, strict=True))


@pytest.mark.cuda
@pytest.mark.parametrize("fused", [True, False])
def test_an_update_on_cuda_skips_without_waiting_for_the_device(fused: bool) -> None:
    critic = nn.Linear(3, 1, device="cuda")
    optimizer = Adam(critic.parameters(), lr=0.1, fused=fused)
    update = Update(optimizer, lambda x: {"loss": critic(x).mean()})
    good, bad = torch.ones(5, 3, device="cuda"), torch.full((5, 3), math.nan, device="cuda")
    update(good)
    torch.cuda.set_sync_debug_mode("error")
    try:
        update(good)
        before = critic.weight.detach().clone()
        update(bad)
        after = critic.weight.detach().clone()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert bool(after.isfinite().all())
    assert torch.equal(after, before) or not fused
    for _ in range(96):
        update(good)
    with pytest.raises(NonFiniteError, match="1 of the last 100"):
        update(good)


@pytest.mark.parametrize("read_every", [0, -1, 1.5, True])
def test_the_counters_are_read_every_so_many_calls_from_one_on(read_every: int) -> None:
    with pytest.raises(ValueError, match="read_every must be"):
        FiniteStepper(read_every)


def test_the_state_is_its_version_and_another_version_is_refused() -> None:
    state = FiniteStepper().state_dict()
    assert state == {"version": 1}
    FiniteStepper().load_state_dict(state)
    with pytest.raises(ValueError, match="state of a stepper must have version 1, got 2"):
        FiniteStepper().load_state_dict({"version": 2})


def test_gradients_are_those_of_the_loss_itself() -> None:
    assert FiniteStepper().scale() is None


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_default_dtype_of_the_process_changes_nothing(device: str) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        critic = nn.Linear(2, 1, dtype=torch.float32, device=device)
        update = Update(SGD(critic.parameters(), lr=0.1), lambda x: {"loss": critic(x).mean()})
        assert update(torch.ones(3, 2, dtype=torch.float32, device=device))["loss"].dtype == torch.float32
        assert found_non_finite([torch.ones(2, dtype=torch.float32, device=device)]).dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_without_a_gradient_bad_costs_are_counted_all_the_same() -> None:
    costs = {"one": torch.tensor(1.0), "other": torch.tensor(math.nan)}
    with pytest.raises(
        NonFiniteError, match=r"^1 of the last 1 steps were skipped.* not finite: 'other' 1 times; see "
    ):
        FiniteStepper(read_every=1)._step_on_device(SGD([nn.Parameter(torch.ones(2))], lr=0.1), costs, [])


def test_a_call_that_raises_for_earlier_ones_takes_no_step() -> None:
    parameters = _parameters(0.5)
    optimizer, stepper = SGD(parameters, lr=0.1), FiniteStepper(read_every=2)
    gradients = [_gradient(parameter) for parameter in parameters]
    stepper._step_on_device(optimizer, {"loss": torch.tensor(math.inf)}, gradients)
    for parameter in parameters:
        _gradient(parameter).fill_(0.5)
    before = [parameter.detach().clone() for parameter in parameters]
    with pytest.raises(NonFiniteError, match=r"^1 of the last 2 steps were skipped"):
        stepper._step_on_device(optimizer, TERMS, gradients)
    assert all(torch.equal(a, b) for a, b in zip(parameters, before, strict=True))
    stepper._step_on_device(optimizer, TERMS, gradients)
    assert not torch.equal(parameters[0], before[0])


def test_sparse_gradients_that_are_not_finite_change_nothing() -> None:
    table = nn.Embedding(5, 2, sparse=True)
    before = table.weight.detach().clone()
    (table(torch.tensor([1, 3])).sum() * math.nan).backward()
    FiniteStepper()._step_on_device(SGD(table.parameters(), lr=0.1), TERMS, [_gradient(table.weight)])  # pyright: ignore[reportArgumentType]
    assert torch.equal(table.weight, before)


def test_a_gradient_part_that_ignores_the_scale_is_refused() -> None:
    def ignoring(loss: Loss, inputs: tuple[Any, ...]) -> Values:
        values, gradients = loss.differentiated(None, *inputs)
        loss.assign(gradients, inputs)
        return values

    critic = nn.Linear(2, 1)
    before = critic.weight.detach().clone()
    terms = lambda x: {"loss": critic(x).mean()}  # noqa: E731
    update = Update(SGD(critic.parameters()), terms, gradients=ignoring, stepper=ScaledStepper("cpu"))
    with pytest.raises(
        ValueError, match=r"multiply the total by loss.scale\(\), since ScaledStepper divides by it, got .+"
    ):
        update(torch.ones(3, 2))
    assert torch.equal(critic.weight, before)
    Update(SGD(critic.parameters()), terms, gradients=ignoring)(torch.ones(3, 2))
