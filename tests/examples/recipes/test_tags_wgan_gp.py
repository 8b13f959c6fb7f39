from unittest import mock

import pytest
import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes import TagsOptions
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._recipe import System
from examples.anime_faces.recipes.tags_wgan_gp import RECIPE, uniform_latents

FACES = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))


def build(*, literal: bool) -> System:
    return RECIPE.build(FACES, TagsOptions(width=4, literal=literal), Hardware(), 10)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(5, 3, 32, 32) * 2 - 1, torch.randint(2, (5, 23)).float()


def norms(system: System) -> list[nn.Module]:
    return [module for module in system.critic.modules() if isinstance(module, nn.BatchNorm2d | nn.GroupNorm)]


def test_settings_are_the_reports() -> None:
    system = RECIPE.build(
        Description(size=64, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False)),
        TagsOptions(),
        Hardware(),
        1,
    )
    assert system.optimizers["critic"].param_groups[0]["betas"] == (0.5, 0.9)
    assert system.optimizers["generator"].param_groups[0]["lr"] == 1e-4
    assert system.schedule(0) == gk.schedules.Round(5)


def test_noise_is_uniform_in_minus_one_to_one() -> None:
    latents = uniform_latents(200)
    assert latents.shape == (200, 100)
    assert -1 <= float(latents.min()) < -0.99
    assert 0.99 < float(latents.max()) <= 1


@pytest.mark.parametrize("literal", [False, True])
def test_one_share_for_each_picture_or_for_the_batch(literal: bool) -> None:
    system = build(literal=literal)
    with mock.patch.object(gk.constraints, "gradient_penalty", wraps=gk.constraints.gradient_penalty) as penalty:
        system.critic_updates(*batch())  # pyright: ignore[reportCallIssue]
    mix = penalty.call_args.kwargs["mix"]
    if literal:
        assert mix.shape == (5, 1, 1, 1)
        assert len(mix.unique()) == 1
    else:
        assert mix is None  # drawn for each picture by gankit


@pytest.mark.parametrize("literal", [False, True])
def test_losses(literal: bool) -> None:
    system = build(literal=literal)
    images, tags = batch()
    system.critic.eval()  # so that batch norm gives the same scores again
    system.generator.eval()
    torch.manual_seed(1)
    fake = system.generator(uniform_latents(5), tags).detach()
    real_scores, fake_scores = system.critic(images, tags).detach(), system.critic(fake, tags).detach()
    torch.manual_seed(1)
    logged = system.critic_updates(images, tags)  # pyright: ignore[reportCallIssue]
    cross_entropy = functional.binary_cross_entropy_with_logits
    if literal:
        expected = cross_entropy(real_scores, torch.ones(5)) + cross_entropy(fake_scores, torch.zeros(5))
    else:
        expected = fake_scores.mean() - real_scores.mean()
    torch.testing.assert_close(logged["score"], expected)
    assert logged["penalty"] > 0


def test_norms_and_the_reuse_of_batches() -> None:
    literal, corrected = build(literal=True), build(literal=False)
    assert literal.repeat == 5
    assert corrected.repeat == 1
    assert {type(norm) for norm in norms(literal)} == {nn.BatchNorm2d}
    assert {type(norm) for norm in norms(corrected)} == {nn.GroupNorm}


def test_the_corrected_critic_treats_pictures_apart() -> None:
    system = build(literal=False)
    images, tags = batch()
    alone = system.critic(images[:1], tags[:1])
    torch.testing.assert_close(system.critic(images, tags)[:1], alone)


def test_the_critic_sees_the_tags() -> None:
    system = build(literal=False)
    images, tags = batch()
    assert not torch.allclose(system.critic(images, tags), system.critic(images, 1 - tags))
