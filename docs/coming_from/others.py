# ruff: noqa: RUF001  the page has typographic signs
"""StudioGAN (read), TF-GAN 2.1.0, vegans 0.4.0 and particlegan 0.9.4 (run for the rows with a mark, read for the others)."""

from fractions import Fraction

import torch
from torch.nn.functional import cross_entropy, softplus

from docs.coming_from.raw_torch import HALF, LOGISTIC, PENALTY, R1, norms, points_of, slope
from docs.coming_from.rows import Row, Table
from docs.coming_from.torchgan_and_mimicry import (
    DRAGAN,
    GENERATOR,
    HINGE,
    LEAST_SQUARES,
    NON_SATURATING,
    WASSERSTEIN,
    distance,
    hinge,
    of_scores,
    squared,
)
from docs.different_numbers.example import Example
from docs.different_numbers.penalties import VEGANS as VEGANS_VERSION
from docs.different_numbers.scores import PARTICLEGAN as PARTICLEGAN_VERSION, TF_GAN as TF_GAN_VERSION

SWAPPED = "gk.constraints.gradient_penalty(critic, fakes, images, mix=mix)"


def from_one(e: Example, points: torch.Tensor) -> torch.Tensor:
    """Return the mean squared distance of the norm per sample from 1."""
    return (norms(slope(e, points)) - 1).square().mean()


def _tf_norms(e: Example) -> torch.Tensor:
    gradient = slope(e, (1 - e.mix) * e.real + e.mix * e.fake)
    return (gradient.flatten(1).square().sum(1) + 1e-10).sqrt()


STUDIOGAN = Table(
    name="studiogan",
    program="StudioGAN at 9033c51",
    rows=(
        Row(
            there="d_vanilla, adv_loss: vanilla",
            here=LOGISTIC,
            theirs=of_scores,
            differs="nothing; an older version computed log σ(1 − s) on fakes",
        ),
        Row(
            there="g_vanilla",
            here=NON_SATURATING,
            theirs=lambda e: softplus(-e.fake_scores).mean(),
            differs="nothing",
        ),
        Row(there="d_hinge, adv_loss: hinge", here=HINGE, theirs=hinge, differs="nothing"),
        Row(
            there="d_ls, adv_loss: least_square", here=LEAST_SQUARES, theirs=squared, differs="nothing; both have the ½"
        ),
        Row(there="d_wasserstein, adv_loss: wasserstein", here=WASSERSTEIN, theirs=distance, differs="nothing"),
        Row(
            there="cal_grad_penalty, apply_gp",
            default="gp_lambda, without a default",
            here=PENALTY,
            theirs=lambda e: from_one(e, points_of(e)),
            differs="nothing; the labels of the real samples are bound by a lambda here",
        ),
        Row(
            there="cal_r1_reg, apply_r1_reg",
            default="r1_lambda",
            here=R1,
            theirs=lambda e: 0.5 * slope(e, e.real).square().flatten(1).sum(1).mean(),
            factor=HALF,
            differs="its ½ is written by the caller here: `0.5 * gamma * ...`",
        ),
        Row(
            there="cal_dra_penalty, apply_dra",
            here=DRAGAN,
            theirs=lambda e: from_one(e, e.real + e.mix * 0.5 * e.real.std() * e.noise),
            differs="nothing: leave `noise` and `mix` out, and they are drawn",
        ),
        Row(
            there="CrossEntropyLoss, d_cond_mtd: AC",
            here="gk.losses.class_loss([logits], classes[:, None])",
            theirs=lambda e: cross_entropy(e.real_logits, e.classes),
            differs="nothing",
        ),
    ),
)

