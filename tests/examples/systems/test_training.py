"""From the sides of a recipe to updates: turns, learning rates, frozen networks, readings, optimizers, state."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.systems import (
    Blueprint,
    Description,
    Hardware,
    Networks,
    Recipe,
    Side,
    System,
    Training,
    WhateverIsKnown,
    always,
    assemble,
)

DESCRIPTION = Description(size=8, kind="unlabeled")
SGD = partial(torch.optim.SGD, lr=0.5)


def linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs)


def built(sides: Mapping[str, Any], *, hardware: Hardware | None = None, latents: int = 3, **more: Any) -> Training:
    """Two linear networks with these sides; `sides` are changes of the usual ones."""

    def networks(description: Description, options: object) -> Blueprint:
        del description, options
        return Blueprint(
            makers={"generator": partial(linear, latents, 2), "critic": partial(linear, 2, 1)},
            latents=partial(gk.latents.normal_latents, features=latents),
        )

    def system(built: Networks, description: Description, options: object, steps: int) -> System:
        del description, options, steps

        def critic_terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
            score = built["critic"](real).mean() - built["critic"](built["generator"](noise).detach()).mean()
            return {"score": score}, {"scores/real": built["critic"](real).detach().mean()}

        def generator_terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
            del real
            return {"score": built["critic"](built["generator"](noise)).mean()}

        usual = {"critic": {"terms": critic_terms}, "generator": {"terms": generator_terms}}
        made = {
            name: Side(**{"network": built[name], "optimizer": SGD, **usual[name], **sides.get(name, {})})
            for name in usual
        }
        return System(**{**made, "batch_size": 5, **more})

    recipe = Recipe(
        description="A test's.", steps=3, conditioning=always(WhateverIsKnown()), networks=networks, system=system
    )
    return assemble(recipe, DESCRIPTION, None, steps=10, hardware=hardware or Hardware(channels_last=False))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(5, 2), torch.randn(5, 3)


def without_lengths(logged: Mapping[str, torch.Tensor]) -> list[str]:
    """Names of what was logged, but for the lengths of gradients."""
    return [name for name in logged if not name.startswith("gradients/")]


def test_gradients_of_the_last_updates_and_weights_of_the_condition_are_measured() -> None:
    weight = nn.Parameter(torch.tensor([3.0, -4.0]))
    counts = gk.schedules.Round(2)
    training = built(
        {}, schedule=gk.schedules.Constant(round=counts), condition_weights={"generator": [weight.detach()]}
    )
    logged = training.play(0, iter([batch(), batch()]))
    assert list(logged)[-3:] == ["gradients/critic", "gradients/generator", "weights/condition of generator"]
    for name in ("critic", "generator"):
        gradients = [one.grad for one in training.networks[name].parameters() if one.grad is not None]
        assert gradients
        expected = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        torch.testing.assert_close(logged[f"gradients/{name}"], expected)
        assert float(expected) > 0
    assert float(logged["weights/condition of generator"]) == 5.0
    with torch.no_grad():
        weight.mul_(2)
    assert float(training.play(1, iter([batch(), batch()]))["weights/condition of generator"]) == 10.0


def test_networks_that_a_round_does_not_update_have_no_length() -> None:
    rounds = [gk.schedules.Round(1), gk.schedules.Round(1, generator=0), gk.schedules.Round(0)]
    training = built({}, schedule=lambda step: rounds[step])
    names = [set(training.play(step, iter([batch()]))) for step in range(3)]
    found = [{name for name in logged if name.startswith("gradients/")} for logged in names]
    assert found == [{"gradients/critic", "gradients/generator"}, {"gradients/critic"}, {"gradients/generator"}]


def test_readings_are_logged_under_their_own_names_and_costs_under_their_turn() -> None:
    logged = built({}).play(0, iter([batch()]))
    assert without_lengths(logged) == ["critic/score", "generator/score", "scores/real"]


def test_all_named_terms_are_taken_or_the_one_that_a_step_chooses() -> None:
    def one(real: torch.Tensor, noise: torch.Tensor, *, network: list[nn.Module], name: str) -> Any:
        del noise
        return {"score": network[0](real).mean()}, {f"scores/{name}": real.mean()}

    network: list[nn.Module] = []
    terms = {name: partial(one, network=network, name=name) for name in ("first", "second")}
    training = built({"critic": {"terms": terms}})
    network.append(training.networks["critic"])
    logged = training.play(0, iter([batch()]))
    assert without_lengths(logged) == [
        "critic/first/score",
        "critic/second/score",
        "generator/score",
        "scores/first",
        "scores/second",
    ]
    assert list(training.updates) == ["critic/first", "critic/second", "generator"]
    assert training.updates["critic/first"].optimizer is training.updates["critic/second"].optimizer

    choosing = built({"critic": {"terms": terms, "turn": lambda step: "second" if step == 3 else "first"}})
    network[0] = choosing.networks["critic"]
    for step in range(4):
        logged = choosing.play(step, iter([batch()]))
        assert without_lengths(logged) == [
            "critic/score",
            "generator/score",
            f"scores/{'second' if step == 3 else 'first'}",
        ]
    assert [update.updates for update in choosing.updates.values()] == [3, 1, 4]


def test_a_step_may_choose_several_terms_which_are_logged_by_name() -> None:
    def one(real: torch.Tensor, noise: torch.Tensor, *, factor: float) -> Any:
        del noise
        return {"score": factor * training.networks["critic"](real).mean()}

    terms = {name: partial(one, factor=factor) for name, factor in (("plain", 1.0), ("rare", 2.0), ("never", 3.0))}
    side = {"terms": terms, "turn": lambda step: ("rare", "plain") if step % 2 else ("plain",)}
    training = built({"critic": side})
    for step in range(5):
        logged = training.play(step, iter([batch()]))
        names = ["critic/rare/score", "critic/plain/score"] if step % 2 else ["critic/plain/score"]
        assert without_lengths(logged) == [*names, "generator/score"]
    assert [update.updates for update in training.updates.values()] == [5, 2, 0, 5]


@pytest.mark.parametrize("chosen", [(), ("plain", "other")])
def test_several_terms_of_a_turn_must_all_exist(chosen: tuple[str, ...]) -> None:
    def terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        raise NotImplementedError

    side = {"terms": {"plain": terms, "lazy": terms}, "turn": lambda step: chosen}
    with pytest.raises(ValueError, match=re.escape(f"('plain', 'lazy'), but at step 0 it is {chosen!r}")):
        built({"critic": side})


def test_several_sides_of_a_turn_are_logged_by_name() -> None:
    def terms(real: torch.Tensor, noise: torch.Tensor, *, network: nn.Module) -> Any:
        del noise
        return {"score": network(real).mean()}

    other = nn.Linear(2, 1)
    training = built({})
    sides = {
        "old": training.system.critic,
        "new": Side(network=other, optimizer=SGD, terms=partial(terms, network=other)),
    }
    several = built({}, critic=sides)
    assert list(several.updates) == ["critic/old", "critic/new", "generator"]


def test_learning_rates_are_those_of_the_step() -> None:
    training = built({"critic": {"learning_rate": lambda step: 0.25 / (1 + step)}})
    for step in range(3):
        training.play(step, iter([batch()]))
        rates = {name: update.optimizer.param_groups[0]["lr"] for name, update in training.updates.items()}
        assert rates == {"critic": 0.25 / (1 + step), "generator": 0.5}


def test_the_plan_comes_first_and_what_follows_gets_the_readings() -> None:
    seen: list[Any] = []
    training = built({}, plan=seen.append, after=seen.append, prepare=lambda given: seen.append("prepared") or given)
    training.play(4, iter([batch()]))
    assert seen[:2] == [4, "prepared"]
    assert list(seen[2]) == ["scores/real"]


def test_networks_are_measured_before_the_round_on_its_first_batch() -> None:
    measured: list[tuple[torch.Tensor, float, bool]] = []

    def measure(real: torch.Tensor, noise: torch.Tensor) -> dict[str, torch.Tensor]:
        score = training.networks["critic"](training.networks["generator"](noise)).mean()
        measured.append((real, float(score), torch.is_grad_enabled()))
        return {"fresh/score": score}

    training = built({}, measure=measure, schedule=gk.schedules.Constant(round=gk.schedules.Round(2)))
    given = [batch() for _ in range(6)]
    batches, used = iter(given), list[torch.Tensor]()
    training.networks["critic"].register_forward_pre_hook(lambda _module, inputs: used.append(inputs[0]))
    for step in range(2):
        real, noise = given[2 * step]
        with torch.no_grad():
            expected = float(training.networks["critic"](training.networks["generator"](noise)).mean())
        used.clear()
        logged = training.play(step, batches)
        assert measured[-1] == (real, expected, False)
        assert float(logged["fresh/score"]) == expected
        assert [place for one in used for place, (other, _) in enumerate(given) if one is other] == [
            *[2 * step] * 2,  # scored and read by the critic's first update: measuring takes no batch away
            *[2 * step + 1] * 2,
        ]
    assert list(batches) == given[4:]


def test_measuring_changes_nothing_that_training_depends_on() -> None:
    ends: list[tuple[torch.Tensor, dict[str, Any]]] = []
    for measures in (False, True):

        def measure(real: torch.Tensor, noise: torch.Tensor) -> dict[str, torch.Tensor]:
            del real, noise
            training.networks["critic"].get_buffer("seen").add_(torch.rand(3))  # noqa: B023 (called in this turn only)
            return {"fresh/number": torch.rand(())}

        torch.manual_seed(1)
        training = built({}, measure=measure if measures else None)
        training.networks["critic"].register_buffer("seen", torch.ones(3))
        torch.manual_seed(2)
        for step in range(3):
            training.play(step, iter([batch()]))
        ends.append((torch.get_rng_state(), training.state_dict()["networks"]))
    torch.testing.assert_close(ends[1], ends[0], rtol=0, atol=0)


def test_measured_readings_have_names_that_the_log_can_tell_from_costs() -> None:
    training = built({}, measure=lambda real, noise: {"losses/critic": real.mean() + noise.mean()})
    before = training.networks["critic"].get_parameter("weight").clone()
    with pytest.raises(ValueError, match=r"^measure: names of readings must .* but one is 'losses/critic'"):
        training.play(0, iter([batch()]))
    assert torch.equal(training.networks["critic"].get_parameter("weight"), before)


def test_critics_are_frozen_while_generators_are_updated() -> None:
    training = built({})
    critic = training.networks["critic"]
    before = [one.clone() for one in critic.parameters()]
    training.updates["generator"](*batch())
    assert all(torch.equal(one, old) for one, old in zip(critic.parameters(), before, strict=True))
    assert all(one.grad is None and one.requires_grad for one in critic.parameters())


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (({}, {"ramp": 0.5}), "^critic: names of readings must have a group .* but one is 'ramp'"),
        (({}, {"critic/ramp": 0.5}), "^critic: names of readings must .* other than critic, generator, losses"),
        (({}, {"losses/critic": 0.5}), "^critic: names of readings must"),
        (({"pen/r1": 0.5}, {}), "^critic: names of costs must be plain, but one is 'pen/r1'"),
    ],
)
def test_names_that_the_log_would_misread_are_refused_before_a_step(
    returned: tuple[dict[str, float], dict[str, float]], message: str
) -> None:
    def terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        del noise
        score = training.networks["critic"](real).mean()
        costs, readings = ({name: factor * score for name, factor in one.items()} for one in returned)
        return {"score": score, **costs}, readings

    training = built({"critic": {"terms": terms}})
    before = training.networks["critic"].get_parameter("weight").clone()
    with pytest.raises(ValueError, match=message):
        training.play(0, iter([batch()]))
    assert torch.equal(training.networks["critic"].get_parameter("weight"), before)


@pytest.mark.parametrize("player", ["critic", "generator"])
def test_errors_of_an_update_say_which(player: str) -> None:
    def terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        del real
        return {"score": training.networks["critic"](training.networks["generator"](noise)).mean() * float("nan")}

    training = built({player: {"terms": {"first": terms} if player == "critic" else terms}})
    if player == "critic":
        with pytest.raises(ValueError, match=r"^critic/first: terms must reach only"):
            training.play(0, iter([batch()]))
    else:
        with pytest.raises(gk.training.NonFiniteError, match=r"^generator: the step was refused"):
            training.play(0, iter([batch()]))


@pytest.mark.parametrize("several", [True, False])
def test_a_turn_must_name_an_update(several: bool) -> None:
    def terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        del noise
        return {"score": training.networks["critic"](real).mean()}

    sides = {"terms": {"plain": terms, "lazy": terms} if several else terms, "turn": lambda step: "other"}
    message = "'plain', 'lazy'" if several else "it has no named terms"
    with pytest.raises(
        ValueError, match=rf"turn of critic must name one of its terms \({message}\), but at step 0 it is 'other'"
    ):
        built({"critic": sides})
    if several:
        later = {**sides, "turn": lambda step: "plain" if step == 0 else "other"}
        training = built({"critic": later})
        training.play(0, iter([batch()]))
        with pytest.raises(ValueError, match="but at step 1 it is 'other'"):
            training.play(1, iter([batch()]))


def chain(*, shared: bool = False) -> tuple[Training, Any]:
    """Two generators, the second on top of the first, that are both trained by the critic's score of the last picture."""
    training = built({})
    first, critic = training.networks["generator"], training.networks["critic"]
    second = first if shared else nn.Linear(2, 2)

    def terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        del real
        return {"score": critic(second(first(noise)) if second is not first else first(noise)).mean()}

    sides = {
        "first": Side(network=first, optimizer=SGD, terms=terms),
        "second": Side(network=nn.ModuleList([second]), optimizer=SGD, terms=terms),
    }

    def networks(description: Description, options: object) -> Blueprint:
        del description, options
        return Blueprint(makers={"generator": lambda: first, "critic": lambda: critic}, latents=None)

    def system(built: Networks, description: Description, options: object, steps: int) -> System:
        del built, description, options, steps
        return System(critic=training.system.critic, generator=sides, batch_size=5)

    recipe = Recipe(
        description="A chain.", steps=3, conditioning=always(WhateverIsKnown()), networks=networks, system=system
    )
    hardware = Hardware(channels_last=False)
    return assemble(recipe, DESCRIPTION, None, steps=10, hardware=hardware), (first, second, critic)


