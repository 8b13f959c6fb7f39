"""What keeps a critic smooth, as settings that print themselves: each is called with what an update of the critic has seen."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

import gankit as gk


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an update of the critic has seen.

    Attributes:
        critic: Scores pictures, given the labels of the batch.
        real: Real pictures.
        fake: Generated pictures.
        real_scores: Scores of real pictures.
        fake_scores: Scores of generated pictures.
    """

    critic: Callable[[torch.Tensor], torch.Tensor]
    real: torch.Tensor
    fake: torch.Tensor
    real_scores: torch.Tensor
    fake_scores: torch.Tensor


@dataclass(frozen=True, slots=True)
class NoPenalty:
    """No penalty."""

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return 0."""
        return seen.real.new_zeros(())


@dataclass(frozen=True, slots=True)
class GradientPenalty:
    """The penalty of WGAN-GP: gradient norms near 1 between real and fake samples."""

    weight: float = 10.0

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty."""
        return self.weight * gk.constraints.gradient_penalty(seen.critic, seen.real, seen.fake)


@dataclass(frozen=True, slots=True)
class ZeroCentered:
    """Half the squared gradient at real samples (R1), and with `fakes` at fake ones too (R2)."""

    weight: float = 1.0
    fakes: bool = False

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty."""
        penalty = gk.constraints.zero_centered_penalty(seen.critic, seen.real)
        if self.fakes:
            penalty = penalty + gk.constraints.zero_centered_penalty(seen.critic, seen.fake)
        return 0.5 * self.weight * penalty
