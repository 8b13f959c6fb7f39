"""Report B's DCGAN: its losses against cross-entropy, its tips, and the losses that it writes, which stop teaching."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.dcgan.losses import LinearProbability
from examples.anime_faces.recipes.dcgan.networks import PlainCritic, PlainGenerator
from examples.anime_faces.systems import Training

TIP_6: dict[str, Any] = {"real_low": 0.8, "real_high": 1.2, "fake_low": 0.0, "fake_high": 0.2}
cross_entropy = functional.binary_cross_entropy_with_logits


def build(**options: Any) -> Training:
    return assembled("dcgan", FACES, width=4, batch_size=7, **options)


def scores_of(training: Training, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The scores that the critic's next update has, if the random numbers are those of now."""
    generator, critic = training.networks["generator"], training.networks["critic"]
    with torch.no_grad():
        return critic(images), critic(generator(torch.randn(len(images), 100)))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1


def test_settings_are_the_cards() -> None:
    training = build()
    for update in training.updates.values():
        group = update.optimizer.param_groups[0]
        assert type(update.optimizer) is torch.optim.Adam
        assert (group["lr"], group["betas"]) == (2e-4, (0.5, 0.999))
    assert training.system.schedule(0) == training.system.schedule(7) == gk.schedules.Round(1)
    assert training.system.batch_size == 7
    assert build(critic_steps=3).system.schedule(0) == gk.schedules.Round(3)
    rates = {update.optimizer.param_groups[0]["lr"] for update in build(learning_rate=1e-3).updates.values()}
    assert rates == {1e-3}


@pytest.mark.parametrize("size", [32, 48, 128])
@pytest.mark.parametrize("upsampled", [False, True])
def test_other_sizes(size: int, upsampled: bool) -> None:
    pictures = PlainGenerator(size=size, width=2, upsampled=upsampled)(torch.randn(2, 100))
    assert pictures.shape == (2, 3, size, size)
    assert PlainCritic(size=size, width=2)(pictures).shape == (2,)


@pytest.mark.parametrize("options", [{}, TIP_6, {"real_low": 0.8}, {"real_low": 0.9, "real_high": 0.9}])
def test_the_critic_s_loss_is_cross_entropy_with_labels_of_the_ranges(
    options: dict[str, float], images: torch.Tensor
) -> None:
    training = build(**options)
    torch.manual_seed(1)
    real, fake = scores_of(training, images)
    bounds = {"real_low": 1.0, "real_high": 1.0, "fake_low": 0.0, "fake_high": 0.0} | options
    labels = {}
    for side, usual in (("real", 1.0), ("fake", 0.0)):
        low, high = bounds[f"{side}_low"], bounds[f"{side}_high"]
        drawn = torch.rand(7) if not low == high == usual else torch.zeros(7)
        labels[side] = low + (high - low) * drawn
    torch.manual_seed(1)
    logged = training.updates["critic"](images, None)
    expected = cross_entropy(real, labels["real"]) + cross_entropy(fake, labels["fake"])
    torch.testing.assert_close(logged["score"], expected)
    torch.testing.assert_close(logged["scores/real"], real.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.mean())
    assert float(logged["accuracy/real"]) == pytest.approx(sum(score > 0 for score in real.tolist()) / 7)
    assert float(logged["accuracy/fake"]) == pytest.approx(sum(score < 0 for score in fake.tolist()) / 7)


def test_the_generator_wants_to_be_taken_for_real(images: torch.Tensor) -> None:
    for options, expected in (
        ({}, lambda scores: cross_entropy(scores, torch.ones(7))),
        ({"literal": True}, lambda scores: (1 - scores.sigmoid()).mean()),
        ({"literal": True, "literal_sign": True}, lambda scores: scores.sigmoid().mean()),
    ):
        training = build(**options)
        torch.manual_seed(1)
        _, fake = scores_of(training, images)
        torch.manual_seed(1)
        torch.testing.assert_close(training.updates["generator"](images, None)["score"], expected(fake))


def test_only_labels_above_one_deserve_a_note() -> None:
    assert build(real_low=0.8).system.note == ""
    assert "labels above 1 have no smallest loss" in build(**TIP_6).system.note
    assert "(--real-high 1 is safe)" in build(fake_high=1.1).system.note


def test_literal_losses_are_the_report_s_without_logarithms(images: torch.Tensor) -> None:
    training = build(literal=True)
    torch.manual_seed(1)
    real, fake = scores_of(training, images)
    torch.manual_seed(1)
    maximized = real.sigmoid().mean() + (1 - fake.sigmoid()).mean()
    torch.testing.assert_close(training.updates["critic"](images, None)["score"], 2 - maximized)


