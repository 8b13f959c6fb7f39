from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.systems import Training


def build(*, literal: bool) -> Training:
    return assembled("tags_wgan_gp", FACES, width=4, literal=literal)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(5, 3, 32, 32) * 2 - 1, torch.randint(2, (5, 23)).float()


def norms(training: Training) -> list[nn.Module]:
    return [
        module for module in training.networks["critic"].modules() if isinstance(module, nn.BatchNorm2d | nn.GroupNorm)
    ]


def test_settings_are_the_reports() -> None:
    training = assembled("tags_wgan_gp", replace(FACES, size=64), steps=1)
    assert training.updates["critic"].optimizer.param_groups[0]["betas"] == (0.5, 0.9)
    assert training.updates["generator"].optimizer.param_groups[0]["lr"] == 1e-4
    assert training.system.schedule(0) == gk.schedules.Round(5)


@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize(("critic", "generator", "first"), [(1, 5, False), (1, 5, True), (3, 1, True), (2, 1, False)])
def test_the_ratios_and_orders_of_the_report_are_played(
    critic: int, generator: int, first: bool, literal: bool
) -> None:
    turns: dict[str, Any] = {"critic_steps": critic, "generator_steps": generator, "generator_first": first}
    training = assembled("tags_wgan_gp", FACES, width=2, literal=literal, **turns)
    played: list[str] = []
    for name, update in training.updates.items():
        update.optimizer.register_step_post_hook(lambda *_, name=name: played.append(name))
    training.play(0, iter([batch()] * critic))
    of_both = ["generator"] * generator, ["critic"] * critic
    assert played == [*of_both[not first], *of_both[first]]
    assert training.system.repeat == (critic if literal else 1)


def test_noise_is_uniform_in_minus_one_to_one() -> None:
    draw = build(literal=False).blueprint.latents
    assert draw is not None
    latents = draw(200, rng=None)
    assert latents.shape == (200, 100)
    assert -1 <= float(latents.min()) < -0.99
    assert 0.99 < float(latents.max()) <= 1


@pytest.mark.parametrize("literal", [False, True])
def test_one_share_for_each_picture_or_for_the_batch(literal: bool) -> None:
    training = build(literal=literal)
    with mock.patch.object(gk.constraints, "gradient_penalty", wraps=gk.constraints.gradient_penalty) as penalty:
        training.updates["critic"](*batch())
    mix = penalty.call_args.kwargs.get("mix")
    if literal:
        assert mix is not None
        assert mix.shape == (5, 1, 1, 1)
        assert len(mix.unique()) == 1
    else:
        assert mix is None  # drawn for each picture by gankit


@pytest.mark.parametrize("literal", [False, True])
def test_losses(literal: bool) -> None:
    training = build(literal=literal)
    images, tags = batch()
    training.networks["critic"].eval()  # so that batch norm gives the same scores again
    training.networks["generator"].eval()
    generator, critic = training.networks["generator"], training.networks["critic"]
    torch.manual_seed(1)
    fake = generator(2 * torch.rand(5, 100) - 1, tags).detach()
    real_scores, fake_scores = critic(images, tags).detach(), critic(fake, tags).detach()
    torch.manual_seed(1)
    logged = training.updates["critic"](images, tags)
    cross_entropy = functional.binary_cross_entropy_with_logits
    if literal:
        expected = cross_entropy(real_scores, torch.ones(5)) + cross_entropy(fake_scores, torch.zeros(5))
    else:
        expected = fake_scores.mean() - real_scores.mean()
    torch.testing.assert_close(logged["score"], expected)
    assert logged["penalty"] > 0
    means = {"scores/real": real_scores.mean(), "scores/fake": fake_scores.mean()}
    for name, mean in means.items():
        torch.testing.assert_close(logged[name], mean)
    torch.manual_seed(1)
    scored = training.networks["critic"](
        training.networks["generator"](2 * torch.rand(5, 100) - 1, tags), tags
    ).detach()
    torch.manual_seed(1)
    expected = cross_entropy(scored, torch.ones(5)) if literal else -scored.mean()  # the generator wants high scores
    torch.testing.assert_close(training.updates["generator"](images, tags)["score"], expected)


def test_norms_and_the_reuse_of_batches() -> None:
    literal, corrected = build(literal=True), build(literal=False)
    assert literal.system.repeat == 5
    assert corrected.system.repeat == 1
    assert {type(norm) for norm in norms(literal)} == {nn.BatchNorm2d}
    assert {type(norm) for norm in norms(corrected)} == {nn.GroupNorm}


def test_the_corrected_critic_treats_pictures_apart() -> None:
    training = build(literal=False)
    images, tags = batch()
    alone = training.networks["critic"](images[:1], tags[:1])
    torch.testing.assert_close(training.networks["critic"](images, tags)[:1], alone)


def test_the_critic_sees_the_tags() -> None:
    training = build(literal=False)
    images, tags = batch()
    assert not torch.allclose(training.networks["critic"](images, tags), training.networks["critic"](images, 1 - tags))
