"""Report D: layers, losses, the penalty on text weights, the cheat, the order of updates."""

from unittest import mock

import pytest
import torch
from support.recipes import assembled, batch, described, prepared, shapes
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.gan_cls.networks import GanClsCritic, GanClsGenerator
from examples.anime_faces.systems import Training


def build(*, features: int = 11, size: int = 32, **options: float | bool) -> Training:
    usual = {"width": 4, "projected": 5, "batch_size": 7}
    return assembled("gan_cls", described(size=size, features=features), options={**usual, **options})


def networks(training: Training) -> tuple[GanClsGenerator, GanClsCritic]:
    generator, critic = training.networks["generator"], training.networks["critic"]
    assert isinstance(generator, GanClsGenerator)
    assert isinstance(critic, GanClsCritic)
    return generator, critic


def test_networks_are_the_parents_layer_for_layer() -> None:
    generator, critic = networks(build(features=2400, size=64, width=64, projected=256))
    assert generator.in_features == 356
    assert shapes(generator) == [
        ("Linear", (256, 2400)),
        ("Linear", (512 * 4 * 4, 356)),
        ("BatchNorm2d", (512,)),
        ("ConvTranspose2d", (512, 256, 5, 5)),
        ("BatchNorm2d", (256,)),
        ("ConvTranspose2d", (256, 128, 5, 5)),
        ("BatchNorm2d", (128,)),
        ("ConvTranspose2d", (128, 64, 5, 5)),
        ("BatchNorm2d", (64,)),
        ("ConvTranspose2d", (64, 3, 5, 5)),
    ]
    assert shapes(critic) == [
        ("Linear", (256, 2400)),
        ("Conv2d", (64, 3, 5, 5)),
        ("Conv2d", (128, 64, 5, 5)),
        ("BatchNorm2d", (128,)),
        ("Conv2d", (256, 128, 5, 5)),
        ("BatchNorm2d", (256,)),
        ("Conv2d", (512, 256, 5, 5)),
        ("BatchNorm2d", (512,)),
        ("Conv2d", (512, 768, 1, 1)),
        ("BatchNorm2d", (512,)),
        ("Linear", (1, 8192)),
    ]
    assert {one.negative_slope for one in critic.modules() if isinstance(one, nn.LeakyReLU)} == {0.2}
    text = 2400 * 256 + 256
    drawn = (
        357 * 8192 + 25 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 256 + 128 + 64 + 3 + 2 * (512 + 256 + 128 + 64)
    )
    judged = 25 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 64 + 128 + 256 + 512
    judged += 768 * 512 + 512 + 8192 + 1 + 2 * (128 + 256 + 512 + 512)
    assert sum(one.numel() for one in generator.parameters()) == text + drawn
    assert sum(one.numel() for one in critic.parameters()) == text + judged


@pytest.mark.parametrize("size", [32, 48, 96])
def test_other_sizes_and_the_range(size: int) -> None:
    training = build(size=size, width=2)
    drawn = training.blueprint.draw(training.networks, torch.randn(3, 100), torch.randn(3, 11)).detach()
    assert drawn.shape == (3, 3, size, size)
    generator, critic = networks(training)
    assert float(drawn.min()) < 0
    inside = generator(torch.randn(3, 100), torch.randn(3, 11)).detach()
    assert float(inside.min()) > 0
    assert float(inside.max()) < 1
    assert critic(inside, torch.randn(3, 11)).shape == (3,)


def test_noise_stands_before_the_text() -> None:
    training = build()
    generator, _ = networks(training)
    seen: list[torch.Tensor] = []
    generator.layers[0].register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    latents, texts = torch.randn(2, 100), torch.randn(2, 11)
    generator(latents, texts)
    torch.testing.assert_close(seen[0][:, :100], latents)
    torch.testing.assert_close(seen[0][:, 100:], generator.projection(texts))


def test_weights_start_as_the_parents() -> None:
    generator, critic = networks(build(width=16))
    for network in (generator, critic):
        weights = torch.cat([one.flatten() for name, one in network.named_parameters() if one.ndim > 1])
        assert float(weights.detach().std()) == pytest.approx(0.02, rel=0.03)
        assert all(not one.any() for name, one in network.named_parameters() if name.endswith("bias"))


def test_optimizers_and_the_order_are_the_reports() -> None:
    training = build()
    for update in training.updates.values():
        group = update.optimizer.param_groups[0]
        assert (type(update.optimizer), group["lr"], group["betas"]) == (torch.optim.Adam, 2e-4, (0.5, 0.999))
    assert {training.system.schedule(step) for step in range(9)} == {gk.schedules.Round(1, generator=2)}


