"""The losses as tutorials and the authors' programs write them, in plain PyTorch."""

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch.nn import functional

Critic: TypeAlias = Callable[[torch.Tensor], Any]
Labels: TypeAlias = torch.Tensor | None

PENALTY = 10.0
CLASSES = 1.0
DRAGAN = 0.5
GAMMA = 2.0


def logistic_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Cross-entropy of the critic, as in PyTorch's DCGAN tutorial."""
    del labels
    return _named_real(critic(real)) + _named_fake(critic(fake))


def logistic_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """The non-saturating loss."""
    del real, labels
    return _named_real(critic(fake))


def wasserstein_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Difference of mean scores."""
    del labels
    return -critic(real).mean() + critic(fake).mean()


def wasserstein_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Mean score, negated."""
    del real, labels
    return -critic(fake).mean()


def penalized_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Difference of mean scores, plus the gradient penalty of WGAN-GP."""
    share = torch.rand(real.size(0), 1, 1, 1, device=real.device, dtype=real.dtype)
    penalty = _penalty_at(critic, share * real + (1 - share) * fake)
    return wasserstein_critic(critic, real, fake, labels) + PENALTY * penalty


def relativistic_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Paired scores, R1 and R2, sharing the forward passes, as in the authors' program for R3GAN."""
    del labels
    real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
    on_real, on_fake = critic(real), critic(fake)
    penalties = []
    for scores, images in ((on_real, real), (on_fake, fake)):
        (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
        penalties.append(gradient.square().sum([1, 2, 3]).mean())
    return functional.softplus(on_fake - on_real).mean() + GAMMA / 2 * (penalties[0] + penalties[1])


def relativistic_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Paired scores with the roles exchanged."""
    del labels
    return functional.softplus(critic(real) - critic(fake)).mean()


def class_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Cross-entropy of scores, of the tags of real images, and the penalty of DRAGAN."""
    assert labels is not None
    on_real, (tags,) = critic(real)
    on_fake, _ = critic(fake)
    share = torch.rand(real.size(0), 1, 1, 1, device=real.device, dtype=real.dtype)
    noise = torch.rand(real.shape, device=real.device, dtype=real.dtype)
    penalty = _penalty_at(lambda images: critic(images)[0], real + share * (0.5 * real.std()) * noise)
    return _named_real(on_real) + _named_fake(on_fake) + CLASSES * _tags(tags, labels) + DRAGAN * penalty


def class_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> torch.Tensor:
    """The non-saturating loss, and cross-entropy of the tags that were asked for."""
    del real
    assert labels is not None
    scores, (tags,) = critic(fake)
    return _named_real(scores) + CLASSES * _tags(tags, labels)


def _named_real(scores: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))


def _named_fake(scores: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(scores, torch.zeros_like(scores))


def _tags(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="sum") / len(logits)


def _penalty_at(critic: Critic, points: torch.Tensor) -> torch.Tensor:
    points = points.detach().requires_grad_(True)
    scores = critic(points)
    gradients = torch.autograd.grad(scores, points, torch.ones_like(scores), create_graph=True, retain_graph=True)[0]
    return ((gradients.reshape(gradients.size(0), -1).norm(2, dim=1) - 1) ** 2).mean()
