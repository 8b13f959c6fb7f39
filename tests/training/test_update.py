import copy
import dataclasses
import itertools
import math
import pickle
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gankit.constraints import clip_weights_, gradient_penalty, score_gradient
from gankit.losses import Hinge, Wasserstein, critic_loss, generator_loss
from gankit.schedules import Round
from gankit.training import (
    Accumulated,
    Eager,
    FiniteStepper,
    Gradients,
    Loss,
    NonFiniteError,
    Update,
    Values,
    load_checkpoint,
    play_round,
    save_checkpoint,
)


def _mlp(*sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size, following in itertools.pairwise(sizes):
        layers += [nn.Linear(size, following, dtype=torch.float64), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _values(network: nn.Module) -> list[torch.Tensor]:
    return [tensor.detach().clone() for tensor in network.state_dict().values()]


def _same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@given(seed=st.integers(0, 2**31 - 1), steps=st.integers(1, 3), clip=st.booleans())
def test_an_update_equals_numpy_arithmetic(seed: int, steps: int, clip: bool) -> None:
    rng = np.random.default_rng(seed)
    weight, real, fake = rng.normal(size=3), rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    critic = nn.Linear(3, 1, bias=False, dtype=torch.float64)
    critic.load_state_dict({"weight": torch.tensor(weight[None])})
    update = Update(
        torch.optim.SGD(critic.parameters(), lr=0.1),
        lambda real, fake: {
            "loss": critic_loss(Wasserstein(), critic(real), critic(fake)),
            "square": 0.5 * critic.weight.square().sum(),
        },
        constraint=partial(clip_weights_, critic, 0.3) if clip else None,
    )
    for _ in range(steps):
        logged = update(torch.tensor(real), torch.tensor(fake))
        np.testing.assert_allclose(logged["loss"].item(), ((fake - real) @ weight).mean(), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(logged["square"].item(), 0.5 * (weight**2).sum(), rtol=1e-12)
        weight = weight - 0.1 * ((fake - real).mean(axis=0) + weight)
        if clip:
            weight = np.clip(weight, -0.3, 0.3)
        np.testing.assert_allclose(critic.weight.detach().numpy()[0], weight, rtol=1e-12, atol=1e-13)
    assert update.updates == steps


def test_the_critics_update_leaves_the_generator_alone_and_the_other_way_round() -> None:
    critic, generator = _mlp(2, 5, 1), _mlp(3, 5, 2)
    real, latents = torch.randn(7, 2, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)

    def critic_terms(real: torch.Tensor, latents: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = generator(latents)
        return {
            "loss": critic_loss(Hinge(), critic(real), critic(fake)),
            "penalty": 10 * gradient_penalty(critic, real, fake),
        }

    train_critic = Update(torch.optim.Adam(critic.parameters()), critic_terms)
    train_generator = Update(
        torch.optim.Adam(generator.parameters()),
        lambda latents: {"loss": generator_loss(Hinge(), critic(generator(latents)))},
        frozen=[critic],
    )
    for own, other, update, inputs in (
        (critic, generator, train_critic, (real, latents)),
        (generator, critic, train_generator, (latents,)),
    ):
        for parameter in other.parameters():
            parameter.grad = torch.full_like(parameter, 7.0)
        before, others = _values(own), _values(other)
        update(*inputs)
        assert not _same(before, _values(own))
        assert _same(others, _values(other))
        assert all(p.requires_grad and p.grad is not None and bool((p.grad == 7).all()) for p in other.parameters())


def test_old_gradients_are_cleared_first() -> None:
    critic = nn.Linear(2, 1)
    for parameter in critic.parameters():
        parameter.grad = torch.full_like(parameter, 100.0)
    Update(torch.optim.SGD(critic.parameters(), lr=1.0), lambda x: {"loss": critic(x).sum()})(torch.ones(1, 2))
    assert critic.weight.grad is not None
    assert torch.equal(critic.weight.grad, torch.ones(1, 2))


def test_a_term_that_reaches_another_network_is_refused_before_anything_changes() -> None:
    critic, generator = _mlp(2, 1), _mlp(3, 2)
    update = Update(torch.optim.SGD(critic.parameters(), lr=1.0), lambda z: {"loss": critic(generator(z)).mean()})
    before = _values(critic)
    with pytest.raises(ValueError, match="got gradients for 2 others"):
        update(torch.ones(5, 3, dtype=torch.float64))
    assert _same(before, _values(critic))
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert update.updates == 0


def test_terms_with_new_names_are_walked_again() -> None:
    critic, other = nn.Linear(2, 1), nn.Linear(2, 1)
    lazy = False

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": critic(x).mean()} | ({"late": other(x).mean()} if lazy else {})

    update = Update(torch.optim.SGD(critic.parameters(), lr=1.0), terms)
    update(torch.ones(3, 2))
    lazy = True
    with pytest.raises(ValueError, match="got gradients for 2 others"):
        update(torch.ones(3, 2))


def test_the_graph_is_walked_once_for_each_set_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[list[str]] = []
    monkeypatch.setattr("gankit.training._update.check_reach", lambda terms, *_: walked.append(list(terms)) or [])
    critic, names = nn.Linear(2, 1), ["loss"]
    update = Update(torch.optim.SGD(critic.parameters(), lr=0.1), lambda x: {name: critic(x).mean() for name in names})
    for _ in range(3):
        update(torch.ones(3, 2))
    names.append("penalty")
    for _ in range(3):
        update(torch.ones(3, 2))
    assert walked == [["loss"], ["loss", "penalty"]]


def test_a_parameter_that_the_terms_no_longer_reach_rests() -> None:
    critic, scale = nn.Linear(2, 1), nn.Parameter(torch.ones(()))
    scaled = True
    update = Update(
        torch.optim.Adam([*critic.parameters(), scale], lr=0.1),
        lambda x: {"loss": (scale if scaled else 1) * critic(x).mean()},
    )
    update(torch.ones(3, 2))
    scaled, before = False, scale.detach().clone()
    update(torch.ones(3, 2))
    assert scale.grad is None
    assert torch.equal(scale, before)


class _Stepper(FiniteStepper):
    """Notes what is to be stepped on the device."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[object, ...]] = []

    def _step_on_device(self, *given: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.given.append(given)


def test_elsewhere_than_on_the_cpu_the_device_decides() -> None:
    stepper = _Stepper()
    critic, unused = nn.Linear(2, 1, device="meta"), nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([unused, *critic.parameters()], lr=0.1)
    update = Update(optimizer, lambda x: {"loss": critic(x).mean()}, stepper=stepper)
    terms = update(torch.ones(5, 2, device="meta"))
    ((given_optimizer, given_terms, given_gradients),) = stepper.given
    assert given_optimizer is optimizer
    assert given_terms == terms
    assert given_gradients == [critic.weight.grad, critic.bias.grad]
    here = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(here.parameters(), lr=0.1)
    Update(optimizer, lambda x: {"loss": here(x).mean()}, stepper=stepper)(torch.ones(5, 2))
    assert len(stepper.given) == 1


def test_terms_are_detached_and_named_as_given() -> None:
    critic = nn.Linear(2, 1)
    update = Update(
        torch.optim.SGD(critic.parameters(), lr=1.0), lambda x: {"b": critic(x).sum(), "a": critic(x).mean()}
    )
    logged = update(torch.ones(3, 2))
    assert list(logged) == ["b", "a"]
    assert all(term.grad_fn is None and term.ndim == 0 for term in logged.values())


def test_the_constraint_runs_after_the_step() -> None:
    critic = nn.Linear(1, 1, bias=False)
    seen: list[float] = []
    update = Update(
        torch.optim.SGD(critic.parameters(), lr=1.0),
        lambda x: {"loss": critic(x).sum()},
        constraint=lambda: seen.append(critic.weight.item()),
    )
    before = critic.weight.item()
    update(torch.ones(1, 1))
    assert seen == [pytest.approx(before - 1.0)]


def test_frozen_is_restored_when_the_terms_raise() -> None:
    critic, generator = nn.Linear(2, 1), nn.Linear(3, 2)
    critic.bias.requires_grad_(False)

    def terms() -> dict[str, torch.Tensor]:
        assert not critic.weight.requires_grad
        raise KeyError

    with pytest.raises(KeyError):
        Update(torch.optim.SGD(generator.parameters(), lr=1.0), terms, frozen=[critic])()
    assert critic.weight.requires_grad
    assert not critic.bias.requires_grad


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("make", [torch.optim.Adam, torch.optim.RMSprop])
def test_a_poisoned_step_is_refused_and_the_next_goes_on(make: type[torch.optim.Optimizer], value: float) -> None:
    critic = nn.Linear(2, 1, dtype=torch.float64)
    constrained: list[int] = []
    update = Update(
        make(critic.parameters(), lr=0.1),  # pyright: ignore[reportCallIssue]
        lambda x: {"loss": critic(x).mean(), "fine": critic.bias.square().sum()},
        constraint=lambda: constrained.append(1),
        network=critic,
    )
    good = torch.ones(3, 2, dtype=torch.float64)
    update(good)
    before, state = _values(critic), repr(update.state_dict())
    with pytest.raises(NonFiniteError, match="'loss' is"):
        update(good * value)
    assert _same(before, _values(critic))
    assert repr(update.state_dict()) == state
    assert len(constrained) == 1
    update(good)
    assert not _same(before, _values(critic))


def test_a_poisoned_gradient_of_a_finite_term_is_refused_by_name() -> None:
    critic = nn.Linear(2, 1)
    update = Update(
        torch.optim.SGD(critic.parameters(), lr=0.1),
        lambda x: {"loss": (critic(x) - critic(x).detach()).abs().sqrt().sum()},
        network=critic,
    )
    with pytest.raises(
        NonFiniteError, match=r"a gradient is not finite.*'weight' of shape \(1, 2\), 'bias' of shape \(1,\)"
    ):
        update(torch.ones(3, 2))


def test_an_update_may_accumulate() -> None:
    critic = nn.Linear(2, 1, dtype=torch.float64)
    x = torch.randn(7, 2, dtype=torch.float64)
    start, results = _values(critic), []
    for gradients in (None, Accumulated(3)):
        critic.load_state_dict(dict(zip(critic.state_dict(), start, strict=True)))
        update = Update(
            torch.optim.SGD(critic.parameters(), lr=1.0),
            lambda x: {"loss": critic(x).square().mean()},
            gradients=gradients,
        )
        results.append((update(x), _values(critic)))
    torch.testing.assert_close(results[1], results[0], rtol=1e-10, atol=1e-12)


def test_a_shared_fake_serves_both_updates() -> None:
    critic, generator = _mlp(2, 5, 1), _mlp(3, 2)
    train_critic = Update(
        torch.optim.SGD(critic.parameters(), lr=0.1),
        lambda real, fake: {"loss": critic_loss(Hinge(), critic(real), critic(fake))},
    )
    train_generator = Update(
        torch.optim.SGD(generator.parameters(), lr=0.1),
        lambda fake: {"loss": generator_loss(Hinge(), critic(fake))},
        frozen=[critic],
    )
    before = _values(generator)
    fake = generator(torch.randn(5, 3, dtype=torch.float64))
    train_critic(torch.randn(5, 2, dtype=torch.float64), fake.detach())
    train_generator(fake)
    assert not _same(before, _values(generator))


def test_state_goes_through_a_checkpoint_and_continues_exactly(tmp_path) -> None:
    x = torch.randn(5, 2)

    def make() -> tuple[nn.Linear, Update]:
        torch.manual_seed(1)
        critic = nn.Linear(2, 1)
        return critic, Update(torch.optim.Adam(critic.parameters()), lambda x: {"loss": critic(x).square().mean()})

    critic, update = make()
    for _ in range(3):
        update(x)
    save_checkpoint(tmp_path / "a.pt", {"critic": critic.state_dict(), "update": update.state_dict()})
    other_critic, other = make()
    state = load_checkpoint(tmp_path / "a.pt")
    other_critic.load_state_dict(state["critic"])
    other.load_state_dict(state["update"])
    assert other.updates == 3
    for _ in range(2):
        update(x)
        other(x)
    assert _same(_values(critic), _values(other_critic))


def test_names_of_parameters_in_the_state_are_plain() -> None:
    critic = nn.Sequential(cast("nn.Module", torch.compile(nn.Linear(2, 1), backend="eager")))
    optimizer = torch.optim.SGD(critic.named_parameters(), lr=0.1)
    for network in (critic, None):
        state = Update(optimizer, dict, network=network).state_dict()
        assert state["optimizer"]["param_groups"][0]["param_names"] == ["0.weight", "0.bias"]


@pytest.mark.parametrize("state", [{"updates": 1}, {"version": 3}, []])
def test_another_version_is_refused(state: object) -> None:
    update = Update(torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1), dict)
    with pytest.raises(ValueError, match="state of an update must have version 2, got"):
        update.load_state_dict(state)  # pyright: ignore[reportArgumentType]


def test_the_network_must_be_named_where_parameters_are_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    critic = nn.Linear(2, 1)
    monkeypatch.setattr("gankit.training._update.is_sharded", lambda tensor: tensor is critic.bias)
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="network must be given where FSDP2 shards it"):
        Update(optimizer, dict)
    Update(optimizer, dict, network=critic)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, r"must hold \['updates', 'optimizer'\], got none of \['updates', 'optimizer'\]"),
        (
            {"updates": 3, "optimizer": {}, "stepper": {}},
            r"must hold \['updates', 'optimizer'\] only, got 'stepper' too",
        ),
        ({"updates": 3}, r"got none of \['optimizer'\]"),
        ({"updates": "3", "optimizer": {}}, "must hold updates as a whole number of 0 or more, got '3'"),
        ({"updates": 3, "optimizer": []}, r"must hold that of its optimizer, got \[\]"),
        ({"version": 2, "updates": 3, "optimizer": {}, "stepper": None}, "must hold that of its stepper, got None"),
        ({"updates": 3, "optimizer": {"state": {}}}, "must hold 'state' and 'param_groups', got dict"),
    ],
)
def test_a_state_with_holes_is_refused_and_nothing_changes(state: dict[str, Any], message: str) -> None:
    update = Update(torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1), dict)
    with pytest.raises(ValueError, match=message):
        update.load_state_dict({"version": 1, **state})
    assert update.updates == 0


def test_complex_weights_are_checked_too() -> None:
    critic = nn.Linear(2, 1, dtype=torch.complex128)
    update = Update(torch.optim.SGD(critic.parameters(), lr=0.1), lambda x: {"loss": critic(x).abs().mean()})
    before = _values(critic)
    update(torch.ones(3, 2, dtype=torch.complex128))
    assert not _same(before, _values(critic))
    for parameter in critic.parameters():
        parameter.register_hook(lambda gradient: gradient * complex(0, math.inf))
    with pytest.raises(NonFiniteError, match="a gradient is not finite"):
        update(torch.ones(3, 2, dtype=torch.complex128))


def test_parameters_are_frozen_inside_and_restored_after() -> None:
    critic, generator = nn.Linear(2, 1), nn.Linear(3, 2)
    critic.bias.requires_grad_(False)
    seen: list[bool] = []

    def terms(z: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.extend(parameter.requires_grad for parameter in critic.parameters())
        return {"loss": critic(generator(z)).mean()}

    before = generator.weight.detach().clone()
    Update(torch.optim.SGD(generator.parameters(), lr=1.0), terms, frozen=[critic, critic])(torch.ones(5, 3))
    assert seen == [False, False]
    assert critic.weight.requires_grad
    assert not critic.bias.requires_grad
    assert critic.weight.grad is None
    # The gradient still flows through what is frozen.
    torch.testing.assert_close(generator.weight, before - critic.weight.detach().T)


def test_readings_are_logged_and_not_differentiated() -> None:
    critic = nn.Linear(2, 1, bias=False)

    def terms(x: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        scores = critic(x)
        return {"loss": scores.mean()}, {"scores": 100 * scores.mean()}

    logged = Update(torch.optim.SGD(critic.parameters(), lr=1.0), terms)(torch.ones(3, 2))
    assert list(logged) == ["loss", "scores"]
    assert not any(value.requires_grad for value in logged.values())
    torch.testing.assert_close(critic.weight.grad, torch.ones(1, 2))


def test_a_reading_that_is_not_finite_is_logged_and_stops_nothing() -> None:
    critic = nn.Linear(2, 1, bias=False)
    update = Update(
        torch.optim.SGD(critic.parameters(), lr=1.0),
        lambda x: ({"loss": critic(x).mean()}, {"reading": torch.tensor(math.inf)}),
    )
    before = critic.weight.detach().clone()
    assert update(torch.ones(3, 2))["reading"].item() == math.inf
    torch.testing.assert_close(critic.weight, before - 1)


@pytest.mark.parametrize("gradients", [Eager(), Accumulated(1), Accumulated(3)])
def test_a_fake_that_carries_its_graph_serves_both_updates(gradients: Gradients) -> None:
    real, latents = torch.randn(7, 2, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)
    torch.manual_seed(2)
    critic, generator = _mlp(2, 5, 1), _mlp(3, 2)
    twins = [copy.deepcopy(network) for network in (critic, generator)]

    def make(critic: nn.Module, generator: nn.Module, parts: Gradients, shared: bool) -> list[Update]:
        def of(fake: torch.Tensor) -> torch.Tensor:
            return fake if shared else generator(fake)

        return [
            Update(
                torch.optim.SGD(critic.parameters(), lr=0.1),
                lambda real, fake: {"loss": critic_loss(Hinge(), critic(real), critic(of(fake).detach()))},
                gradients=parts,
            ),
            Update(
                torch.optim.SGD(generator.parameters(), lr=0.1),
                lambda _, fake: {"loss": generator_loss(Hinge(), critic(of(fake)))},
                frozen=[critic],
                gradients=parts,
            ),
        ]

    shared = make(critic, generator, gradients, shared=True)
    for _ in range(3):
        fake = generator(latents)
        for update in shared:
            update(real, fake)
    apart = make(twins[0], twins[1], Eager(), shared=False)
    for _ in range(3):
        for update in apart:
            update(real, latents)
    for one, other in zip((critic, generator), twins, strict=True):
        torch.testing.assert_close(_values(one), _values(other), rtol=1e-12, atol=1e-13)


def test_parameters_that_the_optimizer_gets_later_are_updated_too() -> None:
    critic, later = nn.Linear(2, 1), nn.Linear(2, 1)
    optimizer = torch.optim.SGD(critic.parameters(), lr=1.0)
    update = Update(optimizer, lambda x: {"loss": (critic(x) + later(x)).mean()})
    optimizer.add_param_group({"params": list(later.parameters())})
    later.weight.grad = torch.full_like(later.weight, 100.0)
    before = later.weight.detach().clone()
    update(torch.ones(3, 2))
    torch.testing.assert_close(later.weight, before - 1)
    loss = update.loss
    update(torch.ones(3, 2))
    assert update.loss is loss  # a compiled part may keep what it made of a loss


class _Scaled:
    """A stepper of a user's own: a loss that is scaled up, gradients that are scaled down."""

    def __init__(self, factor: float) -> None:
        self.factor, self.calls = torch.tensor(factor, dtype=torch.float64), 0

    def scale(self) -> torch.Tensor:
        return self.factor

    def __call__(self, optimizer: torch.optim.Optimizer, terms: object, names: object) -> None:
        self.calls += 1
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad /= self.factor
        optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        return {"calls": self.calls}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.calls = state["calls"]


@pytest.mark.parametrize("gradients", [Eager(), Accumulated(2)])
def test_a_users_own_stepper_scales_steps_and_is_saved(gradients: Gradients) -> None:
    torch.manual_seed(0)
    critic = nn.Linear(2, 1, dtype=torch.float64)
    twin, x = copy.deepcopy(critic), torch.randn(4, 2, dtype=torch.float64)
    updates = [
        Update(
            torch.optim.SGD(network.parameters(), lr=0.1),
            lambda x, network=network: {"loss": network(x).square().mean()},
            gradients=gradients,
            stepper=stepper,
        )
        for network, stepper in ((critic, _Scaled(1024.0)), (twin, None))
    ]
    logged = [[update(x)["loss"] for _ in range(4)] for update in updates]
    torch.testing.assert_close(_values(critic), _values(twin), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(logged[0], logged[1], rtol=1e-12, atol=1e-13)
    state = updates[0].state_dict()
    assert state["stepper"] == {"calls": 4}
    other = Update(torch.optim.SGD(critic.parameters(), lr=0.1), dict, stepper=(stepper := _Scaled(1.0)))
    other.load_state_dict(state)
    assert stepper.calls == 4


class _Ones:
    """A gradient part of a user's own: every gradient is 1."""

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        values, gradients = loss.differentiated(loss.scale(), *inputs)
        for parameter, gradient in zip(loss.parameters, gradients, strict=True):
            assert gradient is not None
            parameter.grad = torch.ones_like(gradient)
        return values


def test_a_users_own_gradient_part_takes_the_place_of_eager() -> None:
    critic = nn.Linear(2, 1)
    before = _values(critic)
    update = Update(
        torch.optim.SGD(critic.parameters(), lr=1.0), lambda x: {"loss": critic(x).mean()}, gradients=_Ones()
    )
    assert update(torch.ones(1, 2))["loss"].item() == pytest.approx(sum(float(value.sum()) for value in before))
    torch.testing.assert_close(_values(critic), [value - 1 for value in before])


class _Traced:
    """A gradient part that runs the pure form, as a compiled one would."""

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        values, gradients = loss.differentiated(loss.scale(), *loss.cut(inputs))
        loss.assign(gradients, inputs)
        return values


def test_the_pure_form_sends_the_gradient_of_a_shared_fake_on() -> None:
    torch.manual_seed(0)
    generator, critic = _mlp(3, 2), _mlp(2, 5, 1)
    twin = copy.deepcopy(generator)
    latents = torch.randn(7, 3, dtype=torch.float64)
    for network, parts in ((generator, _Traced()), (twin, Eager())):
        update = Update(
            torch.optim.Adam(network.parameters(), lr=0.1),
            lambda fake: {"loss": critic(fake).mean()},
            frozen=[critic],
            gradients=parts,
        )
        for _ in range(3):
            update(network(latents))
    torch.testing.assert_close(_values(generator), _values(twin), rtol=1e-12, atol=1e-13)


def test_parameters_that_take_the_place_of_others_are_cleared_and_updated() -> None:
    one, other, kept = (nn.Parameter(torch.ones(1)) for _ in range(3))
    optimizer = torch.optim.SGD([kept, one], lr=1.0)
    chosen = [one]
    update = Update(optimizer, lambda: {"loss": chosen[0].sum() + kept.sum()})
    update()
    optimizer.param_groups[0]["params"] = [kept, other]
    chosen[0] = other
    for _ in range(3):
        update()
        assert other.grad is not None
        assert other.grad.item() == 1.0
    assert (one.item(), other.item()) == (0.0, -2.0)


def test_what_is_logged_shares_no_memory_with_weights_or_what_the_plan_fills() -> None:
    weight, ramp = nn.Parameter(torch.tensor([1.0, 2.0])), torch.tensor(5.0)

    def terms() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        return {"cost": weight[0]}, {"weight": weight[1], "ramp": ramp}

    logged = Update(torch.optim.SGD([weight], lr=0.5), terms)()
    ramp.fill_(7.0)
    with torch.no_grad():
        weight.fill_(9.0)
    assert {name: value.item() for name, value in logged.items()} == {"cost": 1.0, "weight": 2.0, "ramp": 5.0}


def test_a_parameter_may_be_a_cost_itself() -> None:
    scale = nn.Parameter(torch.tensor(3.0))
    logged = Update(torch.optim.SGD([scale], lr=0.5), lambda: {"cost": scale})()
    assert (scale.item(), logged["cost"].item()) == (2.5, 3.0)


@pytest.mark.parametrize("gradients", [Eager(), Accumulated(2)])
def test_a_later_call_without_a_graph_says_so_too(gradients: Gradients) -> None:
    critic = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.1)
    update = Update(optimizer, lambda x: {"loss": critic(x).mean()}, gradients=gradients)
    update(torch.ones(4, 2))
    critic.requires_grad_(False)
    with pytest.raises(ValueError, match=r"got \['loss'\] without a graph: is the network in"):
        update(torch.ones(4, 2))


@pytest.mark.parametrize("gradients", [Eager(), Accumulated(2)])
def test_a_cost_without_a_graph_beside_others_is_a_warning(gradients: Gradients) -> None:
    critic = nn.Linear(2, 1)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            penalty = gradient_penalty(critic, x, -x)
        return {"loss": critic(x).mean(), "penalty": penalty}

    update = Update(torch.optim.SGD(critic.parameters(), lr=0.1), terms, gradients=gradients)
    with pytest.warns(UserWarning, match=r"the costs \['penalty'\] have no gradient, so they train nothing"):
        update(torch.ones(4, 2))


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_an_update_is_not_copied_since_its_terms_would_stay_with_the_original(way: Callable[[Any], Any]) -> None:
    critic = nn.Linear(2, 1)
    update = Update(torch.optim.SGD(critic.parameters(), lr=0.1), partial(_mean_score, critic))
    with pytest.raises(ValueError, match=r"an update cannot be copied or pickled, .* make a new one"):
        way(update)


def _mean_score(critic: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"loss": critic(x).mean()}


def test_a_state_of_version_one_is_loaded() -> None:
    update = Update(torch.optim.Adam(nn.Linear(2, 1).parameters()), dict)
    state = update.state_dict()
    old = {"version": 1, "updates": 7, "optimizer": state["optimizer"]}
    update.load_state_dict(old)
    assert update.updates == 7
    own = Update(update.optimizer, dict, stepper=(stepper := _Scaled(2.0)))
    own.load_state_dict(old)
    assert (own.updates, stepper.calls) == (7, 0)


def test_rounds_on_meta_read_nothing_and_stay_on_meta() -> None:
    critic = nn.Sequential(nn.Linear(2, 5, device="meta"), nn.Tanh(), nn.Linear(5, 1, device="meta"))
    generator = nn.Sequential(nn.Linear(3, 2, device="meta"), nn.BatchNorm1d(2, device="meta"))

    def critic_terms(real: torch.Tensor, latents: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = generator(latents)
        return {
            "loss": critic_loss(Hinge(), critic(real), critic(fake)),
            "penalty": 10 * gradient_penalty(critic, real, fake),
        }

    updates = {
        "critic": Update(
            torch.optim.Adam(critic.parameters()), critic_terms, constraint=partial(clip_weights_, critic, 0.1)
        ),
        "generator": Update(
            torch.optim.RMSprop(generator.parameters()),
            lambda _, latents: {"loss": generator_loss(Hinge(), critic(generator(latents)))},
            frozen=[critic],
            gradients=Accumulated(2),
        ),
    }
    batch = (torch.randn(7, 2, device="meta"), torch.randn(7, 3, device="meta"))
    for _ in range(101):  # the counters are read at the hundredth step
        logged = play_round(Round(2), itertools.repeat(batch), **updates)
        assert {value.device.type for value in logged.values()} == {"meta"}


def _leaf_update(leaf: torch.Tensor, *, own: bool) -> Update:
    critic = nn.Linear(4, 1)
    parameters = [leaf] if own else list(critic.parameters())
    return Update(torch.optim.SGD(parameters, lr=0.5), lambda: {"loss": critic(leaf).sum() if not own else leaf.sum()})


def test_plain_leaves_of_the_optimizer_are_trained() -> None:
    leaf = torch.zeros(1, 4, requires_grad=True)
    _leaf_update(leaf, own=True)()
    assert leaf.tolist() == [[-0.5] * 4]


@pytest.mark.parametrize("before", [None, torch.ones(1, 4)])
def test_plain_leaves_that_somebody_else_holds_are_refused(before: torch.Tensor | None) -> None:
    leaf = torch.zeros(1, 4, requires_grad=True)
    leaf.grad = before
    update = _leaf_update(leaf, own=False)
    weights = [parameter.clone() for parameter in update.loss.parameters]
    with pytest.raises(
        ValueError, match=r"got gradients for 1 tensors that require gradients \(shapes \(1, 4\)\): give"
    ):
        update()
    assert all(map(torch.equal, weights, update.loss.parameters))
    assert (leaf.grad is None) == (before is None)


@dataclasses.dataclass
class _Batch:
    real: torch.Tensor


@pytest.mark.parametrize("batch", [lambda real: real, lambda real: {"real": [real]}, _Batch])
def test_samples_of_the_inputs_may_be_points_of_a_penalty(batch: Any) -> None:
    critic = nn.Linear(4, 1)

    def terms(given: Any) -> dict[str, torch.Tensor]:
        real = given.real if isinstance(given, _Batch) else given["real"][0] if isinstance(given, dict) else given
        real.requires_grad_()
        gradient = score_gradient(critic(real), real)
        real.requires_grad_(False)
        return {"penalty": gradient.square().sum()}

    Update(torch.optim.SGD(critic.parameters(), lr=0.1), terms)(batch(torch.ones(3, 4)))


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, lambda: torch.set_grad_enabled(False)])
@pytest.mark.parametrize("gradients", [None, Accumulated(3)])
def test_gradients_that_are_switched_off_around_an_update_do_not_matter(context: Any, gradients: Any) -> None:
    critics = [nn.Linear(4, 1) for _ in range(2)]
    critics[1].load_state_dict(critics[0].state_dict())
    updates = [
        Update(
            torch.optim.Adam(critic.parameters()),
            lambda x, c=critic: {"loss": c(x).square().mean()},
            gradients=gradients,
        )
        for critic in critics
    ]
    samples = torch.arange(12.0).reshape(3, 4)
    updates[0](samples)
    with context():
        updates[1](samples)
        assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert torch.equal(critics[0].weight, critics[1].weight)


def test_groups_that_are_added_later_are_checked_and_named() -> None:
    first, second, third = nn.Linear(2, 2), nn.Linear(2, 1), nn.Linear(1, 1)
    optimizer = torch.optim.SGD(first.named_parameters(), lr=0.1)
    frozen = [second]
    update = Update(optimizer, lambda x: {"loss": third(second(first(x))).sum()}, frozen=[*frozen, third])
    update(torch.ones(3, 2))
    optimizer.add_param_group({"params": list(second.named_parameters())})
    with pytest.raises(ValueError, match="frozen must not name what the optimizer updates, got 2 parameters in both"):
        update(torch.ones(3, 2))
    optimizer.param_groups.pop()
    update(torch.ones(3, 2))
    assert update.updates == 2


def test_a_network_that_the_optimizer_drops_is_found() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    optimizer = torch.optim.SGD([{"params": first.parameters()}, {"params": second.parameters()}], lr=0.1)
    update = Update(optimizer, lambda x: {"loss": second(first(x)).sum()})
    update(torch.ones(3, 2))
    optimizer.param_groups.pop()
    with pytest.raises(
        ValueError, match="terms must reach only parameters of the optimizer, got gradients for 2 others"
    ):
        update(torch.ones(3, 2))


class _NeedsLoss(torch.optim.SGD):
    def step(self, closure: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        closure()


def test_an_optimizer_under_a_learning_rate_scheduler_is_taken() -> None:
    """The scheduler replaces the optimizer's step by a function whose signature shows `self`."""
    critic = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(critic.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    update = Update(optimizer, lambda x: {"mean": critic(x).mean()})
    for rate in (1.0, 0.5):
        before = critic.bias.detach().clone()
        update(torch.ones(3, 2))
        torch.testing.assert_close(before - critic.bias, torch.tensor([rate]))
        schedule.step()


def test_optimizers_that_need_a_closure_are_refused() -> None:
    critic = nn.Linear(2, 1)
    with pytest.raises(
        ValueError, match="take a step without a closure, got _NeedsLoss, which evaluates the loss itself"
    ):
        Update(_NeedsLoss(critic.parameters(), lr=0.1), lambda x: {"loss": critic(x).sum()})
    stepless: Any = SimpleNamespace(param_groups=[{"params": list(critic.parameters())}])
    with pytest.raises(ValueError, match="optimizer must have a step, got SimpleNamespace"):
        Update(stepless, lambda x: {"loss": critic(x).sum()})


def test_a_learning_rate_that_is_a_tensor_can_be_changed_in_place_after_loading() -> None:
    critic, rate = nn.Linear(2, 1), torch.tensor(0.5)
    update = Update(torch.optim.Adam(critic.parameters(), lr=rate, foreach=False), lambda x: {"loss": critic(x).sum()})
    update(torch.ones(3, 2))
    update.load_state_dict(copy.deepcopy(update.state_dict()))
    before = critic.weight.detach().clone()
    rate.fill_(0.0)
    update(torch.ones(3, 2))
    assert torch.equal(critic.weight, before)
