"""The same losses in gankit: named terms."""

from typing import TypeAlias

import torch

import gankit as gk
from benchmarks.step_throughput.plain import CLASSES, DRAGAN, GAMMA, PENALTY, Critic, Labels

Terms: TypeAlias = dict[str, torch.Tensor]

LOGISTIC, WASSERSTEIN = gk.losses.Logistic(), gk.losses.Wasserstein()


def logistic_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.logistic_critic`."""
    del labels
    return {"loss": gk.losses.critic_loss(LOGISTIC, critic(real), critic(fake))}


def logistic_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.logistic_generator`."""
    del real, labels
    return {"loss": gk.losses.generator_loss(LOGISTIC, critic(fake))}


def wasserstein_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.wasserstein_critic`."""
    del labels
    return {"loss": gk.losses.critic_loss(WASSERSTEIN, critic(real), critic(fake))}


def wasserstein_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.wasserstein_generator`."""
    del real, labels
    return {"loss": gk.losses.generator_loss(WASSERSTEIN, critic(fake))}


def penalized_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.penalized_critic`."""
    penalty = PENALTY * gk.constraints.gradient_penalty(critic, real, fake)
    return wasserstein_critic(critic, real, fake, labels) | {"penalty": penalty}


def relativistic_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.relativistic_critic`: `score_gradient` shares the forward passes too."""
    del labels
    real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
    on_real, on_fake = critic(real), critic(fake)
    terms = {"loss": gk.losses.paired_critic_loss(LOGISTIC, on_real, on_fake)}
    for name, scores, images in (("r1", on_real, real), ("r2", on_fake, fake)):
        gradient = gk.constraints.score_gradient(scores, images)
        terms[name] = GAMMA / 2 * gradient.flatten(1).square().sum(1).mean()
    return terms


def relativistic_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.relativistic_generator`."""
    del labels
    return {"loss": gk.losses.paired_generator_loss(LOGISTIC, critic(real), critic(fake))}


def class_critic(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.class_critic`."""
    assert labels is not None
    on_real, tags = critic(real)
    on_fake, _ = critic(fake)
    penalty = gk.constraints.dragan_penalty(lambda images: critic(images)[0], real)
    return {
        "loss": gk.losses.critic_loss(LOGISTIC, on_real, on_fake),
        "tags": CLASSES * gk.losses.multi_label_loss(tags, labels),
        "penalty": DRAGAN * penalty,
    }


def class_generator(critic: Critic, real: torch.Tensor, fake: torch.Tensor, labels: Labels) -> Terms:
    """See `plain.class_generator`."""
    del real
    assert labels is not None
    scores, tags = critic(fake)
    return {
        "loss": gk.losses.generator_loss(LOGISTIC, scores),
        "tags": CLASSES * gk.losses.multi_label_loss(tags, labels),
    }