def test_a_chain_of_generators_is_trained_end_to_end_each_side_by_its_own_gradient() -> None:
    training, (first, second, critic) = chain()
    real, noise = batch()
    for name, network, other in (("generator/first", first, second), ("generator/second", second, first)):
        before, other_before = network.weight.clone(), other.weight.clone()
        expected = torch.autograd.grad(critic(second(first(noise))).mean(), [network.weight])[0]
        training.updates[name](real, noise)
        torch.testing.assert_close(network.weight, before - 0.5 * expected)
        assert float(expected.abs().max()) > 0
        assert torch.equal(other.weight, other_before)
    assert all(parameter.requires_grad for one in (first, second, critic) for parameter in one.parameters())
    assert without_lengths(training.play(0, iter([batch()]))) == [
        "critic/score",
        "generator/first/score",
        "generator/second/score",
        "scores/real",
    ]


def test_what_two_sides_share_is_trained_by_both() -> None:
    training, (first, _, _) = chain(shared=True)
    for name in ("generator/first", "generator/second"):
        before = first.weight.clone()
        training.updates[name](*batch())
        assert not torch.equal(first.weight, before)


def test_constraints_follow_each_update_and_others_come_before_it() -> None:
    order: list[str] = []

    def terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        del noise
        order.append("terms")
        return {"score": networks[0](real).mean()}

    networks: list[nn.Module] = []
    sides = {"terms": terms, "before": lambda: order.append("before"), "constraint": lambda: order.append("constraint")}
    schedule = gk.schedules.Constant(round=gk.schedules.Round(2))
    training = built({"critic": sides}, schedule=schedule)
    networks.append(training.networks["critic"])
    training.play(0, iter([batch(), batch()]))
    assert order == 2 * ["before", "terms", "constraint"]


