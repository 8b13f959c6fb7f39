"""What is compared: pairs of losses that two equal networks are trained with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

import gankit as gk

PLAIN = "non-saturating"
PLAIN_DCGAN = "non-saturating, DCGAN's Adam"
PAIRS = "RpGAN + R1 + R2"

Critic: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
Terms: TypeAlias = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What the critic and the generator pay, each a function of the critic, a real batch and a fake one."""

    critic_terms: Callable[[Critic, torch.Tensor, torch.Tensor], Terms]
    generator_terms: Callable[[Critic, torch.Tensor, torch.Tensor], Terms]


def non_saturating() -> Arm:
    """Return the original GAN, with the generator's non-saturating price and no constraint."""
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
