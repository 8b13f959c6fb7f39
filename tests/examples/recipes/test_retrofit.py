"""Report E's networks with R1, an average by half-life, and adaptive augmentation: every number of the source."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

from examples.anime_faces.recipes.acgan.networks import AcganCritic, AcganGenerator
from examples.anime_faces.recipes.retrofit import augmentation
from examples.anime_faces.recipes.retrofit.augmentation import AdaptiveAugmentation
from examples.anime_faces.recipes.retrofit.options import Options
from examples.anime_faces.systems import Training


def build(**options: Any) -> Training:
    return assembled("retrofit", FACES, width=4, batch_size=8, **options)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    return torch.rand(8, 3, 32, 32, generator=rng) * 2 - 1, torch.randint(11, (8, 2), generator=rng)


def part_of(training: Training) -> AdaptiveAugmentation:
    part = training.system.parts["augmentation"]
    assert isinstance(part, AdaptiveAugmentation)
    return part


def test_the_networks_are_report_e_s_and_the_norms_of_the_critic_an_option() -> None:
    large = assembled("retrofit", replace(FACES, size=64))
    generator, critic = large.networks["generator"], large.networks["critic"]
    assert isinstance(generator, AcganGenerator)
    assert isinstance(critic, AcganCritic)
    assert generator.in_features == 116
    assert critic.score.in_features == 8192
    assert large.system.batch_size == 64
    for norm, kind in (("layer", nn.GroupNorm), ("batch", nn.BatchNorm2d), ("none", nn.Identity)):
        layers = build(critic_norm=norm).networks["critic"].get_submodule("layers")
        assert [type(layer) for layer in layers.children()][3::3] == [kind, kind]
    norms = [layer for layer in critic.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert [(norm.num_features, norm.eps, norm.momentum) for norm in norms] == [(n, 1e-3, 0.5) for n in (128, 256, 512)]
    norms = [
        layer for layer in build(critic_norm="layer").networks["critic"].modules() if isinstance(layer, nn.GroupNorm)
    ]
    assert [(norm.num_groups, norm.num_channels) for norm in norms] == [(1, 8), (1, 16)]


def test_optimizers_are_corrected_for_the_steps_of_r1() -> None:
    groups = {name: update.optimizer.param_groups[0] for name, update in build().updates.items()}
    assert groups["critic/main"] is groups["critic/penalty"]
    assert groups["critic/main"]["lr"] == pytest.approx(2e-4 * 16 / 17)
    assert groups["critic/main"]["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))
    assert (groups["generator"]["lr"], groups["generator"]["betas"]) == (2e-4, (0.0, 0.99))
    for options in ({"penalty_every": 4}, {"penalty_every": 4, "penalty_weight": 0.0}):
        share = 4 / 5 if "penalty_weight" not in options else 1
        group = build(**options).updates["critic/main"].optimizer.param_groups[0]
        assert group["lr"] == pytest.approx(2e-4 * share)
        assert group["betas"] == pytest.approx((0.0, 0.99**share))


def test_r1_comes_in_a_step_of_its_own_at_every_sixteenth_round() -> None:
    training, never = build(), build(penalty_weight=0.0)
    for step in range(18):
        logged = training.play(step, iter([batch()]))
        assert ("critic/penalty/R1" in logged) == (step in (0, 16))
        assert "critic/main/score" in logged
        assert "critic/penalty/R1" not in never.play(step, iter([batch()]))
    assert [training.updates[name].updates for name in ("critic/main", "critic/penalty", "generator")] == [18, 2, 18]


@pytest.mark.parametrize(
    ("options", "gamma", "every"),
    [({}, 0.0002 * 32 * 32 / 8, 16), ({"penalty_weight": 3.0, "penalty_every": 5}, 3.0, 5)],
)
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_the_penalty_is_r1_with_gamma_by_size_and_batch(
    options: dict[str, Any], gamma: float, every: int, norm: str
) -> None:
    training, (images, labels) = build(critic_norm=norm, **options), batch()
    points = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(training.networks["critic"](points).scores.sum(), points)
    expected = gamma / 2 * every * slope.flatten(1).square().sum(1).mean()
    torch.testing.assert_close(training.updates["critic/penalty"](images, labels)["R1"], expected, rtol=1e-4, atol=0.0)
    assert expected > 0


def test_gamma_of_the_source() -> None:
    assert Options(batch_size=64).penalty_weight_for(64) == pytest.approx(0.0128)
    assert Options(batch_size=32, penalty_weight=0.5).penalty_weight_for(64) == 0.5


def test_r1_is_taken_through_the_changes_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """With respect to the picture before it is changed: where everything is cut out, the gradient is 0."""
    monkeypatch.setattr(augmentation, "CHANGES", lambda images, *, strength: images * strength)
    training, (images, labels) = build(), batch()
    assert training.updates["critic/penalty"](images, labels)["R1"] == 0
    part_of(training).probability.fill_(0.5)
    points = (0.5 * images).requires_grad_()
    (slope,) = torch.autograd.grad(training.networks["critic"](points).scores.sum(), points)
    expected = 0.5 * 0.0002 * 32 * 32 / 8 * 16 * (0.5 * slope).flatten(1).square().sum(1).mean()
    torch.testing.assert_close(training.updates["critic/penalty"](images, labels)["R1"], expected, rtol=1e-4, atol=0.0)
    assert expected > 0


def expected_output(training: Training, images: torch.Tensor, labels: torch.Tensor) -> Any:
    with torch.no_grad():
        critic = training.networks["critic"]
        return critic(images), critic(training.networks["generator"](torch.randn(8, 100), labels))


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, (1.4, 0.8, 0.0, 1.0)),
        (
            {"score_weight": 2.0, "class_weight": 0.5, "fake_class_weight": 0.25, "generator_class_weight": 3.0},
            (2.0, 0.5, 0.25, 3.0),
        ),
    ],
)
def test_losses_and_their_weights(options: dict[str, float], weights: tuple[float, float, float, float]) -> None:
    training, (images, labels) = build(augmentation=False, **options), batch()
    score, classes, of_fakes, of_generator = weights
    torch.manual_seed(4)
    real, fake = expected_output(training, images, labels)
    torch.manual_seed(4)
    logged = training.updates["critic/main"](images, labels)
    softplus = functional.softplus
    torch.testing.assert_close(logged["score"], score * (softplus(-real.scores).mean() + softplus(fake.scores).mean()))
    torch.testing.assert_close(logged["scores/real"], real.scores.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.scores.mean())
    for index, name in enumerate(("hair", "eyes")):
        cost = functional.cross_entropy(real.classes[index], labels[:, index])
        torch.testing.assert_close(logged[name], classes * cost)
        assert (f"fake {name}" in logged) == bool(of_fakes)
        if of_fakes:
            cost = functional.cross_entropy(fake.classes[index], labels[:, index])
            torch.testing.assert_close(logged[f"fake {name}"], of_fakes * cost)
    torch.manual_seed(4)
    _, fake = expected_output(training, images, labels)
    torch.manual_seed(4)
    logged = training.updates["generator"](images, labels)
    torch.testing.assert_close(logged["score"], softplus(-fake.scores).mean())
    for index, name in enumerate(("hair", "eyes")):
        cost = functional.cross_entropy(fake.classes[index], labels[:, index])
        torch.testing.assert_close(logged[name], of_generator * cost)


def test_the_average_has_the_half_life_of_the_source() -> None:
    training = assembled("retrofit", FACES, width=2)
    decay = training.system.average_decay
    assert decay is not None
    # 64 * 10 / 32 = 20 thousand pictures, reached after 400,000 pictures: 6,250 rounds.
    assert decay(6_250) == decay(10**6) == pytest.approx(0.5 ** (64 / 20_000))
    assert decay(3_125) == pytest.approx(0.5 ** (64 / 10_000))
    assert decay(0) == 0
    average = training.averages["generator"]
    assert not average.warmup
    training.play(0, iter([batch()]))
    assert all(map(torch.equal, average.network.parameters(), training.networks["generator"].parameters()))
    training.play(3_125, iter([batch()]))
    assert average.decay == decay(3_125)
