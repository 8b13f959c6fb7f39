"""Training of a toy: the losses that are compared, and one critic and one generator step in turn."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import torch
from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LinearLR

import gankit as gk

PLAIN = "non-saturating"
PLAIN_DCGAN = "non-saturating, DCGAN's Adam"
PAIRS = "RpGAN + R1 + R2"

Critic: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
Terms: TypeAlias = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The terms of the critic and of the generator, each a function of the critic, a real batch and a fake one."""

    critic_terms: Callable[[Critic, torch.Tensor, torch.Tensor], Terms]
    generator_terms: Callable[[Critic, torch.Tensor, torch.Tensor], Terms]


def non_saturating() -> Arm:
    """Return the original GAN, with the generator's non-saturating loss and no constraint."""
    objective = gk.losses.Logistic()

    def critic_terms(critic: Critic, real: torch.Tensor, fake: torch.Tensor) -> Terms:
        return {"loss": gk.losses.critic_loss(objective, critic(real), critic(fake))}

    def generator_terms(critic: Critic, _: torch.Tensor, fake: torch.Tensor) -> Terms:
        return {"loss": gk.losses.generator_loss(objective, critic(fake))}

    return Arm(critic_terms=critic_terms, generator_terms=generator_terms)


def regularized_pairs(*, gamma: float) -> Arm:
    """Return R3GAN's losses: relativistic pairs with zero-centered penalties on real (R1) and on generated samples (R2).

    Huang et al. 2024, "The GAN is dead; long live the GAN!", equations 2 and 5, with ``gamma / 2`` before each penalty.
    """
    objective = gk.losses.Logistic()

    def critic_terms(critic: Critic, real: torch.Tensor, fake: torch.Tensor) -> Terms:
        # One pass serves both batches, the loss and both penalties: the critic treats samples apart.
        points = torch.cat([real, fake]).requires_grad_()
        scores = critic(points)
        real_scores, fake_scores = scores.chunk(2)
        gradient = gk.constraints.score_gradient(scores, points)
        both_penalties = 2 * gradient.flatten(1).square().sum(1).mean()
        return {
            "loss": gk.losses.paired_critic_loss(objective, real_scores, fake_scores),
            "penalty": 0.5 * gamma * both_penalties,
        }

    def generator_terms(critic: Critic, real: torch.Tensor, fake: torch.Tensor) -> Terms:
        with torch.no_grad():
            real_scores = critic(real)
        return {"loss": gk.losses.paired_generator_loss(objective, real_scores, critic(fake))}

    return Arm(critic_terms=critic_terms, generator_terms=generator_terms)


def sampling_arms(*, gamma: float) -> dict[str, Arm]:
    """Return what the toys that draw samples compare, by name; one of them differs by its optimizer alone."""
    return {PLAIN: non_saturating(), PLAIN_DCGAN: non_saturating(), PAIRS: regularized_pairs(gamma=gamma)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How long and how fast.

    Attributes:
        steps: Rounds, each with one step of the critic and one of the generator.
        batch: Samples in a batch.
        learning_rate: Adam's at the first step, for both networks; it falls linearly to 0.
        betas: Adam's.
        decay: Of the average of the generator's weights.
    """

    steps: int
    batch: int = 128
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.0, 0.99)
    decay: float = 0.999

    def of(self, arm: str) -> "Course":
        """Return how an arm is trained: all in the same way, except that one has the optimizer settings of DCGAN.

        Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional GANs", section 4.
        """
        return replace(self, learning_rate=2e-4, betas=(0.5, 0.999)) if arm == PLAIN_DCGAN else self


def train(
    arm: Arm,
    course: Course,
    *,
    generator: nn.Module,
    critic: nn.Module,
    draw_real: Callable[[int], torch.Tensor],
    draw_latents: Callable[[int], torch.Tensor],
) -> nn.Module:
    """Train both networks and return the generator of averaged weights.

    Both steps of a round share one real and one fake batch; the critic's step comes first.
    """
    critic_optimizer, generator_optimizer = (
        Adam(network.parameters(), lr=course.learning_rate, betas=course.betas, fused=True)
        for network in (critic, generator)
    )
    rates = [LinearLR(each, 1.0, 0.0, total_iters=course.steps) for each in (critic_optimizer, generator_optimizer)]
    train_critic = gk.training.Update(critic_optimizer, partial(arm.critic_terms, critic))
    train_generator = gk.training.Update(generator_optimizer, partial(arm.generator_terms, critic), frozen=[critic])
    average = gk.training.WeightAverage(generator, decay=course.decay)
    for _ in range(course.steps):
        real, fake = draw_real(course.batch), generator(draw_latents(course.batch))
        train_critic(real, fake.detach())
        train_generator(real, fake)
        average.update()
        for rate in rates:
            rate.step()
    return average.network
