"""Report B's WGAN: who is optimized how, when weights are clipped, and its two losses."""

from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled
from torch.nn import functional

import gankit as gk
from examples.anime_faces.systems import Training


def build(**options: Any) -> Training:
    return assembled("wgan_clip", FACES, width=4, batch_size=7, **options)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1


def largest(training: Training) -> float:
    return max(float(parameter.detach().abs().max()) for parameter in training.networks["critic"].parameters())


def test_only_the_critic_s_optimizer_is_rmsprop() -> None:
    updates = build().updates
    critic, generator = updates["critic"].optimizer, updates["generator"].optimizer
    assert type(critic) is torch.optim.RMSprop
    assert critic.param_groups[0]["lr"] == 5e-5
    assert critic.param_groups[0]["alpha"] == 0.99
    assert type(generator) is torch.optim.Adam
    assert (generator.param_groups[0]["lr"], generator.param_groups[0]["betas"]) == (2e-4, (0.5, 0.999))
    other = build(critic_learning_rate=1e-3, generator_learning_rate=1e-2).updates
    assert [other[name].optimizer.param_groups[0]["lr"] for name in ("critic", "generator")] == [1e-3, 1e-2]


def test_three_critic_updates_come_first_in_a_round(images: torch.Tensor) -> None:
    training = build()
    assert training.system.schedule(0) == training.system.schedule(9) == gk.schedules.Round(3)
    assert build(critic_steps=5).system.schedule(0) == gk.schedules.Round(5)
    trained: list[str] = []
    for name, update in training.updates.items():
        update.optimizer.register_step_post_hook(lambda *_, name=name: trained.append(name))
    training.play(0, iter([(images, None)] * 3))
    assert trained == ["critic", "critic", "critic", "generator"]


@pytest.mark.parametrize("literal", [False, True])
def test_weights_are_clipped_before_each_critic_update_or_after(literal: bool, images: torch.Tensor) -> None:
    """The largest weight when the critic scores, in three updates with its step after each, and at the end of the round."""
    for after in (False, True):
        training = build(literal=literal, clip_after=after, critic_learning_rate=1e-3)
        scored: list[float] = []
        training.networks["critic"].register_forward_pre_hook(lambda *_, t=training, s=scored: s.append(largest(t)))
        training.play(0, iter([(images, None)] * 3))
        *in_critic_updates, in_generator_update = scored
        assert len(in_critic_updates) == 6
        if after:
            assert in_critic_updates[0] > 0.9  # gains of norms start at 1
            assert max(in_critic_updates[2:]) <= 0.01
            assert in_generator_update <= 0.01
        else:
            assert max(in_critic_updates) <= 0.01
            # One step, of a tenth at most of the first one's ten learning rates, has moved it past the bound.
            assert 0.01 < in_generator_update < 0.01 + 1e-2
        assert largest(training) == in_generator_update


def test_every_weight_is_clipped_and_norms_may_be_left_out(images: torch.Tensor) -> None:
    training = build(clip=0.003, clip_after=True)
    training.play(0, iter([(images, None)] * 3))
    assert largest(training) == pytest.approx(0.003)
    spared = build(clip=0.003, clip_after=True, clip_norms=False)
    spared.play(0, iter([(images, None)] * 3))
    critic = spared.networks["critic"]
    gains = [name for name, one in critic.named_parameters() if float(one.detach().abs().max()) > 0.0031]
    assert gains == [name for name, _ in critic.named_parameters() if name.endswith("norm.weight")]


@pytest.mark.parametrize("literal", [False, True])
def test_losses(literal: bool, images: torch.Tensor) -> None:
    training = build(literal=literal)
    generator, critic = training.networks["generator"], training.networks["critic"]
    gk.constraints.clip_weights_(critic, 0.01)
    torch.manual_seed(1)
    with torch.no_grad():
        real, fake = critic(images), critic(generator(torch.randn(7, 100)))
    torch.manual_seed(1)
    logged = training.updates["critic"](images, None)
    entropy = functional.binary_cross_entropy_with_logits
    if literal:
        expected = entropy(real, torch.ones(7)) + entropy(fake, torch.zeros(7))
        border = torch.zeros(())
    else:
        expected = fake.mean() - real.mean()
        border = (real.mean() + fake.mean()) / 2  # Wasserstein's loss leaves open where all scores lie
    torch.testing.assert_close(logged["accuracy/real"], (real > border).float().mean())
    torch.testing.assert_close(logged["accuracy/fake"], (fake < border).float().mean())
    torch.testing.assert_close(logged["score"], expected)
    torch.testing.assert_close(logged["scores/real"], real.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.mean())
    torch.manual_seed(1)
    with torch.no_grad():
        fake = critic(generator(torch.randn(7, 100)))
    torch.manual_seed(1)
    expected = entropy(fake, torch.ones(7)) if literal else -fake.mean()
    torch.testing.assert_close(training.updates["generator"](images, None)["score"], expected)
