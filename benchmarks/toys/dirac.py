"""Dirac-GAN: a game of two weights, whose convergence can be computed by hand.

The real sample is 0, the generated one is the generator's only weight, and the critic's score is its only weight times the
sample. Mescheder, Geiger and Nowozin 2018, "Which Training Methods for GANs do actually Converge?", section 2. Directions
come from gankit's losses and penalties by autograd; `dirac_theory` has the paper's formulas.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

import gankit as gk
from benchmarks.toys.dirac_theory import (
    Theory,
    gradient_penalty_theory,
    non_saturating_theory,
    saturating_theory,
    wasserstein_theory,
)
from benchmarks.toys.training import Arm, Critic, Terms, non_saturating, regularized_pairs


def vector_field(arm: Arm, point: torch.Tensor) -> torch.Tensor:
    """Return the direction that gradient descent of both sides takes, differentiable again.

    Args:
        arm: The losses of both sides.
        point: The generator's weight, then the critic's, ``(2,)``, requiring gradients.
    """
    generator, critic = point.unbind()
    real, fake = torch.zeros(1, 1, dtype=point.dtype), generator.reshape(1, 1)

    def score(samples: torch.Tensor) -> torch.Tensor:
        return critic * samples

    losses = ((generator, arm.generator_terms(score, real, fake)), (critic, arm.critic_terms(score, real, fake)))
    slopes = [
        torch.autograd.grad(torch.stack(list(terms.values())).sum(), weight, create_graph=True)[0]
        for weight, terms in losses
    ]
    return -torch.stack(slopes)


def simultaneous(arm: Arm, point: torch.Tensor, *, rate: float) -> torch.Tensor:
    """Return the point after a step of both sides, each seeing the other as it was."""
    return point + rate * vector_field(arm, point)


def alternating(arm: Arm, point: torch.Tensor, *, rate: float, critic_steps: int = 1) -> torch.Tensor:
    """Return the point after a step of the generator and then some of the critic, in the order of the authors' program."""
    generator_only, critic_only = torch.eye(2, dtype=point.dtype)
    point = point + rate * generator_only * vector_field(arm, point)
    for _ in range(critic_steps):
        point = point + rate * critic_only * vector_field(arm, point)
    return point


def eigenvalues_at_equilibrium(arm: Arm) -> list[complex]:
    """Return the eigenvalues of the vector field's Jacobian at (0, 0), sorted by real and then by imaginary part.

    Gradient flow converges near the equilibrium where all real parts are below 0, and only circles where they are 0.
    """
    return _eigenvalues(partial(vector_field, arm))


def step_radius(arm: Arm, *, rate: float, alternate: bool) -> float:
    """Return the spectral radius of one step near (0, 0): below 1 it converges, above 1 it diverges."""
    return max(
        abs(value) for value in _eigenvalues(partial(alternating if alternate else simultaneous, arm, rate=rate))
    )


def distance_after(
    arm: Arm, *, start: tuple[float, float], rate: float, steps: int, critic_steps: int | None, bound: float | None
) -> float:
    """Return how far from the equilibrium some steps end.

    Args:
        arm: The losses of both sides.
        start: The generator's weight and the critic's.
        rate: Learning rate of both sides.
        steps: How many steps.
        critic_steps: Steps of the critic after each of the generator; where None, both step at once.
        bound: Where given, the critic's weight is clipped to ``-bound..bound`` at the start and after every step.
    """
    step = (
        partial(simultaneous, arm, rate=rate)
        if critic_steps is None
        else partial(alternating, arm, rate=rate, critic_steps=critic_steps)
    )
    point = _clipped(torch.tensor(start, dtype=torch.float64), bound)
    for _ in range(steps):
        point = _clipped(step(point.detach().requires_grad_()).detach(), bound)
    return float(point.norm())


def _eigenvalues(function: partial[torch.Tensor]) -> list[complex]:
    jacobian = torch.autograd.functional.jacobian(function, torch.zeros(2, dtype=torch.float64))
    assert isinstance(jacobian, torch.Tensor)
    values = torch.linalg.eigvals(jacobian).tolist()
    return sorted(values, key=lambda value: (round(value.real, 9), value.imag))


def _clipped(point: torch.Tensor, bound: float | None) -> torch.Tensor:
    if bound is None:
        return point
    critic = nn.ParameterList([nn.Parameter(point[1])])
    gk.constraints.clip_weights_(critic, bound)
    return torch.stack([point[0], critic[0].detach()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One game, by gankit and by formula.

    Attributes:
        arm: The game in gankit's losses and penalties.
        theory: The published formulas.
        bound: If given, the critic's weight is clipped to it.
        converges: What the paper proves; None if it proves neither for these steps.
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