def test_optimizers_are_fused_where_the_device_has_that() -> None:
    adam = partial(torch.optim.Adam, lr=0.1)
    sides = {"critic": {"optimizer": adam}, "generator": {"optimizer": torch.optim.RMSprop}}
    fused = built(sides).updates
    assert fused["critic"].optimizer.param_groups[0]["fused"] is True
    assert "fused" not in fused["generator"].optimizer.param_groups[0]
    on_meta = built(sides, hardware=Hardware(device="meta", channels_last=False)).updates
    assert on_meta["critic"].optimizer.param_groups[0]["fused"] is None


def test_lower_precision_reaches_terms_and_what_prepares_them() -> None:
    dtypes: list[torch.dtype] = []

    def prepare(given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        dtypes.append((given[0] @ given[0].T).dtype)
        return given

    training = built({}, prepare=prepare, hardware=Hardware(precision="bfloat16", channels_last=False))
    for network in training.networks.values():
        network.register_forward_hook(lambda _module, _inputs, output: dtypes.append(output.dtype))
    training.play(0, iter([batch()]))
    assert set(dtypes) == {torch.bfloat16}
    assert len(dtypes) > 3
    assert {one.dtype for one in training.networks["critic"].parameters()} == {torch.float32}


def test_the_state_continues_bit_for_bit() -> None:
    sides = {name: {"optimizer": partial(torch.optim.Adam, lr=0.1)} for name in ("critic", "generator")}
    one, other = built(sides), built(sides)
    batches = [batch() for _ in range(6)]
    for step, given in enumerate(batches[:3]):
        one.play(step, iter([given]))
    other.load_state_dict(one.state_dict())
    for training in (one, other):
        for step, given in enumerate(batches[3:], start=3):
            training.play(step, iter([given]))
    torch.testing.assert_close(other.state_dict()["networks"], one.state_dict()["networks"], rtol=0, atol=0)
    torch.testing.assert_close(other.state_dict()["averages"], one.state_dict()["averages"], rtol=0, atol=0)
    assert other.updates["critic"].updates == 6


def test_the_averages_draw_and_the_raw_networks_too() -> None:
    training = built({})
    assert training.averaged.networks["generator"] is training.averages["generator"].network
    assert training.raw.networks["generator"] is training.networks["generator"]
    with pytest.raises(KeyError):
        _ = training.raw.networks["critic"]


def test_betas_are_those_of_the_step_and_act() -> None:
    def weights(betas: Any) -> tuple[list[Any], torch.Tensor]:
        torch.manual_seed(0)
        adam = partial(torch.optim.Adam, lr=0.1, betas=(0.0, 0.5))
        training = built({"critic": {"optimizer": adam, "betas": betas}})
        seen = []
        for step in range(3):
            training.play(step, iter([batch()]))
            seen.append(training.updates["critic"].optimizer.param_groups[0]["betas"])
        return seen, training.networks["critic"].state_dict()["weight"]

    kept, plain = weights(None)
    moved, changed = weights(lambda step: (0.0, 0.5 + 0.1 * step))
    constant, same = weights(lambda _: (0.0, 0.5))
    assert kept == constant == [(0.0, 0.5)] * 3
    assert moved == [(0.0, 0.5), (0.0, 0.6), (0.0, 0.7)]
    assert torch.equal(plain, same)
    assert not torch.equal(plain, changed)


def test_betas_of_an_optimizer_without_are_refused() -> None:
    with pytest.raises(ValueError, match="betas of critic must be None, since SGD has none"):
        built({"critic": {"betas": lambda _: (0.0, 0.9)}})


def test_the_decay_of_averages_is_that_of_the_step() -> None:
    def averaged(**more: Any) -> tuple[torch.Tensor, list[torch.Tensor]]:
        torch.manual_seed(0)
        training = built({}, average=partial(gk.training.WeightAverage, decay=0.9, warmup=False), **more)
        own = []
        for step in range(3):
            training.play(step, iter([batch()]))
            own.append(training.networks["generator"].state_dict()["weight"].clone())
        return training.averages["generator"].network.state_dict()["weight"], own

    average, own = averaged(average_decay=lambda step: (0.0, 0.5, 0.75)[step])
    torch.testing.assert_close(average, 0.375 * own[0] + 0.375 * own[1] + 0.25 * own[2])
    kept, _ = averaged()
    same, _ = averaged(average_decay=lambda _: 0.9)
    assert torch.equal(kept, same)
