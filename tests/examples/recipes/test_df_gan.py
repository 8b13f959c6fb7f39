"""DF-GAN: layers, fusion, losses, the penalty around matching pairs, drawn conditions, optimizers."""

import math
from typing import Any

import pytest
import torch
from support.recipes import assembled, batch, described, prepared, shapes
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.recipes.df_gan.networks import (
    Affine,
    CriticBlock,
    DFCritic,
    DFGenerator,
    Fusion,
    GeneratorBlock,
)
from examples.anime_faces.recipes.df_gan.options import Options
from examples.anime_faces.systems import Training


def build(*, features: int = 11, size: int = 32, **options: Any) -> Training:
    usual = {"width": 4, "projected": 5, "batch_size": 7}
    return assembled("df_gan", described(size=size, features=features), options={**usual, **options})


def networks(training: Training) -> tuple[DFGenerator, DFCritic]:
    generator, critic = training.networks["generator"], training.networks["critic"]
    assert isinstance(generator, DFGenerator)
    assert isinstance(critic, DFCritic)
    return generator, critic


@torch.no_grad()
def unsettle(*of: nn.Module) -> None:
    """Move all weights, so that nothing is 0 or 1 as at the start."""
    for network in of:
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))


def affine(features: int, channels: int) -> list[tuple[str, tuple[int, ...]]]:
    one = [("Linear", (channels, features)), ("Linear", (channels, channels))]
    return one + one


def block(features: int, wide: int, narrow: int) -> list[tuple[str, tuple[int, ...]]]:
    shortcut = [] if wide == narrow else [("Conv2d", (narrow, wide, 1, 1))]
    return [
        *affine(features, wide),
        *affine(features, wide),
        ("UpsampledConv2d", (narrow, wide, 3, 3)),
        *affine(features, narrow),
        *affine(features, narrow),
        ("Conv2d", (narrow, narrow, 3, 3)),
        *shortcut,
    ]


