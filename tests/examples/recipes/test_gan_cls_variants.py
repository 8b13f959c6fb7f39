"""What can replace a part of report D: another condition, another order, other texts, R1, mode seeking, mixed-in fakes."""

from typing import Any

import pytest
import torch
from support.recipes import assembled, batch, described, prepared
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.gan_cls.networks import GanClsGenerator
from examples.anime_faces.systems import Training


def build(*, features: int = 11, size: int = 32, **options: Any) -> Training:
    usual = {"width": 4, "projected": 5, "batch_size": 7}
    return assembled("gan_cls", described(size=size, features=features), options={**usual, **options})


def generator_of(training: Training) -> GanClsGenerator:
    generator = training.networks["generator"]
    assert isinstance(generator, GanClsGenerator)
    return generator


def calls_of(network: nn.Module) -> list[tuple[torch.Tensor, ...]]:
    """The inputs of each call of a network and what it returned, filled as it is called."""
    seen: list[tuple[torch.Tensor, ...]] = []
    network.register_forward_hook(
        lambda _m, inputs, output: seen.append((*(one.detach().clone() for one in inputs), output.detach().clone()))
    )
    return seen


def inputs_of_first_layer(training: Training) -> list[torch.Tensor]:
    seen: list[torch.Tensor] = []
    generator_of(training).layers[0].register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0].detach()))
    return seen


def test_a_drawn_condition_has_128_numbers_around_a_learned_mean() -> None:
    training = build(features=600, width=16, projected=256, conditioning_augmentation=True)
    generator, critic = generator_of(training), training.networks["critic"]
    augmentation = generator.projection
    assert isinstance(augmentation, gk.embedders.ConditioningAugmentation)
    assert (augmentation.linear.weight.shape, augmentation.out_features) == ((256, 600), 128)
    assert generator.in_features == 100 + 128
    assert critic.get_parameter("projection.linear.weight").shape == (256, 600)  # the critic's is not drawn
    assert isinstance(augmentation.activation, nn.LeakyReLU)
    assert augmentation.activation.negative_slope == 0.2
    assert float(augmentation.linear.weight.detach().std()) == pytest.approx(0.02, rel=0.03)
    seen = inputs_of_first_layer(training)
    latents, texts = torch.randn(2, 100), torch.randn(2, 600)
    torch.manual_seed(5)
    generator(latents, texts)
    torch.manual_seed(5)
    noise = torch.randn(2, 128)
    mean, log_variance = functional.leaky_relu(augmentation.linear(texts).detach(), 0.2).split(128, dim=1)
    torch.testing.assert_close(seen[0][:, :100], latents)
    torch.testing.assert_close(seen[0][:, 100:], mean + (log_variance / 2).exp() * noise)


@pytest.mark.parametrize("weight", [None, 3.0])
def test_the_divergence_of_drawn_conditions_is_averaged_over_their_numbers(weight: float | None) -> None:
    drawn = {"conditioning_augmentation": True, "augmented": 3}
    training = build(**drawn) if weight is None else build(**drawn, kl_weight=weight)
    generator = generator_of(training)
    with torch.no_grad():
        generator.projection.linear.weight.normal_()
    inputs = prepared(training, *batch())
    lines = functional.leaky_relu(generator.projection.linear(inputs[1]).detach(), 0.2)
    mean, variance = lines[:, :3], lines[:, 3:].exp()
    divergences = [
        torch.distributions.kl_divergence(
            torch.distributions.Normal(mean[:, k], variance[:, k].sqrt()), torch.distributions.Normal(0.0, 1.0)
        )
        for k in range(3)
    ]
    logged = training.updates["generator"](*inputs)
    expected = (2.0 if weight is None else weight) * torch.stack(divergences).mean()
    torch.testing.assert_close(logged["condition"], expected)
    assert set(logged) == {"score", "text weights", "condition"}


def test_r1_penalizes_real_pictures_with_their_texts_one_by_one() -> None:
    training = build(r1=3.0, cheat=0.0)
    critic = training.networks["critic"]
    assert not any(isinstance(one, nn.BatchNorm2d) for one in critic.modules())
    norms = [one for one in critic.modules() if isinstance(one, nn.GroupNorm)]
    assert [one.num_groups for one in norms] == [1] * 3  # as many norms as there were
    gains = torch.cat([one.weight.detach() for one in norms])
    assert float((gains - 1).abs().max()) < 0.1
    assert len(gains.unique()) == len(gains)
    inputs = prepared(training, *batch())
    images, texts = inputs[0], inputs[1]
    assert images is not None
    assert texts is not None
    squares = []
    for picture, text in zip((images + 1) / 2, texts, strict=True):
        point = picture[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(point, text[None]).sum(), point)
        squares.append(slope.square().sum())
    logged = training.updates["critic"](*inputs)
    torch.testing.assert_close(logged["penalty"], 3.0 / 2 * torch.stack(squares).mean())
    assert "penalty" not in build().updates["critic"](*inputs)


@pytest.mark.parametrize(
    ("option", "side", "weight"),
    [
        ("r1", "critic", "layers.0.weight"),
        ("mode_seeking", "generator", "layers.0.weight"),
        ("kl_weight", "generator", "projection.linear.weight"),
        ("beta", "generator", "projection.linear.weight"),
    ],
)
def test_the_added_costs_train(option: str, side: str, weight: str) -> None:
    changes = []
    for strength in (1e-30, 1e9):
        torch.manual_seed(0)
        options: dict[str, Any] = {"conditioning_augmentation": True, "cheat": 0.0, "beta": 0.0, option: strength}
        training = build(**options)
        trained = training.networks[side].get_parameter(weight)
        before = trained.detach().clone()
        training.updates[side](*prepared(training, *batch()))
        changes.append((trained.detach() - before).sign())  # of Adam's first step, all of one length
    assert float((changes[0] != changes[1]).float().mean()) > 0.1


