"""R3GAN: paired losses with R1 and R2, numbers that follow one cosine, and the networks for any labels."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled, prepared
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.recipes.r3gan.networks import SummedLabels, networks, widths_of
from examples.anime_faces.recipes.r3gan.options import Options
from examples.anime_faces.recipes.r3gan.plan import Plan
from examples.anime_faces.systems import Description, Training

MOOD = (Attribute("mood", ("calm", "glad", "sad")),)


def build(**options: Any) -> Training:
    """A small system whose critic is curved: new bottlenecks do nothing."""
    training = assembled("r3gan", FACES, **{"width": 8, "blocks": 1, "batch_size": 5, "augmentation": 0.0, **options})
    with torch.no_grad():
        for network in training.networks.values():
            for parameter in network.parameters():
                parameter.add_(0.2 * torch.randn(parameter.shape))
    return training


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    return torch.rand(5, 3, 32, 32, generator=rng) * 2 - 1, torch.randint(11, (5, 2), generator=rng)


def squared_slope(training: Training, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    points = images.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(training.networks["critic"](points, labels).sum(), points)
    return slope.square().sum((1, 2, 3)).mean()


def drawn(training: Training, labels: torch.Tensor) -> torch.Tensor:
    """What the next update draws, if the random numbers are those of now."""
    with torch.no_grad():
        return training.networks["generator"](torch.randn(len(labels), 64), labels)


@pytest.mark.parametrize("weight", [2.0, 0.5])
def test_the_critic_compares_pairs_and_is_penalized_at_both(
    weight: float, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    training, (images, labels) = build(penalty_weight=weight), batch
    training.system.plan(5)  # of 10: halfway
    gamma = weight * 0.55
    torch.manual_seed(1)
    fakes = drawn(training, labels)
    critic = training.networks["critic"]
    with torch.no_grad():
        real, fake = critic(images, labels), critic(fakes, labels)
    r1, r2 = squared_slope(training, images, labels), squared_slope(training, fakes, labels)
    torch.manual_seed(1)
    logged = training.updates["critic"](images, labels)
    assert list(logged) == [
        "score",
        "r1",
        "r2",
        "scores/real",
        "scores/fake",
        "accuracy/real",
        "accuracy/fake",
        "plan/gamma",
    ]
    torch.testing.assert_close(logged["score"], functional.softplus(fake - real).mean())
    torch.testing.assert_close(logged["r1"], gamma / 2 * r1)
    torch.testing.assert_close(logged["r2"], gamma / 2 * r2)
    torch.testing.assert_close(logged["scores/real"], real.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.mean())
    assert float(logged["plan/gamma"]) == pytest.approx(gamma)
    assert not images.requires_grad


def test_the_generator_wants_the_higher_score_of_each_pair(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    training, (images, labels) = build(), batch
    torch.manual_seed(1)
    fakes = drawn(training, labels)
    with torch.no_grad():
        critic = training.networks["critic"]
        expected = functional.softplus(critic(images, labels) - critic(fakes, labels)).mean()
    torch.manual_seed(1)
    torch.testing.assert_close(training.updates["generator"](images, labels), {"score": expected})


def test_both_of_a_pair_have_the_same_labels(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    training = build()
    seen: list[tuple[str, torch.Tensor]] = []
    for name, network in training.networks.items():
        network.register_forward_hook(lambda _module, inputs, _output, name=name: seen.append((name, inputs[1])))
    training.play(0, iter([batch]))
    assert [name for name, _ in seen] == ["generator", "critic", "critic", "critic", "generator", "critic"]
    assert all(torch.equal(labels, batch[1]) for _, labels in seen)


def test_the_numbers_of_the_paper_follow_a_cosine() -> None:
    options = Options()
    assert (options.learning_rate, options.penalty_weight, options.augmentation) == (2e-4, 2.0, 0.3)
    assert options.average_half_life == 500_000 / 20_000_000
    plan = Plan(options=replace(options, horizon=0.5), steps=2000)
    for step, share in ((0, 0.0), (250, 0.14644661), (500, 0.5), (1000, 1.0), (1999, 1.0)):
        assert plan.learning_rate(step) == pytest.approx(2e-4 + share * (5e-5 - 2e-4))
        assert plan.betas(step) == pytest.approx((0.0, 0.9 + share * 0.09))
        assert plan.penalty_weight(step) == pytest.approx(2 + share * (0.2 - 2))
        assert plan.augmentation(step) == pytest.approx(share * 0.3)
        half_life = share * 25  # 0.025 of 1000 steps
        assert plan.average_decay(step) == pytest.approx(0.5 ** (1 / half_life) if half_life else 0.0)
    assert Plan(options=replace(options, horizon=0.0), steps=9).learning_rate(0) == pytest.approx(5e-5)
    never = replace(options, average_half_life=0.0)
    assert Plan(options=never, steps=9).average_decay(9) == 0.0


def test_the_plan_reaches_optimizers_penalty_and_average(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    training = build(average_half_life=0.4)  # 4 steps at last
    assert training.system.batch_size == 5
    assert training.system.schedule(0) == gk.schedules.Round(1)
    gammas: list[float] = []
    for step, rate, beta, decay in (
        (0, 2e-4, 0.9, 0.0),
        (5, 1.25e-4, 0.945, 0.5 ** (1 / 2)),
        (10, 5e-5, 0.99, 0.5 ** (1 / 4)),
    ):
        before = training.averages["generator"].network.state_dict()["stem.weight"].clone()
        gammas.append(float(training.play(step, iter([batch]))["plan/gamma"]))
        for update in training.updates.values():
            assert type(update.optimizer) is torch.optim.Adam
            group = update.optimizer.param_groups[0]
            assert group["lr"] == pytest.approx(rate)
            assert group["betas"] == pytest.approx((0.0, beta))
        now = training.networks["generator"].state_dict()["stem.weight"]
        after = training.averages["generator"].network.state_dict()["stem.weight"]
        torch.testing.assert_close(after, decay * before + (1 - decay) * now)
    assert gammas == pytest.approx([2.0, 1.1, 0.2])


def test_augmentation_grows_and_the_penalty_is_that_of_pictures_before_it(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    images, labels = batch
    training = build(augmentation=1.0)
    changes = gk.augment.Composed(parts=(gk.augment.GeometricTransformation(), gk.augment.Cutout()))
    critic = training.networks["critic"]
    seen: list[torch.Tensor] = []
    critic.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].detach()))
    training.system.plan(0)
    training.updates["critic"](images, labels)
    torch.testing.assert_close(seen[0], images)
    training.system.plan(10)
    torch.manual_seed(1)
    fakes = drawn(training, labels)
    draws = [torch.rand(5, changes.numbers) for _ in range(2)]
    expected = [changes(one, draw=draw) for one, draw in zip((images, fakes), draws, strict=True)]
    slopes: list[torch.Tensor] = []
    for one, draw in zip((images, fakes), draws, strict=True):
        points = one.clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(changes(points, draw=draw), labels).sum(), points)
        slopes.append(slope.square().sum((1, 2, 3)).mean())
    seen.clear()
    torch.manual_seed(1)
    logged = training.updates["critic"](images, labels)
    for found, wanted in zip(seen, expected, strict=True):
        torch.testing.assert_close(found, wanted)
        assert not torch.equal(found, images)
    for name, slope in zip(("r1", "r2"), slopes, strict=True):
        torch.testing.assert_close(logged[name], 0.1 * slope)  # gamma is 0.2 at last
    seen.clear()
    torch.manual_seed(1)
    training.updates["generator"](images, labels)
    assert len(seen) == 2
    assert not torch.equal(seen[0], images)


def test_half_of_the_real_pictures_are_mirrored_by_default(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    images = torch.cat([batch[0]] * 40)
    shown, labels = prepared(build(), images, None)
    assert labels is None
    assert shown is not None
    turned = [torch.equal(one, own.flip(2)) for one, own in zip(shown, images, strict=True)]
    same = [torch.equal(one, own) for one, own in zip(shown, images, strict=True)]
    assert all(a != b for a, b in zip(turned, same, strict=True))
    assert 60 < sum(turned) < 140
    plain, _ = prepared(build(mirrored=False), images, None)
    assert plain is not None
    assert torch.equal(plain, images)


@pytest.mark.parametrize(
    ("size", "width", "widths"),
    [
        (16, 768, (768,) * 3),
        (32, 768, (768,) * 4),  # the authors' settings for CIFAR-10
        (64, 768, (768, 768, 768, 768, 384)),  # and for faces
        (128, 768, (768, 768, 768, 768, 384, 192)),
        (96, 32, (32, 32, 32, 32, 16)),
    ],
)
def test_widths_are_those_of_the_program(size: int, width: int, widths: tuple[int, ...]) -> None:
    assert widths_of(size, Options(width=width)) == widths


def test_the_networks_are_the_program_s_with_labels_as_sums() -> None:
    options = Options(width=32, blocks=3, group_channels=8)
    blueprint = networks(replace(FACES, size=64), options)
    generator, critic = (blueprint.makers[name]() for name in ("generator", "critic"))
    assert isinstance(generator, gk.networks.R3GANGenerator)
    assert isinstance(critic, gk.networks.R3GANCritic)
    assert generator.latent_features == 64
    assert generator.stem.in_features == 64 + 64
    assert critic.score.out_features == 32  # the length of the critic's vector of labels is that of its last stage
    for network in (generator, critic):
        bottlenecks = [one for one in network.modules() if isinstance(one, gk.blocks.BottleneckBlock)]
        assert sorted(one.channels for one in bottlenecks) == [16] * 3 + [32] * 12
        assert {one.conv2.groups for one in bottlenecks} == {4, 8}
        assert {one.conv1.out_channels // one.channels for one in bottlenecks} == {2}
    for size, width, groups in ((32, 4, {1}), (32, 8, {1}), (64, 8, {1, 2}), (64, 32, {2, 4})):
        narrow = networks(replace(FACES, size=size), Options(width=width)).makers["critic"]()
        layers = [one for one in narrow.modules() if isinstance(one, gk.blocks.BottleneckBlock)]
        assert {one.conv2.groups for one in layers} == groups
    assert find_recipe("r3gan").steps == 20_000
    usual = Options()
    assert (usual.blocks, usual.group_channels) == (2, 16)
    assert (usual.width, usual.batch_size, usual.horizon, usual.mirrored) == (32, 16, 1.0, True)


def test_labels_are_sums_of_vectors_drawn_small() -> None:
    torch.manual_seed(0)
    embedder = SummedLabels((12, 11), 4000)
    table = embedder.vectors.weight
    torch.testing.assert_close(
        embedder(torch.tensor([[3, 0], [11, 10]])),
        torch.stack([table[:, 3] + table[:, 12], table[:, 11] + table[:, 22]]),
    )
    assert float(table.detach().std()) == pytest.approx(23**-0.5, rel=0.02)
    assert embedder.out_features == 4000


@pytest.mark.parametrize(("attributes", "incomplete"), [((), ()), (MOOD, (True,)), (MOOD, (False,))])
@pytest.mark.parametrize("size", [32, 48])
def test_trains_with_any_labels_and_any_size(
    attributes: tuple[Attribute, ...], incomplete: tuple[bool, ...], size: int
) -> None:
    description = Description(size=size, kind="table", attributes=attributes, incomplete=incomplete)
    training = assembled("r3gan", description, width=8, blocks=1, batch_size=3)
    labels = torch.tensor([[0], [2], [3 if incomplete[0] else 1]]) if attributes else None
    logged = training.play(0, iter([(torch.rand(3, 3, size, size) * 2 - 1, labels)]))
    assert all(bool(torch.isfinite(value)) for value in logged.values())
    assert training.blueprint.latents is not None
    latents = training.blueprint.latents(3, rng=None)
    assert latents.shape == (3, 64)
    pictures = training.blueprint.draw(training.networks, 30 * latents, labels)
    assert pictures.shape == (3, 3, size, size)
    assert float(pictures.detach().abs().max()) == 1  # the generator's own are not bounded


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        (
            32,
            {"width": 12},
            r"--width must be a multiple of 8 for pictures of 32x32 with --group-channels 16, .* is 12",
        ),
        (
            64,
            {"width": 24},
            r"--width must be a multiple of 16 for pictures of 64x64 with --group-channels 16, .* is 24",
        ),
        (64, {"width": 3}, "--width must be a multiple of 2 for pictures of 64x64 with --group-channels 16, .* is 3"),
        (128, {"width": 9, "group_channels": 3}, "--width must be a multiple of 12 for pictures of 128x128"),
    ],
)
def test_widths_that_groups_do_not_divide_are_refused(size: int, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        networks(replace(FACES, size=size), Options(**options))


def test_a_new_generator_has_labels_that_act() -> None:
    training = assembled("r3gan", FACES, width=8)
    generator = training.networks["generator"]
    assert isinstance(generator, nn.Module)
    latents = torch.randn(1, 64).expand(2, -1)
    red, blue = generator(latents, torch.tensor([[0, 0], [8, 0]]))
    assert not torch.equal(red, blue)
