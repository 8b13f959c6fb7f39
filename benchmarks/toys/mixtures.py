"""The two mixtures of Gaussians in the plane that papers on mode collapse share."""

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Gaussians of one round shape and equal weight, a mode each."""

    centers: torch.Tensor
    deviation: float

    def draw(self, count: int, rng: torch.Generator) -> torch.Tensor:
        """Draw points ``(count, 2)``: a mode for each, evenly, then its noise."""
        modes = torch.randint(len(self.centers), (count,), generator=rng)
        return self.centers[modes] + self.deviation * torch.randn(count, 2, generator=rng)


def ring(*, modes: int = 8, radius: float = 1.0, deviation: float = 0.01) -> Mixture:
    """Return Gaussians evenly on a circle, the first at angle 0.

    Srivastava et al. 2017 (VEEGAN), section 4. The last angle is not the first again: a well-known notebook of unrolled GANs
    spreads 8 angles over the whole closed circle and so has 7 modes.
    """
    angles = 2 * math.pi * torch.arange(modes) / modes
    return Mixture(centers=radius * torch.stack([angles.cos(), angles.sin()], dim=1), deviation=deviation)


def grid(*, side: int = 5, spacing: float = 2.0, deviation: float = 0.05) -> Mixture:
    """Return Gaussians on a square lattice around the origin: by default 25, at -4, -2, 0, 2 and 4 along both axes."""
    line = spacing * (torch.arange(side) - (side - 1) / 2)
    return Mixture(centers=torch.cartesian_prod(line, line), deviation=deviation)