@pytest.mark.parametrize(("drawn", "condition"), [(False, 256), (True, 128)])
def test_layers_are_the_authors_at_256(drawn: bool, condition: int) -> None:
    description = described(size=256, features=2400)
    with torch.device("meta"):
        makers = find_recipe("df_gan").networks(description, Options(conditioning_augmentation=drawn)).makers
        generator, critic = makers["generator"](), makers["critic"]()
    fused = 100 + condition
    augmentation = [("Linear", (256, 256))] if drawn else []
    assert shapes(generator) == [
        ("Linear", (256, 2400)),
        *augmentation,
        ("Linear", (256 * 4 * 4, 100)),
        *block(fused, 256, 256),
        *block(fused, 256, 256),
        *block(fused, 256, 256),
        *block(fused, 256, 128),
        *block(fused, 128, 64),
        *block(fused, 64, 32),
        ("Conv2d", (3, 32, 3, 3)),
    ]
    halved = [(32, 64), (64, 128), (128, 256), (256, 256), (256, 256), (256, 256)]
    expected = [("Linear", (256, 2400)), ("Conv2d", (32, 3, 3, 3))]
    for narrow, wide in halved:
        expected += [("Conv2d", (wide, narrow, 4, 4)), ("Conv2d", (wide, wide, 3, 3))]
        expected += [] if narrow == wide else [("Conv2d", (wide, narrow, 1, 1))]
    assert shapes(critic) == [*expected, ("Conv2d", (64, 512, 3, 3)), ("Conv2d", (1, 64, 4, 4))]
    text = 2401 * 256
    amounts = [4 * 2 * ((fused + 1) * c + (c + 1) * c) // 2 for c in (256, 256, 256, 256, 128, 64)]
    between = [4 * 2 * ((fused + 1) * c + (c + 1) * c) // 2 for c in (256, 256, 256, 128, 64, 32)]
    convolutions = sum(
        9 * wide * narrow + narrow + 9 * narrow**2 + narrow + (wide != narrow) * (wide * narrow + narrow)
        for wide, narrow in [(256, 256)] * 3 + [(256, 128), (128, 64), (64, 32)]
    )
    assert sum(one.numel() for one in generator.parameters()) == (
        text + drawn * 257 * 256 + 101 * 4096 + sum(amounts) + sum(between) + convolutions + 9 * 32 * 3 + 3
    )
    judged = sum(
        16 * narrow * wide + 9 * wide**2 + 1 + (narrow != wide) * (narrow * wide + wide) for narrow, wide in halved
    )
    assert sum(one.numel() for one in critic.parameters()) == text + 27 * 32 + 32 + judged + 9 * 512 * 64 + 16 * 64


@pytest.mark.parametrize("size", [16, 32, 48, 56, 64])
def test_other_sizes(size: int) -> None:
    training = build(size=size)
    generator, critic = networks(training)
    images = generator(torch.randn(3, 100), torch.randn(3, 11)).detach()
    assert images.shape == (3, 3, size, size)
    assert float(images.min()) < 0 < float(images.max())
    assert critic(images, torch.randn(3, 11)).shape == (3,)
    drawn = training.blueprint.draw(training.networks, torch.randn(2, 100), torch.randn(2, 11))
    assert float(drawn.detach().abs().max()) <= 1


def test_an_affine_layer_begins_as_the_identity_and_scales_and_shifts_by_the_condition() -> None:
    layer, x, condition = Affine(7, 5), torch.randn(3, 5, 2, 4), torch.randn(3, 7)
    torch.testing.assert_close(layer(x, condition), x)
    unsettle(layer)
    (a, _, b), (c, _, d) = layer.gain, layer.shift
    gain, shift = b(functional.relu(a(condition))), d(functional.relu(c(condition)))
    torch.testing.assert_close(layer(x, condition), torch.einsum("nc,nchw->nchw", gain, x) + shift[..., None, None])


def test_a_fusion_is_two_affine_layers_each_with_a_leaky_relu() -> None:
    layer, x, condition = Fusion(7, 5), torch.randn(3, 5, 2, 4), torch.randn(3, 7)
    torch.testing.assert_close(layer(x, condition), torch.where(x > 0, x, 0.2 * 0.2 * x))
    unsettle(layer)
    first, second = layer.affines
    inner = functional.leaky_relu(first(x, condition), 0.2)
    torch.testing.assert_close(layer(x, condition), functional.leaky_relu(second(inner, condition), 0.2))
    assert not torch.equal(layer(x, condition), layer(x, condition.flip(0)))


@pytest.mark.parametrize("narrow", [5, 3])
def test_a_block_of_the_generator_equals_the_one_that_repeats_pixels_first(narrow: int) -> None:
    layer = GeneratorBlock(7, 5, narrow)
    unsettle(layer)
    x, condition = torch.randn(3, 5, 4, 6), torch.randn(3, 7)
    large = functional.interpolate(x, scale_factor=2)
    residual = functional.conv2d(layer.before(large, condition), layer.enlarge.weight, layer.enlarge.bias, padding=1)
    residual = layer.convolution(layer.between(residual, condition))
    torch.testing.assert_close(layer(x, condition), layer.shortcut(large) + residual, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wide", [5, 7])
def test_a_block_of_the_critic_equals_the_one_that_convolves_the_shortcut_first(wide: int) -> None:
    layer, x = CriticBlock(5, wide), torch.randn(3, 5, 8, 6)
    torch.testing.assert_close(
        layer(x), functional.avg_pool2d(layer.shortcut(x), 2)
    )  # the residual's weight starts at 0
    unsettle(layer)
    first, second = (layer.residual.get_parameter(f"{place}.weight") for place in (0, 2))
    residual = functional.leaky_relu(functional.conv2d(x, first, stride=2, padding=1), 0.2)
    residual = functional.leaky_relu(functional.conv2d(residual, second, padding=1), 0.2)
    expected = functional.avg_pool2d(layer.shortcut(x), 2) + layer.weight * residual
    torch.testing.assert_close(layer(x), expected)


def test_the_ends_of_both_networks() -> None:
    generator, critic = networks(build(conditioning_augmentation=False))
    x = torch.randn(2, 4, 6, 6)
    weight, bias = (generator.end.get_parameter(f"1.{name}") for name in ("weight", "bias"))
    expected = torch.tanh(functional.conv2d(functional.leaky_relu(x, 0.2), weight, bias, padding=1))
    torch.testing.assert_close(generator.end(x), expected)
    images, texts = batch()
    maps, sentences = critic.maps(images), critic.projection(texts)
    joined = torch.cat([maps, sentences[:, :, None, None].expand(-1, -1, 4, 4)], dim=1)
    first, second = (critic.score.get_parameter(f"{place}.weight") for place in (0, 2))
    inner = functional.leaky_relu(functional.conv2d(joined, first, padding=1), 0.2)
    torch.testing.assert_close(critic(images, texts), functional.conv2d(inner, second)[:, 0, 0, 0])


def test_a_sentence_vector_is_linear_and_has_the_size_of_the_noise() -> None:
    training = build(features=2400, projected=256)
    texts = functional.normalize(torch.randn(50, 2400), dim=1)
    first, second = (network.projection for network in networks(training))
    for one in (first, second):
        assert one(texts).shape == (50, 256)
        assert float(one(texts).detach().std()) == pytest.approx(1.0, rel=0.03)
        torch.testing.assert_close(one(-texts), -one(texts))
    assert not torch.equal(first.linear.weight, second.linear.weight)


@pytest.mark.parametrize("drawn", [False, True])
def test_noise_and_condition_reach_every_layer_in_this_order(drawn: bool) -> None:
    generator, _ = networks(build(conditioning_augmentation=drawn, augmented=3))
    seen: list[torch.Tensor] = []
    for module in generator.modules():
        if isinstance(module, Affine):
            module.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[1].detach()))
    latents, texts = torch.randn(2, 100), torch.randn(2, 11)
    torch.manual_seed(5)
    generator(latents, texts)
    sentences = generator.projection(texts).detach()
    condition = sentences
    if generator.augmentation is not None:
        assert generator.augmentation.linear.weight.shape == (6, 5)
        lines = functional.leaky_relu(generator.augmentation.linear(sentences).detach(), 0.2)
        torch.manual_seed(5)
        condition = lines[:, :3] + (lines[:, 3:] / 2).exp() * torch.randn(2, 3)
    assert drawn == (generator.augmentation is not None)
    assert len(seen) == 4 * 3
    for given in seen:
        torch.testing.assert_close(given, torch.cat([latents, condition], dim=1))


def test_optimizers_rounds_and_numbers_are_the_authors() -> None:
    training = build()
    for name, rate in {"generator": 1e-4, "critic": 4e-4}.items():
        group = training.updates[name].optimizer.param_groups[0]
        assert type(training.updates[name].optimizer) is torch.optim.Adam
        assert (group["lr"], group["betas"], group["weight_decay"]) == (rate, (0.0, 0.9), 0)
    assert {training.system.schedule(step) for step in range(9)} == {gk.schedules.Round(1)}
    assert training.blueprint.latents is not None
    assert training.blueprint.latents(3, rng=None).shape == (3, 100)
    assert float(training.blueprint.latents(300, rng=None).abs().max()) > 3  # normal, not uniform


def test_the_critic_has_hinge_losses_of_three_kinds_of_pairs() -> None:
    training = build()
    generator, critic = networks(training)
    unsettle(generator, critic)
    images, texts = batch()
    texts[[1, 4]] = texts[0].clone()
    inputs = prepared(training, images, texts)
    fakes = inputs[2]
    assert fakes is not None
    seen: list[tuple[torch.Tensor, ...]] = []
    critic.score.register_forward_hook(lambda _m, given, output: seen.append((given[0].detach(), output.detach())))
    maps, maps_of_fakes = critic.maps(images).detach(), critic.maps(fakes).detach()
    sentences = critic.projection(texts).detach()[:, :, None, None].expand(-1, -1, 4, 4)
    logged = training.updates["critic"](*inputs)
    (real, r), (mismatched, w), (fake, f) = seen
    width = maps.shape[1]
    for joined in (real, mismatched, fake):
        torch.testing.assert_close(joined[:, width:], sentences)
    torch.testing.assert_close(real[:, :width], maps)
    torch.testing.assert_close(fake[:, :width], maps_of_fakes)
    for row, own in enumerate(mismatched[:, :width]):
        (source,) = [index for index in range(7) if torch.allclose(own, maps[index])]
        assert not torch.equal(texts[source], texts[row])
    hinge = functional.relu(1 - r).mean() + (functional.relu(1 + w).mean() + functional.relu(1 + f).mean()) / 2
    torch.testing.assert_close(logged["score"], hinge)
    assert list(logged) == [
        "score",
        "penalty",
        *(f"{group}/{kind}" for group in ("scores", "accuracy") for kind in ("real", "mismatched", "fake")),
    ]
    torch.testing.assert_close(torch.stack(list(logged.values())[2:5]), torch.stack([r.mean(), w.mean(), f.mean()]))
    shares = [(r > 0).float().mean(), (w < 0).float().mean(), (f < 0).float().mean()]
    torch.testing.assert_close(torch.stack(list(logged.values())[-3:]), torch.stack(shares))


@pytest.mark.parametrize("weight", [None, 5.0])
def test_the_penalty_is_the_sixth_power_of_the_gradient_at_real_matching_pairs(weight: float | None) -> None:
    training = build() if weight is None else build(penalty_weight=weight)
    generator, critic = networks(training)
    unsettle(generator, critic)
    images, texts = batch()
    inputs = prepared(training, images, texts)
    sentences = critic.projection(texts).detach()
    powers = []
    for image, sentence in zip(images, sentences, strict=True):
        point, vector = image[None].clone().requires_grad_(), sentence[None].clone().requires_grad_()
        slopes = torch.autograd.grad(critic.compare(critic.maps(point), vector).sum(), (point, vector))
        powers.append(math.hypot(*(float(slope.norm()) for slope in slopes)) ** 6)
    expected = (2.0 if weight is None else weight) * sum(powers) / 7
    both = gk.constraints.matching_aware_gradient_penalty(
        lambda x, e: critic.compare(critic.maps(x), e), images, sentences
    )
    assert float(both.detach()) == pytest.approx(sum(powers) / 7, rel=1e-3)
    assert float(training.updates["critic"](*inputs)["penalty"]) == pytest.approx(expected, rel=1e-3)


def test_both_networks_are_trained_on_the_same_pictures() -> None:
    training = build()
    generator, critic = networks(training)
    unsettle(generator, critic)
    drawn: list[torch.Tensor] = []
    generator.register_forward_hook(lambda _m, _i, output: drawn.append(output.detach()))
    judged: list[torch.Tensor] = []
    critic.maps.register_forward_pre_hook(lambda _m, given: judged.append(given[0].detach()))
    scores: list[torch.Tensor] = []
    critic.score.register_forward_hook(lambda _m, _i, output: scores.append(output.detach()))
    logged = training.play(0, iter([batch()]))
    assert len(drawn) == 1
    assert len(judged) == 3
    assert torch.equal(judged[1], drawn[0])
    assert torch.equal(judged[2], drawn[0])
    torch.testing.assert_close(logged["generator/score"], -scores[-1].mean())


@pytest.mark.parametrize("weight", [None, 3.0])
def test_drawn_conditions_have_a_divergence_that_is_averaged_over_their_numbers(weight: float | None) -> None:
    training = build(augmented=3) if weight is None else build(augmented=3, kl_weight=weight)
    generator, _ = networks(training)
    unsettle(generator)
    assert generator.augmentation is not None
    inputs = prepared(training, *batch())
    assert inputs[1] is not None
    lines = functional.leaky_relu(generator.augmentation.linear(generator.projection(inputs[1])).detach(), 0.2)
    mean, log_variance = lines[:, :3], lines[:, 3:]
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance) / 2
    logged = training.updates["generator"](*inputs)
    assert set(logged) == {"score", "condition"}
    torch.testing.assert_close(logged["condition"], (2.0 if weight is None else weight) * divergence.mean())
    plain = build(conditioning_augmentation=False)
    assert set(plain.updates["generator"](*prepared(plain, *batch()))) == {"score"}


def test_the_text_layers_of_both_networks_learn() -> None:
    training = build()
    before = [network.projection.linear.weight.detach().clone() for network in networks(training)]
    batches = iter([batch() for _ in range(3)])
    for step in range(3):  # the affine layers of the generator do not use the condition in the first
        training.play(step, batches)
    for old, network in zip(before, networks(training), strict=True):
        assert not torch.equal(old, network.projection.linear.weight)


@pytest.mark.parametrize(
    ("option", "side", "weight"),
    [("penalty_weight", "critic", "maps.0.weight"), ("kl_weight", "generator", "augmentation.linear.weight")],
)
def test_the_added_costs_train(option: str, side: str, weight: str) -> None:
    changes = []
    for strength in (1e-30, 1e9):
        torch.manual_seed(0)
        options: dict[str, Any] = {option: strength}
        training = build(**options)
        unsettle(*training.networks.values())
        trained = training.networks[side].get_parameter(weight)
        before = trained.detach().clone()
        training.updates[side](*prepared(training, *batch()))
        changes.append((trained.detach() - before).sign())  # of Adam's first step, all of one length
    assert float((changes[0] != changes[1]).float().mean()) > 0.1
