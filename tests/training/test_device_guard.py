"""The guard runs on any device: most tests run it on the CPU, where the host's own check would serve otherwise."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

from gankit.training import NonFiniteError, Update
from gankit.training._device_guard import DeviceGuard

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


def _step(guard: DeviceGuard, optimizer: Optimizer, parameters: list[nn.Parameter]) -> None:
    guard.step(optimizer, TERMS, [_gradient(parameter) for parameter in parameters])


@pytest.mark.parametrize("make", [*FUSED, *OTHERS])
def test_finite_gradients_give_the_plain_step_exactly(make: Callable[[list[nn.Parameter]], Optimizer]) -> None:
    guarded, plain = _parameters(0.5), _parameters(0.5)
    guarded_optimizer, plain_optimizer = make(guarded), make(plain)
    guard = DeviceGuard()
    for _ in range(3):
        _step(guard, guarded_optimizer, guarded)
        plain_optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(guarded, plain, strict=True))


@pytest.mark.parametrize("make", FUSED)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_fused_optimizers_skip_the_step_moments_included(
    make: Callable[[list[nn.Parameter]], Optimizer], value: float
) -> None:
    parameters = _parameters(0.5)
    optimizer, guard = make(parameters), DeviceGuard()
    _step(guard, optimizer, parameters)
    weights = [parameter.detach().clone() for parameter in parameters]
    moments = torch.cat([t.flatten().clone() for p in parameters for t in optimizer.state[p].values() if t is not None])
    _gradient(parameters[1])[1] = value
    _step(guard, optimizer, parameters)
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
    _step(DeviceGuard(), bad_optimizer, bad)
    zero_optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(bad, zero, strict=True))
    assert all(bool(parameter.isfinite().all()) for parameter in bad)


def test_skipped_steps_and_bad_terms_are_told_when_the_guard_looks() -> None:
    parameters = _parameters(0.5)
    optimizer, guard = SGD(parameters, lr=0.1, fused=True), DeviceGuard(read_every=4)
    gradients = [_gradient(parameter) for parameter in parameters]
    guard.step(optimizer, {"loss": torch.tensor(math.nan)}, gradients)
    guard.step(optimizer, {"loss": torch.tensor(1.0), "penalty": torch.tensor(math.inf)}, gradients)
    gradients[0][0] = math.nan
    guard.step(optimizer, {"loss": torch.tensor(math.nan)}, gradients)
    with pytest.raises(NonFiniteError, match=r"^2 of the last 4 steps were skipped.*'loss' 2 times, 'penalty' 1 times"):
        guard.step(optimizer, {"loss": torch.tensor(2.0)}, gradients)
    gradients[0][0] = 0.5
    for _ in range(8):
        guard.step(optimizer, TERMS, gradients)


def test_a_bad_term_alone_is_told_but_skips_nothing() -> None:
    parameters = _parameters(0.5)
    before = parameters[0].detach().clone()
    with pytest.raises(NonFiniteError, match=r"^0 of the last 1 steps were skipped.*'loss' 1 times"):
        DeviceGuard(read_every=1).step(
            SGD(parameters, lr=0.1),
            {"loss": torch.tensor(math.inf)},
            [_gradient(parameter) for parameter in parameters],
        )
    assert not torch.equal(parameters[0], before)


def test_a_term_beyond_float32_is_finite_in_its_own_dtype() -> None:
    parameters = _parameters(0.5)
    terms = {"loss": torch.tensor(1e300, dtype=torch.float64), "penalty": torch.tensor(1.0)}
    DeviceGuard(read_every=1).step(SGD(parameters, lr=0.1), terms, [_gradient(parameter) for parameter in parameters])


def test_an_error_in_the_step_leaves_the_optimizer_clean() -> None:
    parameters = _parameters(0.5)
    optimizer = Adam(parameters, lr=0.1, fused=True)
    optimizer.step = lambda: 1 / 0  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ZeroDivisionError):
        _step(DeviceGuard(), optimizer, parameters)
    assert not hasattr(optimizer, "found_inf")


def test_the_guard_looks_every_hundred_calls_unless_told_otherwise() -> None:
    parameters = _parameters(0.5)
    optimizer, guard = SGD(parameters, lr=0.1), DeviceGuard()
    gradients = [_gradient(parameter) for parameter in parameters]
    guard.step(optimizer, {"loss": torch.tensor(math.nan)}, gradients)
    for _ in range(98):
        guard.step(optimizer, TERMS, gradients)
    with pytest.raises(NonFiniteError, match=r"^0 of the last 100 steps were skipped.*'loss' 1 times"):
        guard.step(optimizer, TERMS, gradients)


def test_a_skipped_step_is_told_though_every_term_was_finite() -> None:
    parameters = _parameters(math.nan)
    with pytest.raises(NonFiniteError, match=r"^1 of the last 1 steps were skipped.* not finite: none$"):
        _step(DeviceGuard(read_every=1), SGD(parameters, lr=0.1), parameters)


def test_without_a_gradient_nothing_is_skipped() -> None:
    DeviceGuard(read_every=1).step(SGD([nn.Parameter(torch.ones(2))], lr=0.1), TERMS, [])


def test_one_group_that_is_not_fused_makes_all_step_with_zero_gradients() -> None:
    bad, zero = _parameters(math.nan), _parameters(0.5)
    for parameter in zero:
        _gradient(parameter).zero_()
    optimizers = [Adam([{"params": p[:1]}, {"params": p[1:], "fused": False}], fused=True) for p in (bad, zero)]
    _step(DeviceGuard(), optimizers[0], bad)
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
    _step(DeviceGuard(), _OwnFused(parameters), parameters)
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
