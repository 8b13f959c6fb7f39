"""Dirac-GAN: one weight against one weight, where convergence can be worked out by hand.

The real sample is 0, the generated one is the generator's only weight, and the critic's score is its only weight times the
sample. Mescheder, Geiger and Nowozin 2018, "Which Training Methods for GANs do actually Converge?", section 2. Nothing of
their formulas is here: directions come from gankit's losses and penalties by autograd.
"""

from functools import partial

import torch
from torch import nn

import gankit as gk
from benchmarks.toys.arms import Arm


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
