"""Networks that know pictures in 0..1, in a pipeline that keeps them in -1..1."""

import torch
from torch import nn


def to_unit_range(images: torch.Tensor) -> torch.Tensor:
    """Return pictures of -1..1 in 0..1."""
    return (images + 1) / 2


class Centered(nn.Module):
    """Bring the pictures of a generator that draws in 0..1 to the -1..1 in which the pipeline keeps all pictures.

    Args:
        generator: Called as ``generator(latents, condition)``.

    Shape:
        As the generator's, pictures in -1..1.
    """

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, latents: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Draw, and stretch the range."""
        return 2 * self.generator(latents, condition) - 1