TF_GAN = Table(
    name="tf_gan",
    program=TF_GAN_VERSION,
    rows=(
        Row(
            there="minimax_discriminator_loss",
            default="label_smoothing=0.25",
            here="gk.losses.critic_loss(gk.losses.Logistic(), real, fake, "
            "real_labels=gk.losses.constant_labels(real, 0.875))",
            theirs=lambda e: (
                (0.875 * softplus(-e.real_scores) + 0.125 * softplus(e.real_scores)).mean()
                + softplus(e.fake_scores).mean()
            ),
            ran=("logistic", TF_GAN_VERSION, "the default"),
            differs="smooths by default, and a smoothing of 0.25 is a label of 0.875",
        ),
        Row(
            there="minimax_discriminator_loss(label_smoothing=0)",
            here=LOGISTIC,
            theirs=of_scores,
            ran=("logistic", TF_GAN_VERSION, "label_smoothing=0"),
            differs="nothing",
        ),
        Row(
            there="modified_generator_loss",
            default="label_smoothing=0.0",
            here=NON_SATURATING,
            theirs=lambda e: softplus(-e.fake_scores).mean(),
            differs="nothing",
        ),
        Row(
            there="wasserstein_hinge_discriminator_loss",
            default="real_hinge=1.0, generated_hinge=1.0",
            here=HINGE,
            theirs=hinge,
            ran=("hinge", TF_GAN_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="least_squares_discriminator_loss",
            default="real_label=1, fake_label=0",
            here=LEAST_SQUARES,
            theirs=squared,
            ran=("least_squares", TF_GAN_VERSION, ""),
            differs="nothing; both have the ½",
        ),
        Row(
            there="wasserstein_discriminator_loss",
            here=WASSERSTEIN,
            theirs=distance,
            ran=("wasserstein", TF_GAN_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="wasserstein_generator_loss",
            here=GENERATOR,
            theirs=lambda e: -e.fake_scores.mean(),
            differs="nothing; also the generator of the hinge",
        ),
        Row(
            there="wasserstein_gradient_penalty",
            default="epsilon=1e-10, target=1.0, one_sided=False",
            here=SWAPPED,
            theirs=lambda e: (_tf_norms(e) - 1).square().mean(),
            ran=("wgan_gp", TF_GAN_VERSION, ""),
            differs="the share is the fake's, so real and fake are exchanged here; without `mix` the order does not matter",
        ),
        Row(
            there="wasserstein_gradient_penalty(target=2.0)",
            here="gk.constraints.gradient_penalty(critic, fakes, images, mix=mix, target=2.0)",
            theirs=lambda e: (_tf_norms(e) / 2 - 1).square().mean(),
            factor=Fraction(1, 4),
            ran=("wgan_gp_target", TF_GAN_VERSION, ""),
            differs="the norm is divided by the target there",
        ),
        Row(
            there="relativistic_discriminator_loss",
            here="gk.losses.relativistic_average_critic_loss(gk.losses.Logistic(), real, fake)",
            theirs=lambda e: (
                softplus(e.fake_scores.mean() - e.real_scores).mean()
                + softplus(e.fake_scores - e.real_scores.mean()).mean()
            ),
            ran=("relativistic_average", TF_GAN_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="acgan_discriminator_loss",
            default="label_smoothing=0.0",
            here="gk.losses.class_loss([logits], classes[:, None]) + "
            "gk.losses.class_loss([fake_logits], classes[:, None])",
            theirs=lambda e: cross_entropy(e.real_logits, e.classes) + cross_entropy(e.fake_logits, e.classes),
            ran=("class_terms", TF_GAN_VERSION, ""),
            differs="nothing; leave out the second if classes look right but images do not",
        ),
    ),
)

VEGANS = Table(
    name="vegans",
    program=VEGANS_VERSION,
    rows=(
        Row(
            there="WassersteinGANGP, the critic's loss",
            here=WASSERSTEIN,
            theirs=lambda e: 0.5 * (e.real_scores.mean() - e.fake_scores.mean()),
            factor=-HALF,
            ran=("wasserstein", VEGANS_VERSION, ""),
            differs="half of it, and real scores become low; so a penalty with weight 10 there has weight 20 here",
        ),
        Row(
            there="WassersteinGANGP._gradient_penalty",
            default="lmbda_grad=10",
            here=PENALTY,
            theirs=lambda e: from_one(e, points_of(e)),
            ran=("wgan_gp", VEGANS_VERSION, ""),
            differs="nothing",
        ),
    ),
)

PARTICLEGAN = Table(
    name="particlegan",
    program=PARTICLEGAN_VERSION,
    rows=(
        Row(
            there="GANLoss('non_saturating').d_loss",
            here=LOGISTIC,
            theirs=of_scores,
            ran=("logistic", PARTICLEGAN_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="GANLoss('hinge').d_loss",
            here=HINGE,
            theirs=hinge,
            ran=("hinge", PARTICLEGAN_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="GANLoss('least_squares').d_loss",
            here=LEAST_SQUARES,
            theirs=squared,
            ran=("least_squares", PARTICLEGAN_VERSION, ""),
            differs="nothing; both have the ½",
        ),
        Row(
            there="GANLoss('wasserstein').d_loss",
            here=WASSERSTEIN,
            theirs=distance,
            ran=("wasserstein", PARTICLEGAN_VERSION, ""),
            differs="nothing",
        ),
        Row(
            there="GradientPenalty(arm='a_r1r2')(critic, images, fakes)",
            here="gk.constraints.zero_centered_penalty(critic, images) + "
            "gk.constraints.zero_centered_penalty(critic, fakes)",
            theirs=lambda e: 0.5 * (norms(slope(e, e.real)).square().mean() + norms(slope(e, e.fake)).square().mean()),
            factor=HALF,
            differs="R1 and R2 with γ = 1; its ½ is written by the caller here",
        ),
    ),
)