@pytest.mark.parametrize(("literal", "cheat"), [(False, 0.0), (True, 0.0), (False, 1.0)])
def test_the_critics_cost_has_three_kinds_of_pairs(literal: bool, cheat: float) -> None:
    training = build(literal=literal, cheat=cheat)
    training.system.plan(0)
    images, texts = batch()
    texts[[1, 4]] = texts[0].clone()
    inputs = prepared(training, images, texts)
    seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    training.networks["critic"].register_forward_hook(
        lambda _m, inputs, output: seen.append((*inputs, output.detach()))
    )
    logged = training.updates["critic"](*inputs)
    (real, _, r), (mismatched, _, w), (_, _, f) = seen
    torch.testing.assert_close(real, (images + 1) / 2)
    weight = 1.0 if literal else 0.5
    fake_price = -functional.logsigmoid(f if cheat else -f)
    expected = -functional.logsigmoid(r).mean() + weight * (-functional.logsigmoid(-w).mean() + fake_price.mean())
    torch.testing.assert_close(logged["score"], expected)
    means = [side.sigmoid().mean() for side in (r, w, f)]
    assert list(logged) == [
        "score",
        *(f"{group}/{kind}" for group in ("scores", "accuracy") for kind in ("real", "mismatched", "fake")),
    ]
    torch.testing.assert_close(torch.stack(list(logged.values())[1:4]), torch.stack(means))
    shares = [(r > 0).float().mean(), (w < 0).float().mean(), (f < 0).float().mean()]
    torch.testing.assert_close(torch.stack(list(logged.values())[-3:]), torch.stack(shares))
    for row, picture in enumerate(mismatched):
        source = next(index for index in range(7) if torch.equal(picture, real[index]))
        assert not torch.equal(texts[source], texts[row])


@pytest.mark.parametrize("beta", [0.1, 0.01, 0.0])
def test_the_generators_weight_penalty_is_of_its_text_weights_alone(beta: float) -> None:
    training = build(beta=beta)
    generator, _ = networks(training)
    inputs = prepared(training, *batch())
    training.updates["critic"](*inputs)
    weight = generator.projection.linear.weight.detach().clone()
    seen: list[torch.Tensor] = []
    training.networks["critic"].register_forward_hook(lambda _m, _i, output: seen.append(output.detach()))
    logged = training.updates["generator"](*inputs)
    torch.testing.assert_close(logged["score"], -functional.logsigmoid(seen[0]).mean())
    torch.testing.assert_close(training.system.condition_weights["generator"][0], generator.projection.linear.weight)
    if beta:
        torch.testing.assert_close(logged["text weights"], beta * weight.square().sum() / 2)
    else:
        assert list(logged) == ["score"]


@pytest.mark.parametrize("literal", [False, True])
def test_both_generator_updates_have_noise_of_their_own_unless_literal(literal: bool) -> None:
    training = build(literal=literal)
    generator, _ = networks(training)
    drawn: list[torch.Tensor] = []
    generator.register_forward_pre_hook(lambda _m, inputs: drawn.append(inputs[0]))
    training.play(0, iter([batch()]))
    assert len(drawn) == 3
    same = [torch.equal(drawn[0], drawn[1]), torch.equal(drawn[1], drawn[2]), torch.equal(drawn[0], drawn[2])]
    assert same == [literal] * 3


def test_an_adaptive_cheat_moves_by_the_sign_of_real_scores() -> None:
    training = build(cheat_adapts=True)
    adaptive = training.system.parts["cheat"]
    assert isinstance(adaptive, gk.losses.AdaptiveProbability)
    expected = gk.losses.AdaptiveProbability(limit=0.1)
    for one in (adaptive, expected):
        one.update(torch.ones(700))
    scores: list[torch.Tensor] = []
    training.networks["critic"].register_forward_hook(lambda _m, _i, output: scores.append(output.detach()))
    for step in range(4):
        scores.clear()
        training.play(step, iter([batch()]))
        expected.update(scores[0])  # those of the real pairs, before the critic's step
        assert torch.equal(adaptive.probability, expected.probability)
    assert torch.equal(training.state_dict()["parts"]["cheat"]["probability"], adaptive.probability)
    assert build().system.parts == {}


def test_the_plan_moves_a_falling_cheat() -> None:
    training = build(cheat=1.0, cheat_decays=True)
    inputs = prepared(training, *batch())
    probabilities = []
    for step in (0, 5, 10):
        training.system.plan(step)
        with mock.patch.object(gk.losses, "flip_labels", wraps=gk.losses.flip_labels) as flip:
            training.updates["critic"](*inputs)
        probabilities.append(float(flip.call_args.args[1]))
    assert probabilities == pytest.approx([1.0, 0.5, 0.0])
