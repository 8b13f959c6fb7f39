# ruff: noqa: RUF001  the page has typographic signs
"""Losses and penalties that people write by hand in PyTorch; the values are those of torch itself."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from docs.coming_from.rows import Row, Table
from docs.different_numbers.example import Example

HALF = Fraction(1, 2)
BCE = nn.BCEWithLogitsLoss()
LOGISTIC = "gk.losses.critic_loss(gk.losses.Logistic(), real, fake)"
PENALTY = "gk.constraints.gradient_penalty(critic, images, fakes, mix=mix)"
R1 = "gk.constraints.zero_centered_penalty(critic, images)"


def points_of(e: Example) -> torch.Tensor:
    """Return the points of WGAN-GP, between real and fake."""
    return e.mix * e.real + (1 - e.mix) * e.fake


def slope(e: Example, points: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the critic, as one writes it by hand."""
    points = points.detach().requires_grad_()
    scores = e.critic(points)
    (gradient,) = torch.autograd.grad(scores, points, grad_outputs=torch.ones_like(scores))
    return gradient


def norms(gradient: torch.Tensor) -> torch.Tensor:
    """Return one norm per sample."""
    return gradient.view(len(gradient), -1).norm(2, dim=1)


def bce(scores: torch.Tensor, label: float) -> torch.Tensor:
    """Return the cross-entropy of scores and one label for all."""
    return BCE(scores, torch.full_like(scores, label))


def _average_here(average: Any, scope: Mapping[str, Any]) -> torch.Tensor:
    """Double the weights, and average once."""
    with torch.no_grad():
        scope["network"].weight.mul_(2)
    average.update()
    return average.network.weight.sum()


SCORES = Table(
    name="torch_scores",
    program="torch",
    rows=(
        Row(
            there="bce(critic(x), ones) + bce(critic(G(z)), zeros)",
            default="bce = nn.BCEWithLogitsLoss()",
            here=LOGISTIC,
            theirs=lambda e: bce(e.real_scores, 1) + bce(e.fake_scores, 0),
            differs="nothing",
        ),
        Row(
            there="(bce(...) + bce(...)) / 2",
            default="as in the CycleGAN program",
            here=LOGISTIC,
            theirs=lambda e: (bce(e.real_scores, 1) + bce(e.fake_scores, 0)) / 2,
            factor=HALF,
            differs="halve the weights of penalties, or double the learning rate of plain SGD; Adam does not notice",
        ),
        Row(
            there="bce(critic(G(z)), ones)",
            default="the generator",
            here="gk.losses.generator_loss(gk.losses.Logistic(), fake)",
            theirs=lambda e: bce(e.fake_scores, 1),
            differs="nothing: the non-saturating loss",
        ),
        Row(
            there="-bce(critic(G(z)), zeros)",
            default="the generator, minimax",
            here="gk.losses.generator_loss(gk.losses.Logistic(saturating=True), fake)",
            theirs=lambda e: -bce(e.fake_scores, 0),
            differs="its gradient vanishes where the critic is sure; take the line above",
        ),
        Row(
            there="nn.BCELoss()(sigmoid(critic(x)), ones) + ...",
            here=LOGISTIC,
            theirs=lambda e: (
                nn.BCELoss()(e.real_scores.sigmoid(), torch.ones_like(e.real_scores))
                + nn.BCELoss()(e.fake_scores.sigmoid(), torch.zeros_like(e.fake_scores))
            ),
            differs="remove the sigmoid from the network; `BCELoss` limits the logarithm to −100, without a gradient there",
        ),
        Row(
            there="bce(critic(x), 0.9 * ones) + bce(critic(G(z)), zeros)",
            default="label smoothing",
            here="gk.losses.critic_loss(gk.losses.Logistic(), real, fake, "
            "real_labels=gk.losses.constant_labels(real, 0.9))",
            theirs=lambda e: bce(e.real_scores, 0.9) + bce(e.fake_scores, 0),
            differs="nothing",
        ),
        Row(
            there="mse(critic(x), ones) + mse(critic(G(z)), zeros)",
            default="mse = nn.MSELoss()",
            here="gk.losses.critic_loss(gk.losses.LeastSquares(), real, fake)",
            theirs=lambda e: (
                functional.mse_loss(e.real_scores, torch.ones_like(e.real_scores))
                + functional.mse_loss(e.fake_scores, torch.zeros_like(e.fake_scores))
            ),
            factor=2,
            differs="gankit has the ½ of the paper's equation",
        ),
        Row(
            there="relu(1 - critic(x)).mean() + relu(1 + critic(G(z))).mean()",
            here="gk.losses.critic_loss(gk.losses.Hinge(), real, fake)",
            theirs=lambda e: functional.relu(1 - e.real_scores).mean() + functional.relu(1 + e.fake_scores).mean(),
            differs="nothing",
        ),
        Row(
            there="critic(G(z)).mean() - critic(x).mean()",
            here="gk.losses.critic_loss(gk.losses.Wasserstein(), real, fake)",
            theirs=lambda e: e.fake_scores.mean() - e.real_scores.mean(),
            differs="nothing; the loss of a good critic is negative",
        ),
        Row(
            there="critic(x).mean() - critic(G(z)).mean()",
            default="minimized, as in the first WGAN program: real scores become low",
            here="gk.losses.critic_loss(gk.losses.Wasserstein(), real, fake)",
            theirs=lambda e: e.real_scores.mean() - e.fake_scores.mean(),
            factor=-1,
            differs="change the sign of the generator's loss too; never mix the two",
        ),
        Row(
            there="nn.CrossEntropyLoss()(logits, classes)",
            default="the class head of an AC-GAN",
            here="gk.losses.class_loss([logits], classes[:, None])",
            theirs=lambda e: nn.CrossEntropyLoss()(e.real_logits, e.classes),
            differs="nothing; labels of −1 are left out",
        ),
    ),
)

