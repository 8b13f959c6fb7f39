"""A scaled step equals a plain one exactly where the scale is a power of two, and follows the formulas of GradScaler."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from support.update_nets import Gan, play, updates
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from gankit.constraints import gradient_penalty
from gankit.training import (
    Accumulated,
    Compiled,
    Eager,
    FiniteStepper,
    Gradients,
    NonFiniteError,
    ScaledStepper,
    Update,
)

MAKERS: dict[str, Callable[[Any], Optimizer]] = {
    "fused Adam": lambda parameters: Adam(parameters, lr=0.1, fused=True),
    "fused AdamW": lambda parameters: AdamW(parameters, lr=0.1, fused=True),
    "fused SGD": lambda parameters: SGD(parameters, lr=0.1, momentum=0.9, fused=True),
    "Adam": lambda parameters: Adam(parameters, lr=0.1),
    "RMSprop": lambda parameters: RMSprop(parameters, lr=0.1),
    "SGD": lambda parameters: SGD(parameters, lr=0.1),
}
NAMES: dict[int, str] = {}


def _critic() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()


def _terms(critic: nn.Module) -> Callable[..., dict[str, torch.Tensor]]:
    def terms(real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        mix = torch.full((len(real), 1), 0.25, dtype=real.dtype)
        penalty = 10 * gradient_penalty(critic, real, fake, mix=mix)
        return {"loss": critic(fake).mean() - critic(real).mean(), "penalty": penalty}

    return terms


def _batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    real, fake = torch.randn(2, 7, 3, dtype=torch.float64, generator=rng)
    return real, fake


@pytest.mark.parametrize("gradients", [None, Accumulated(3)])
@pytest.mark.parametrize("name", MAKERS)
def test_steps_equal_plain_ones_exactly_if_the_scale_is_a_power_of_two(name: str, gradients: Gradients | None) -> None:
    plain, scaled = _critic(), _critic()
    stepper = ScaledStepper("cpu", initial_scale=2.0**10, growth_interval=2)
    updates = [
        Update(MAKERS[name](plain.parameters()), _terms(plain), gradients=gradients),
        Update(MAKERS[name](scaled.parameters()), _terms(scaled), gradients=gradients, stepper=stepper),
    ]
    for seed in range(5):
        logged = [update(*_batch(seed)) for update in updates]
        assert {key: value.item() for key, value in logged[0].items()} == {k: v.item() for k, v in logged[1].items()}
        for one, other in zip(plain.parameters(), scaled.parameters(), strict=True):
            assert one.grad is not None
            assert other.grad is not None
            assert torch.equal(one.grad, other.grad)  # divided by the scale again
            assert torch.equal(one, other)
    assert stepper.scale().item() == 2.0**12  # it grew twice in five steps


@given(
    faults=st.lists(st.booleans(), min_size=1, max_size=12),
    interval=st.integers(1, 4),
    growth=st.sampled_from([2.0, 1.5]),
    backoff=st.sampled_from([0.5, 0.75]),
)
def test_the_scale_follows_the_scaler_of_torch(
    faults: list[bool], interval: int, growth: float, backoff: float
) -> None:
    scaler = torch.amp.GradScaler(
        "cpu", init_scale=96.0, growth_factor=growth, backoff_factor=backoff, growth_interval=interval
    )
    stepper = ScaledStepper(
        "cpu", initial_scale=96.0, growth_factor=growth, backoff_factor=backoff, growth_interval=interval
    )
    ours, theirs = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizers = SGD([ours], lr=0.1), SGD([theirs], lr=0.1)
    for fault in faults:
        x = torch.tensor([math.inf if fault else 1.0, 2.0])
        for parameter, scale in ((ours, stepper.scale()), (theirs, scaler.scale(torch.ones(())))):
            parameter.grad = None
            ((parameter * x).sum() * scale).backward()
        stepper(optimizers[0], {"loss": torch.ones(())}, NAMES)
        scaler.step(optimizers[1])
        scaler.update()
        assert stepper.scale().item() == scaler.get_scale()
        assert torch.equal(ours, theirs)
    assert stepper.state_dict()["good_steps"].item() == scaler.state_dict()["_growth_tracker"]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("where", ["gradient", "cost"])
def test_a_fault_skips_the_step_and_halves_the_scale(name: str, where: str) -> None:
    critic = _critic()
    parameters = list(critic.parameters())
    optimizer, stepper = MAKERS[name](parameters), ScaledStepper("cpu", initial_scale=8.0)
    update = Update(optimizer, _terms(critic), stepper=stepper)
    update(*_batch(0))
    before = [parameter.detach().clone() for parameter in parameters]
    moments = [tensor.clone() for p in parameters for tensor in optimizer.state[p].values() if tensor is not None]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    if where == "gradient":
        parameters[1].grad[2] = math.nan  # pyright: ignore[reportOptionalSubscript]
    stepper(optimizer, {"loss": torch.tensor(math.inf if where == "cost" else 1.0)}, NAMES)
    assert stepper.scale().item() == 4.0
    assert all(bool(parameter.isfinite().all()) for parameter in parameters)
    if "fused" in name or name == "SGD":
        assert all(torch.equal(one, other) for one, other in zip(parameters, before, strict=True))
    if "fused" in name:
        after = [tensor for p in parameters for tensor in optimizer.state[p].values() if tensor is not None]
        assert all(torch.equal(one, other) for one, other in zip(after, moments, strict=True))


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("scaled", [False, True])
def test_gradients_are_clipped_as_torch_does_after_the_division(factor: float, scaled: bool) -> None:
    ours, theirs = _critic(), _critic()
    for value in _terms(theirs)(*_batch(0)).values():
        value.backward()
    norm = nn.utils.clip_grad_norm_(theirs.parameters(), math.inf).item()
    nn.utils.clip_grad_norm_(theirs.parameters(), factor * norm)
    stepper = ScaledStepper("cpu", max_norm=factor * norm) if scaled else FiniteStepper(max_norm=factor * norm)
    Update(SGD(ours.parameters(), lr=0.0), _terms(ours), stepper=stepper)(*_batch(0))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.slow
def test_a_compiled_update_takes_the_scale_as_an_input() -> None:
    def train(gradients: Callable[[], Gradients]) -> tuple[dict[str, torch.Tensor], list[dict[str, torch.Tensor]]]:
        gan = Gan("group norm")
        both = updates(gan, gradients, stepper=lambda: ScaledStepper("cpu", growth_interval=2, max_norm=0.5))
        logged = play(gan, both, (5, 5, 5))
        return gan.state(), logged

    expected, found = train(Eager), train(partial(Compiled, backend="aot_eager"))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_gradients_that_would_vanish_in_float16_arrive() -> None:
    def step(stepper: ScaledStepper | None) -> torch.Tensor:
        critic = nn.Linear(4, 1, bias=False)
        nn.init.constant_(critic.weight, 0.5)

        def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
            with torch.autocast("cpu", dtype=torch.float16):
                return {"loss": 1e-9 * critic(x).float().sum()}

        Update(SGD(critic.parameters(), lr=0.0), terms, stepper=stepper)(torch.ones(3, 4))
        assert critic.weight.grad is not None
        return critic.weight.grad

    assert torch.equal(step(None), torch.zeros(1, 4))
    torch.testing.assert_close(step(ScaledStepper("cpu")), torch.full((1, 4), 3e-9), rtol=1e-2, atol=0.0)


def test_updates_may_share_one_scale() -> None:
    stepper = ScaledStepper("cpu", initial_scale=16.0)
    critics = _critic(), _critic()
    updates = [Update(SGD(critic.parameters(), lr=0.1), _terms(critic), stepper=stepper) for critic in critics]
    real, fake = _batch(0)
    updates[0](real * math.inf, fake)
    assert stepper.scale().item() == 8.0
    updates[1](real, fake)
    assert updates[1].state_dict()["stepper"]["good_steps"].item() == 1


def test_the_state_is_copied_and_restored_into_the_same_tensors() -> None:
    critic = _critic()
    stepper = ScaledStepper("cpu", initial_scale=16.0, growth_interval=3)
    update = Update(SGD(critic.parameters(), lr=0.1), _terms(critic), stepper=stepper)
    update(*_batch(0))
    state = stepper.state_dict()
    update(_batch(0)[0] * math.nan, _batch(0)[1])
    assert (state["version"], state["scale"].item(), state["good_steps"].item()) == (1, 16.0, 1)
    live = stepper.scale()
    stepper.load_state_dict(state)
    assert live is stepper.scale()
    for seed in (1, 2):
        update(*_batch(seed))
    assert live.item() == 32.0
    assert (state["scale"].item(), state["good_steps"].item()) == (16.0, 1)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"version": 2}, "state of a ScaledStepper must have version 1, got 2"),
        ({"version": 1}, r"must hold \['scale', 'good_steps'\], got none of"),
        ({"version": 1, "scale": 2.0, "good_steps": torch.tensor(0)}, "scale as a dense tensor, got 2.0"),
        ({"version": 1, "scale": torch.tensor(2.0), "good_steps": torch.zeros(1)}, "good_steps as a 0-d tensor, got"),
        (
            {"version": 1, "scale": torch.tensor(0.0), "good_steps": torch.tensor(0)},
            "a finite scale of at least .* got 0.0",
        ),
        ({"version": 1, "scale": torch.tensor(math.inf), "good_steps": torch.tensor(0)}, "a finite scale .* got inf"),
        ({"version": 1, "scale": torch.tensor(1.0), "good_steps": torch.tensor(-1)}, "least 0, got 1.0 and -1"),
        (
            {"version": 1, "scale": torch.tensor(1.0), "good_steps": torch.tensor(2**40)},
            "least 0, got 1.0 and 1099511627776",
        ),
        (
            {"version": 1, "scale": torch.tensor(1e300, dtype=torch.float64), "good_steps": torch.tensor(0)},
            "a finite scale",
        ),
        (
            {"version": 1, "scale": torch.tensor(1), "good_steps": torch.tensor(0)},
            "a fraction as scale and a whole number",
        ),
        (
            {"version": 1, "scale": torch.tensor(1.0), "good_steps": torch.tensor(0.0)},
            "a fraction as scale and a whole number",
        ),
    ],
)
def test_other_states_are_refused(state: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScaledStepper("cpu").load_state_dict(state)


def test_a_finite_stepper_refuses_a_state_with_a_scale() -> None:
    with pytest.raises(ValueError, match="no scale, got that of a ScaledStepper"):
        FiniteStepper().load_state_dict(ScaledStepper("cpu").state_dict())


def test_a_scale_that_falls_without_end_is_reported() -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer, stepper = SGD([parameter], lr=0.1), ScaledStepper("cpu", initial_scale=2.0**-11, read_every=2)
    for _ in range(5):  # at the second reading the scale is 2 ** -14 still
        parameter.grad = torch.full((2,), math.nan)
        stepper(optimizer, {"loss": torch.tensor(math.nan), "penalty": torch.ones(())}, NAMES)
    with pytest.raises(
        NonFiniteError, match=r"fell to 3.05e-05, .*: 2 of the last 2 .* not finite: 'loss' 2 times; see "
    ):
        stepper(optimizer, {"loss": torch.tensor(math.nan), "penalty": torch.ones(())}, NAMES)
    assert torch.equal(parameter, torch.ones(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial_scale": 0.0}, "initial_scale must be above 0"),
        ({"initial_scale": math.inf}, "initial_scale must be a finite number"),
        ({"initial_scale": 1e39}, r"initial_scale must lie between 2 \*\* -14 and 3.4e38, got 1e\+39"),
        ({"initial_scale": 1e-5}, r"initial_scale must lie between 2 \*\* -14 and 3.4e38, got 1e-05"),
        ({"growth_interval": 2**31}, "growth_interval must be at most 2147483647, got 2147483648"),
        ({"max_norm": 1e-50}, "max_norm must be at least 1.18e-38"),
        ({"max_norm": 10**400}, "max_norm must be a finite number, got 1000"),
        ({"device": "tpu"}, "device must be a device that this torch can use, got 'tpu': .+"),
        ({"device": None}, "device must be a device that this torch can use, got None: .+"),
        ({"growth_factor": 1.0}, "growth_factor must be above 1, got 1.0"),
        ({"backoff_factor": 1.0}, "backoff_factor must be below 1, got 1.0"),
        ({"backoff_factor": 0.0}, "backoff_factor must be above 0"),
        ({"growth_interval": 0}, "growth_interval must be at least 1"),
        ({"max_norm": 0.0}, "max_norm must be above 0"),
        ({"read_every": 0}, "read_every must be at least 1"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScaledStepper(**{"device": "cpu", **arguments})


def test_a_norm_that_overflows_is_named_when_the_scale_has_fallen() -> None:
    parameter = nn.Parameter(torch.ones(3))
    stepper = ScaledStepper("cpu", initial_scale=1.0, max_norm=1.0, read_every=20)

    def step() -> None:
        parameter.grad = stepper.scale() * torch.full((3,), 1e30)
        stepper(SGD([parameter]), {"loss": torch.zeros(())}, NAMES)

    for _ in range(19):
        step()
    with pytest.raises(NonFiniteError, match=r"fell to .+: 20 of .+; the norm of finite gradients: 20 times"):
        step()
    assert torch.equal(parameter, torch.ones(3))


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        (torch.ones(2, device="meta"), "on the device of the ScaledStepper, cpu, got meta"),
        (torch.ones(2, dtype=torch.float16), "must be float32 under a ScaledStepper, got float16"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameter: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScaledStepper("cpu")(SGD([nn.Parameter(parameter)]), {"loss": torch.ones(())}, NAMES)


def test_without_a_gradient_only_costs_count() -> None:
    stepper = ScaledStepper("cpu", initial_scale=8.0, max_norm=1.0)
    stepper(SGD([nn.Parameter(torch.ones(2))]), {"loss": torch.tensor(math.inf)}, NAMES)
    assert stepper.scale().item() == 4.0


@pytest.mark.parametrize(("backoff", "bad"), [(0.5, 170), (0.01, 25), (1e-30, 2)])
def test_a_scale_that_fell_far_writes_no_nan_into_weights(backoff: float, bad: int) -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer, stepper = SGD([parameter], lr=0.125), ScaledStepper("cpu", backoff_factor=backoff, read_every=1000)
    for number in range(bad + 1):
        parameter.grad = stepper.scale() * torch.full((2,), math.nan if number < bad else 1.0)
        stepper(optimizer, {"loss": torch.zeros(())}, NAMES)
    assert stepper.scale().item() == 2.0**-15
    assert parameter.tolist() == [0.875, 0.875]
