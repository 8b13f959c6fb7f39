"""Critics whose gradients are known, or smooth enough for numerical differentiation."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from support.strategies import normal


def linear(
    seed: int, shape: Sequence[int], scale: float = 1.0
) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
    """A linear critic and its slope; its gradient is the slope everywhere, so it cannot see where a slope is taken."""
    slope = normal(seed, *shape, scale=scale)
    return lambda x: (x * slope).flatten(1).sum(1) + 3.0, slope


class Quadratic:
    """Half of x A x with a symmetric A: the gradient A x changes with the place."""

    def __init__(self, seed: int, features: int) -> None:
        root = normal(seed, features, features)
        self.matrix = root + root.T

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1)
        return 0.5 * ((flat @ self.matrix) * flat).sum(1)


class Patches:
    """A smooth critic with one score a patch."""

    def __init__(self, seed: int, channels: int = 2) -> None:
        self.kernel = normal(seed, 1, channels, 3, 3)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(nn.functional.conv2d(x, self.kernel))


def smooth_network(seed: int, channels: int = 2) -> nn.Module:
    """A small float64 convolutional critic with smooth activations and no normalization, for 4x4 images."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 3, 3, padding=1),
        nn.Softplus(),
        nn.Conv2d(3, 2, 2, stride=2),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8, 1),
    ).double()
