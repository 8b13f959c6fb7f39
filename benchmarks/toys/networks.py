"""The small networks: perceptrons for points in the plane, convolutions for stacked digits."""

from collections.abc import Callable
from functools import partial

from torch import nn

LEAK = 0.2


def plane_generator(*, latent_features: int, width: int, layers: int) -> nn.Sequential:
    """Return a perceptron from latents to points in the plane.

    Rectifiers, not leaky ones: the ring needs steep slopes between modes and flat ones on them.
    """
    return _perceptron(latent_features, 2, width, layers, nn.ReLU)


def plane_critic(*, width: int, layers: int) -> nn.Sequential:
    """Return a perceptron from points in the plane to scores ``(n, 1)``."""
    return _perceptron(2, 1, width, layers, partial(nn.LeakyReLU, LEAK))


def digit_generator(*, latent_features: int, width: int) -> nn.Sequential:
    """Return transposed convolutions from latents to three 8x8 digits, ``(n, 3, 8, 8)`` in -1..1."""
    return nn.Sequential(
        nn.Linear(latent_features, 2 * width * 4),
        nn.Unflatten(1, (2 * width, 2, 2)),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def digit_critic(*, width: int) -> nn.Sequential:
    """Return convolutions from three 8x8 digits to scores ``(n, 1)``."""
    return nn.Sequential(
        nn.Conv2d(3, width, 4, stride=2, padding=1),
        nn.LeakyReLU(LEAK),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        nn.LeakyReLU(LEAK),
        nn.Flatten(),
        nn.Linear(2 * width * 4, 1),
    )


def _perceptron(
    inputs: int, outputs: int, width: int, layers: int, activation: Callable[[], nn.Module]
) -> nn.Sequential:
    parts: list[nn.Module] = []
    for features in [inputs, *[width] * (layers - 1)]:
        parts += [nn.Linear(features, width), activation()]
    return nn.Sequential(*parts, nn.Linear(width, outputs))
