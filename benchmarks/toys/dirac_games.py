"""The games of Dirac-GAN: gankit's terms, and the same in formulas."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

import gankit as gk
from benchmarks.toys.arms import Arm, Critic, Terms, non_saturating, regularized_pairs
from benchmarks.toys.dirac_theory import (
    Theory,
    gradient_penalty_theory,
    non_saturating_theory,
    saturating_theory,
    wasserstein_theory,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One game, twice.

    Attributes:
        arm: What gankit's losses and penalties make of it.
        theory: The published formulas.
        bound: Where given, the critic's weight is clipped.
        converges: What the paper proves; None where it proves neither for these steps.
    """

    arm: Arm
    theory: Theory
    bound: float | None = None
    converges: bool | None = None


def unpaired(
    objective: gk.losses.Objective, penalty: Callable[[Critic, torch.Tensor, torch.Tensor], torch.Tensor] | None = None
) -> Arm:
    """Return the plain losses of an objective, with a weighted penalty of the critic, real and fake samples."""

    def critic_terms(critic: Critic, real: torch.Tensor, fake: torch.Tensor) -> Terms:
        terms = {"loss": gk.losses.critic_loss(objective, critic(real), critic(fake))}
        if penalty is not None:
            terms["penalty"] = penalty(critic, real, fake)
        return terms

    def generator_terms(critic: Critic, _: torch.Tensor, fake: torch.Tensor) -> Terms:
        return {"loss": gk.losses.generator_loss(objective, critic(fake))}

    return Arm(critic_terms=critic_terms, generator_terms=generator_terms)


def _r1(gamma: float) -> Callable[[Critic, torch.Tensor, torch.Tensor], torch.Tensor]:
    return lambda critic, real, _: 0.5 * gamma * gk.constraints.zero_centered_penalty(critic, real)


def _r1_and_r2(gamma: float) -> Callable[[Critic, torch.Tensor, torch.Tensor], torch.Tensor]:
    def penalty(critic: Critic, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        zero_centered = gk.constraints.zero_centered_penalty
        return 0.5 * gamma * (zero_centered(critic, real) + zero_centered(critic, fake))

    return penalty


def _to_target(weight: float, target: float) -> Callable[[Critic, torch.Tensor, torch.Tensor], torch.Tensor]:
    def penalty(critic: Critic, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return 0.5 * weight * gk.constraints.gradient_penalty(critic, real, fake, target=target)

    return penalty


_SATURATING = gk.losses.Logistic(saturating=True)
_LOGISTIC = gk.losses.Logistic()
_WASSERSTEIN = gk.losses.Wasserstein()

GAMES: dict[str, Game] = {
    "GAN": Game(arm=unpaired(_SATURATING), theory=saturating_theory(0.0), converges=False),
    "NSGAN": Game(arm=non_saturating(), theory=non_saturating_theory(0.0)),
    "WGAN, clip 1": Game(arm=unpaired(_WASSERSTEIN), theory=wasserstein_theory(), bound=1.0, converges=False),
    "WGAN-GP, weight 0.7": Game(
        arm=unpaired(_WASSERSTEIN, _to_target(0.7, 1.0)),
        theory=gradient_penalty_theory(weight=0.7, target=1.0),
        converges=False,
    ),
    "GAN + R1, gamma 0.3": Game(arm=unpaired(_SATURATING, _r1(0.3)), theory=saturating_theory(0.3), converges=True),
    "GAN + R1, gamma 1": Game(arm=unpaired(_SATURATING, _r1(1.0)), theory=saturating_theory(1.0), converges=True),
    "GAN + R1, gamma 2": Game(arm=unpaired(_SATURATING, _r1(2.0)), theory=saturating_theory(2.0), converges=True),
    "NSGAN + R1, gamma 0.3": Game(arm=unpaired(_LOGISTIC, _r1(0.3)), theory=non_saturating_theory(0.3), converges=True),
    "GAN + R1 + R2, gamma 0.3": Game(
        arm=unpaired(_SATURATING, _r1_and_r2(0.3)), theory=saturating_theory(0.6), converges=True
    ),
    "RpGAN + R1 + R2, gamma 0.3": Game(
        arm=regularized_pairs(gamma=0.3), theory=non_saturating_theory(0.6), converges=True
    ),
}
