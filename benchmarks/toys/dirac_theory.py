"""Dirac-GAN by hand: the formulas of Mescheder et al. 2018, without gankit or torch.

Near the equilibrium every smooth game here is ``generator' = a critic``, ``critic' = -a generator - c critic``, with the
coupling a and the damping c. The authors write the critic with the other sign; distances and eigenvalues are the same.
"""

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Field: TypeAlias = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theory:
    """A game in formulas.

    Attributes:
        coupling: a, the slope of the losses at score 0: 1/2 for logistic ones, 1 for Wasserstein's.
        damping: c, which R1 makes gamma, and R1 with R2 twice gamma; None where the field jumps at the equilibrium.
        field: The direction of both weights at any point.
    """

    coupling: float
    damping: float | None
    field: Field


def saturating_theory(damping: float) -> Theory:
    """Return the original minimax GAN, with R1 of gamma `damping` (their GAN_GradPenalty)."""

    def field(generator: float, critic: float) -> tuple[float, float]:
        slope = _sigmoid(generator * critic)
        return critic * slope, -generator * slope - damping * critic

    return Theory(coupling=0.5, damping=damping, field=field)


def non_saturating_theory(damping: float) -> Theory:
    """Return the non-saturating GAN with R1 (their NSGAN_GradPenalty); relativistic pairs are the same game."""

    def field(generator: float, critic: float) -> tuple[float, float]:
        score = generator * critic
        return critic * _sigmoid(-score), -generator * _sigmoid(score) - damping * critic

    return Theory(coupling=0.5, damping=damping, field=field)


def wasserstein_theory() -> Theory:
    """Return WGAN (their WGAN); clipping is not included."""
    return Theory(coupling=1.0, damping=0.0, field=lambda generator, critic: (critic, -generator))


def gradient_penalty_theory(*, weight: float, target: float) -> Theory:
    """Return WGAN-GP with ``weight / 2`` before the penalty (their WGAN_GP): no Jacobian, the pull turns round at critic 0."""

    def field(generator: float, critic: float) -> tuple[float, float]:
        sign = (critic > 0) - (critic < 0)
        return critic, -generator - weight * (abs(critic) - target) * sign

    return Theory(coupling=1.0, damping=None, field=field)


def eigenvalues(theory: Theory) -> list[complex] | None:
    """Return ``-c/2 +- sqrt(c^2/4 - a^2)``, or None where the field has no Jacobian."""
    if theory.damping is None:
        return None
    half, root = -theory.damping / 2, cmath.sqrt(theory.damping**2 / 4 - theory.coupling**2)
    return [half - root, half + root]


def step_radius(theory: Theory, *, rate: float, alternate: bool) -> float | None:
    """Return the spectral radius of one step, or None where the field has no Jacobian.

    A simultaneous step has the eigenvalues ``1 + h lambda``: with no damping ``sqrt(1 + h^2 a^2)``, above 1 for every rate.
    An alternating one has determinant ``1 - h c`` and trace ``2 - h c - h^2 a^2``: with no damping and a small rate exactly 1.
    """
    values = eigenvalues(theory)
    if values is None or theory.damping is None:
        return None
    if not alternate:
        return max(abs(1 + rate * value) for value in values)
    determinant = 1 - rate * theory.damping
    half = (1 + determinant - (rate * theory.coupling) ** 2) / 2
    root = cmath.sqrt(half**2 - determinant)
    return max(abs(half - root), abs(half + root))


def distance_after(
    theory: Theory,
    *,
    start: tuple[float, float],
    rate: float,
    steps: int,
    critic_steps: int | None,
    bound: float | None,
) -> float:
    """Return how far from the equilibrium some steps end; the arguments are those of `benchmarks.toys.dirac`."""

    def clip(weight: float) -> float:
        return weight if bound is None else max(-bound, min(bound, weight))

    generator, critic = start[0], clip(start[1])
    for _ in range(steps):
        toward_generator, toward_critic = theory.field(generator, critic)
        generator += rate * toward_generator
        if critic_steps is None:
            critic = clip(critic + rate * toward_critic)
        for _ in range(critic_steps or 0):
            critic = clip(critic + rate * theory.field(generator, critic)[1])
    return math.hypot(generator, critic)


def _sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score))