def slopes(objective: gk.losses.Objective, score: float) -> tuple[float, float, float]:
    """Of the costs of a real score, a fake one, and the generator's."""
    scores = torch.tensor(score, requires_grad=True)
    costs = (objective.real(scores), objective.fake(scores), objective.generator(scores))
    return tuple(float(torch.autograd.grad(cost, scores)[0]) for cost in costs)  # pyright: ignore[reportReturnType]


def test_without_logarithms_the_critic_learns_nothing_where_it_is_surely_wrong() -> None:
    literal, logistic = LinearProbability(), gk.losses.Logistic()
    sure = 1 / (1 + math.exp(-6))
    slow = pytest.approx(sure * (1 - sure), rel=1e-3)  # 0.0025
    fast = pytest.approx(sure, rel=1e-3)  # 0.9975
    # A generated picture that the critic takes for real, and a real one that it takes for generated.
    assert slopes(literal, 6.0)[1] == slow
    assert slopes(logistic, 6.0)[1] == fast
    assert -slopes(literal, -6.0)[0] == slow
    assert -slopes(logistic, -6.0)[0] == fast
    # The generator is stuck as well where its pictures are surely recognized.
    assert -slopes(literal, -6.0)[2] == slow
    assert -slopes(logistic, -6.0)[2] == fast


@pytest.mark.parametrize(("objective", "recovers"), [(gk.losses.Logistic(), True), (LinearProbability(), False)])
def test_a_critic_that_is_surely_wrong_recovers_only_with_logarithms(
    objective: gk.losses.Objective, recovers: bool
) -> None:
    """Eight generated pictures have the score 8 at first, and gradient descent with a rate of 0.1 lowers it."""
    scores = torch.full((8,), 8.0, requires_grad=True)
    for _ in range(200):
        (slope,) = torch.autograd.grad(objective.fake(scores).sum(), scores)
        with torch.no_grad():
            scores -= 0.1 * slope
    assert bool((scores < 0).all()) == recovers
    if not recovers:
        assert bool((scores > 7.99).all())


def test_with_the_report_s_sign_the_generator_helps_the_critic() -> None:
    for score in (-2.0, 0.0, 3.0):
        _, of_critic, of_generator = slopes(LinearProbability(reversed_sign=True), score)
        assert of_generator == of_critic > 0  # both lower the score
        assert slopes(LinearProbability(), score)[2] == pytest.approx(-of_critic, rel=1e-5)


@pytest.mark.parametrize("activation", ["relu", "leaky"])
def test_relu_does_not_make_new_pictures_bright(activation: str) -> None:
    """The report explains brighter pictures by values of ReLU above 0, but the last convolution has weights of both signs."""
    for seed in range(3):
        torch.manual_seed(seed)
        pictures = build(generator_activation=activation).networks["generator"](torch.randn(64, 100))
        assert 0.3 < float((pictures < 0).float().mean()) < 0.7


def blocks_of(training: Training) -> list[gk.blocks.ConvolutionBlock]:
    modules = training.networks["generator"].modules()
    return [block for block in modules if isinstance(block, gk.blocks.ConvolutionBlock)]


def test_dropout_is_in_three_blocks_between_norm_and_activation() -> None:
    for options, names in (
        ({"dropout": 0.5}, ["AlwaysOnDropout"] * 3 + ["Identity"]),
        ({"dropout": 0.5, "dropout_when_sampling": False}, ["Dropout"] * 3 + ["Identity"]),
        ({}, ["Identity"] * 4),
    ):
        assert [type(block.dropout).__name__ for block in blocks_of(build(**options))] == names
    for block in blocks_of(build(dropout=0.25))[:3]:
        assert isinstance(block.dropout, gk.blocks.AlwaysOnDropout)
        assert block.dropout.probability == 0.25
        assert [step.name for step in block.order] == ["CONVOLUTION", "NORM", "DROPOUT", "ACTIVATION"]
    large = assembled("dcgan", replace(FACES, size=64), width=2, dropout=0.5)
    assert [type(block.dropout).__name__ for block in blocks_of(large)] == ["AlwaysOnDropout"] * 3 + ["Identity"] * 2


@pytest.mark.parametrize("always", [True, False])
def test_dropout_when_sampling(always: bool) -> None:
    generator = build(dropout=0.5, dropout_when_sampling=always).networks["generator"].eval()
    latents = torch.randn(2, 100)
    assert torch.equal(generator(latents), generator(latents)) == (not always)
    assert not torch.equal(generator.train()(latents), generator(latents))
