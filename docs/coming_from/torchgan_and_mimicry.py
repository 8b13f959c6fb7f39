# ruff: noqa: RUF001  the page has typographic signs
"""torchgan 0.1.0 and torch-mimicry 0.1.16: both were run for the rows with a mark, and read for the others."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, relu, softplus

from docs.coming_from.raw_torch import LOGISTIC, PENALTY, norms, points_of, slope
from docs.coming_from.rows import Row, Table
from docs.different_numbers.example import Example
from docs.different_numbers.scores import MIMICRY as MIMICRY_VERSION, TORCHGAN as TORCHGAN_VERSION

HINGE = "gk.losses.critic_loss(gk.losses.Hinge(), real, fake)"
LEAST_SQUARES = "gk.losses.critic_loss(gk.losses.LeastSquares(), real, fake)"
WASSERSTEIN = "gk.losses.critic_loss(gk.losses.Wasserstein(), real, fake)"
NON_SATURATING = "gk.losses.generator_loss(gk.losses.Logistic(), fake)"
GENERATOR = "gk.losses.generator_loss(gk.losses.Wasserstein(), fake)"
DRAGAN = "gk.constraints.dragan_penalty(critic, images, noise=noise, mix=mix)"


def of_scores(e: Example) -> torch.Tensor:
    """Return the critic's cross-entropy, by its formula."""
    return softplus(-e.real_scores).mean() + softplus(e.fake_scores).mean()


def squared(e: Example) -> torch.Tensor:
    """Return the critic's least squares with targets 1 and 0, and ½."""
    return 0.5 * ((e.real_scores - 1).square().mean() + e.fake_scores.square().mean())


def hinge(e: Example) -> torch.Tensor:
    """Return the critic's hinge with margin 1."""
    return relu(1 - e.real_scores).mean() + relu(1 + e.fake_scores).mean()


def distance(e: Example) -> torch.Tensor:
    """Return minus the critic's estimate of the distance."""
    return (e.fake_scores - e.real_scores).mean()


def _whole_batch(e: Example) -> torch.Tensor:
    points = e.mix[0] * e.real + (1 - e.mix[0]) * e.fake
    return (slope(e, points).norm(2) - 1) ** 2


def _dragan(e: Example) -> torch.Tensor:
    points = e.real + (1 - e.shares) * 0.5 * e.real.std() * e.noise
    return (slope(e, points).norm(2) - 1) ** 2


TORCHGAN = Table(
    name="torchgan",
    program=TORCHGAN_VERSION,
    rows=(
        Row(
            there="MinimaxDiscriminatorLoss()",
            default="label_smoothing=0.0",
            here=LOGISTIC,
            theirs=of_scores,
            ran=("logistic", TORCHGAN_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="MinimaxDiscriminatorLoss(label_smoothing=0.1)",
            here="gk.losses.critic_loss(gk.losses.Logistic(), real, fake, "
            "real_labels=gk.losses.constant_labels(real, 0.9))",
            theirs=lambda e: (
                binary_cross_entropy_with_logits(e.real_scores, torch.full_like(e.real_scores, 0.9))
                + softplus(e.fake_scores).mean()
            ),
            ran=("soft_labels", TORCHGAN_VERSION, ""),
            differs="nothing; real labels alone are smoothed",
        ),
        Row(
            there="MinimaxGeneratorLoss()",
            default="nonsaturating=True",
            here=NON_SATURATING,
            theirs=lambda e: softplus(-e.fake_scores).mean(),
            differs="nothing",
        ),
        Row(
            there="LeastSquaresDiscriminatorLoss()",
            default="a=0.0, b=1.0",
            here=LEAST_SQUARES,
            theirs=squared,
            ran=("least_squares", TORCHGAN_VERSION, ""),
            differs="nothing; both have the ½",
        ),
        Row(
            there="WassersteinDiscriminatorLoss()",
            default="clip=None",
            here=WASSERSTEIN,
            theirs=distance,
            ran=("wasserstein", TORCHGAN_VERSION, ""),
            differs="`clip` there acts before the step; "
            "[`clip_weights_`][gankit.constraints.clip_weights_] as an update's constraint after it",
        ),
        Row(
            there="WassersteinGeneratorLoss()",
            here=GENERATOR,
            theirs=lambda e: -e.fake_scores.mean(),
            differs="nothing",
        ),
        Row(
            there="WassersteinGradientPenalty()",
            default="lambd=10.0",
            here=PENALTY,
            theirs=_whole_batch,
            factor=None,
            ran=("wgan_gp", TORCHGAN_VERSION, ""),
            differs="one norm and one share for the whole batch, and an optimizer step of its own; use `10.0 * ...` here",
        ),
        Row(
            there="DraganGradientPenalty()",
            default="lambd=10.0, k=1.0",
            here=DRAGAN,
            theirs=_dragan,
            factor=None,
            ran=("dragan", TORCHGAN_VERSION, ""),
            differs="one norm for the whole batch, a share for each number",
        ),
        Row(
            there="auxiliary_classification_loss(logits, labels)",
            here="gk.losses.class_loss([logits], classes[:, None])",
            theirs=lambda e: cross_entropy(e.real_logits, e.classes),
            differs="nothing",
        ),
    ),
)

MIMICRY = Table(
    name="mimicry",
    program=MIMICRY_VERSION,
    rows=(
        Row(
            there="minimax_loss_dis",
            default="loss_type='gan'; real_label_val=1.0",
            here=LOGISTIC,
            theirs=of_scores,
            ran=("logistic", MIMICRY_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="minimax_loss_dis(real_label_val=0.9)",
            here="gk.losses.critic_loss(gk.losses.Logistic(), real, fake, "
            "real_labels=gk.losses.constant_labels(real, 0.9))",
            theirs=lambda e: (
                binary_cross_entropy_with_logits(e.real_scores, torch.full_like(e.real_scores, 0.9))
                + softplus(e.fake_scores).mean()
            ),
            ran=("soft_labels", MIMICRY_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="ns_loss_gen",
            default="loss_type='ns'",
            here=NON_SATURATING,
            theirs=lambda e: -torch.log(torch.sigmoid(e.fake_scores) + 1e-8).mean(),
            factor=None,
            differs="1e-8 in the logarithm: equal to 7 digits for usual scores, but without a gradient at −30",
        ),
        Row(
            there="hinge_loss_dis",
            default="loss_type='hinge'",
            here=HINGE,
            theirs=hinge,
            ran=("hinge", MIMICRY_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="wasserstein_loss_dis",
            default="loss_type='wasserstein'",
            here=WASSERSTEIN,
            theirs=distance,
            ran=("wasserstein", MIMICRY_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="compute_gradient_penalty_loss",
            default="gp_scale=10.0",
            here=PENALTY,
            theirs=lambda e: 10.0 * ((norms(slope(e, points_of(e))) - 1) ** 2).mean(),
            factor=10,
            ran=("wgan_gp", MIMICRY_VERSION, ""),
            differs="the weight is inside; three channels alone",
        ),
    ),
)