PENALTIES = Table(
    name="torch_penalties",
    program="torch",
    rows=(
        Row(
            there="((grad.view(n, -1).norm(2, dim=1) - 1) ** 2).mean()",
            default="alpha = torch.rand(n, 1, 1, 1)",
            here=PENALTY,
            theirs=lambda e: ((norms(slope(e, points_of(e))) - 1) ** 2).mean(),
            differs="nothing: leave `mix` out, and it is drawn",
        ),
        Row(
            there="10 * ((...norm(2, dim=1) - 1) ** 2).mean()",
            default="the weight inside",
            here=PENALTY,
            theirs=lambda e: 10 * ((norms(slope(e, points_of(e))) - 1) ** 2).mean(),
            factor=10,
            differs="multiply outside: `10.0 * ...`",
        ),
        Row(
            there="((grad.norm(2, dim=1) - 1) ** 2).mean()",
            default="without `.view(n, -1)`",
            here=PENALTY,
            theirs=lambda e: ((slope(e, points_of(e)).norm(2, dim=1) - 1) ** 2).mean(),
            factor=None,
            differs="a mistake: one norm per pixel",
        ),
        Row(
            there="(grad.norm(2) - 1) ** 2",
            here=PENALTY,
            theirs=lambda e: (slope(e, points_of(e)).norm(2) - 1) ** 2,
            factor=None,
            differs="a mistake: one norm for the whole batch",
        ),
        Row(
            there="alpha = torch.rand(1)",
            here=PENALTY,
            theirs=lambda e: ((norms(slope(e, e.mix[0] * e.real + (1 - e.mix[0]) * e.fake)) - 1) ** 2).mean(),
            factor=None,
            differs="a mistake: all points at the same place between real and fake",
        ),
        Row(
            there="grad.view(n, -1).pow(2).sum(1).mean()",
            default="R1, at real samples; R2 at fakes",
            here=R1,
            theirs=lambda e: slope(e, e.real).view(5, -1).pow(2).sum(1).mean(),
            differs="multiply by γ/2",
        ),
        Row(
            there="grad.pow(2).mean()",
            default="R1 with one mean over everything",
            here=R1,
            theirs=lambda e: slope(e, e.real).pow(2).mean(),
            factor=Fraction(1, 147),
            differs="divided by channels × height × width (147 here), so γ depends on the size of the pictures",
        ),
        Row(
            there="for p in critic.parameters(): p.data.clamp_(-c, c)",
            here="gk.constraints.clip_weights_(network, 0.01)",
            theirs=lambda e: e.first_layer.clamp(-0.01, 0.01).square().sum(),
            read=lambda _, scope: scope["network"].weight.square().sum(),
            differs="as `constraint=` of an update it runs after each step",
        ),
        Row(
            there="ema = 0.9 * ema + 0.1 * weight",
            here="gk.training.WeightAverage(network, decay=0.9, warmup=False)",
            theirs=lambda e: (0.9 * e.first_layer + 0.1 * (2 * e.first_layer)).sum(),
            read=_average_here,
            differs="by default the decay is smaller in the first steps (`warmup=True`)",
        ),
    ),
)