@pytest.mark.parametrize("first", [False, True])
def test_the_order_of_the_updates(first: bool) -> None:
    training = build(generator_first=first)
    assert training.system.schedule(3) == gk.schedules.Round(1, generator=2, generator_first=first)
    turns: list[str] = []
    for name, update in training.updates.items():
        update.optimizer.register_step_post_hook(lambda *_, name=name: turns.append(name))
    training.play(0, iter([batch()]))
    assert turns == (["generator", "generator", "critic"] if first else ["critic", "generator", "generator"])


def test_generator_updates_have_the_texts_of_the_critic() -> None:
    training, (images, texts) = build(), batch()
    drawn = calls_of(training.networks["generator"])
    training.play(0, iter([(images, texts)]))
    assert training.system.batch_size == 7
    assert [torch.equal(given, texts) for _, given, _ in drawn] == [True] * 3


def test_or_fresh_ones() -> None:
    training = build(fresh_texts=True)
    assert training.system.batch_size == 21
    assert build(fresh_texts=True, generator_steps=4).system.batch_size == 35
    images, texts = torch.rand(21, 3, 32, 32) * 2 - 1, torch.randn(21, 11)
    drawn, judged = calls_of(training.networks["generator"]), calls_of(training.networks["critic"])
    training.play(0, iter([(images, texts)]))
    torch.testing.assert_close(judged[0][0], (images[:7] + 1) / 2)
    assert all(torch.equal(given, texts[:7]) for _, given, _ in judged[:3])
    assert torch.equal(drawn[0][1], texts[:7])
    rows = [[(texts == text).all(dim=1).int().argmax().item() for text in given] for _, given, _ in drawn[1:]]
    assert all(set(of) <= set(range(7, 21)) and len(set(of)) == 7 for of in rows)
    assert rows[0] != rows[1]
    for (_, given, _), (_, asked, _) in zip(drawn[1:], judged[3:], strict=True):
        assert torch.equal(given, asked)


@pytest.mark.parametrize("different", [6, 7, 15, 20])
def test_fresh_texts_leave_the_critic_two_different_ones(different: int) -> None:
    training = build(fresh_texts=True)
    images, texts = torch.rand(21, 3, 32, 32) * 2 - 1, torch.ones(21, 11)
    texts[different, 4] = 3
    pictures, given, others, _ = prepared(training, images, texts)
    assert pictures is not None
    assert given is not None
    assert torch.equal(pictures[:6], images[:6])
    assert torch.equal(given[:6], texts[:6])
    assert torch.equal(pictures[6], images[different])
    assert torch.equal(given[6], texts[different])
    assert others is not None
    assert torch.equal(others, texts[7:])


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_mode_seeking_compares_two_pictures_of_each_text(weight: float, drawn: bool) -> None:
    training = build(mode_seeking=weight, conditioning_augmentation=drawn)
    inputs = prepared(training, *batch())
    joined, judged = inputs_of_first_layer(training), calls_of(training.networks["critic"])
    logged = training.updates["generator"](*inputs)
    assert len(joined) == len(judged) == 1
    (pictures, texts, scores), noises, conditions = judged[0], joined[0][:, :100], joined[0][:, 100:]
    assert inputs[1] is not None
    assert torch.equal(texts, torch.cat([inputs[1], inputs[1]]))
    assert torch.equal(conditions[:7], conditions[7:])
    assert len(noises.unique(dim=0)) == 14
    shown = (2 * pictures - 1).numpy()
    ratio = abs(shown[:7] - shown[7:]).mean() / abs(noises[:7] - noises[7:]).numpy().mean()
    assert float(logged["modes"]) == pytest.approx(weight / (ratio + 1e-5), rel=1e-4)
    torch.testing.assert_close(logged["score"], -functional.logsigmoid(scores).mean())
    assert "modes" not in build().updates["generator"](*inputs)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_pseudo_augmentation_shows_generated_pictures_as_real_ones(probability: float) -> None:
    training = build(apa=True, cheat=1.0)  # there is no cheat beside it
    part = training.system.parts["apa"]
    part.load_state_dict({**part.state_dict(), "probability": {"version": 1, "probability": torch.tensor(probability)}})
    training.system.plan(0)
    images, texts = batch()
    judged = calls_of(training.networks["critic"])
    logged = training.updates["critic"](*prepared(training, images, texts))
    (real, of_real, r), (mismatched, of_mismatched, w), (fake, of_fake, f) = judged
    torch.testing.assert_close(real, fake if probability else (images + 1) / 2)
    assert all(torch.equal(given, texts) for given in (of_real, of_mismatched, of_fake))
    sources = [[torch.equal(picture, one) for one in (images + 1) / 2] for picture in mismatched]
    assert all(any(row) and not row[place] for place, row in enumerate(sources))
    expected = -functional.logsigmoid(r) - (functional.logsigmoid(-w) + functional.logsigmoid(-f)) / 2
    torch.testing.assert_close(logged["score"], expected.mean())
    torch.testing.assert_close(logged["cheat/mean sign of real scores"], r.sign().mean())
    assert float(logged["cheat/probability"]) == probability
