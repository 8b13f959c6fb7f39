# ruff: noqa: RUF001  the page has typographic signs
"""Objectives: the loss of one score."""

import torch
from torch.nn.functional import leaky_relu, logsigmoid, relu, softplus

import gankit as gk
from docs.different_numbers.example import Example
from docs.different_numbers.tables import Row, Table, read, run

BASICSR = "basicsr 1.4.2"
MIMICRY = "torch-mimicry 0.1.16"
MMGEN = "mmgen 0.7.3"
MONAI = "monai 1.6.1"
PARTICLEGAN = "particlegan 0.9.4"
TF_GAN = "tensorflow-gan 2.1.0"
TORCHGAN = "torchgan 0.1.0"
VOCODERS = "parallel-wavegan 0.6.1"
TAMING = "taming-transformers-rom1504 0.0.6"


def hinge(example: Example) -> Table:
    """Compare hinge losses of the critic."""
    real, fake = example.real_scores, example.fake_scores
    same = (
        read("BigGAN-PyTorch", "losses.py"),
        read("StudioGAN", "src/utils/losses.py"),
        run(BASICSR, "losses/gan_loss.py"),
        run(MIMICRY, "modules/losses.py"),
        run(MMGEN, "models/losses/gan_loss.py"),
        run(PARTICLEGAN, "gan_loss.py"),
        run(TF_GAN, "python/losses/losses_impl.py"),
        run(VOCODERS, "losses/adversarial_loss.py"),
    )
    mirrored = (
        run("gigagan-pytorch 0.3.0", "gigagan_pytorch.py"),
        run("lightweight-gan 1.2.1", "lightweight_gan.py"),
        run("stylegan2-pytorch 1.9.0", "stylegan2_pytorch.py"),
    )
    bounded = relu(1 - torch.tanh(real)).mean() + relu(1 + torch.tanh(fake)).mean()
    rows = (
        Row(what="**gankit**", value=gk.losses.critic_loss(gk.losses.Hinge(), real, fake).item(), by=same),
        Row(
            what="half of it",
            value=0.5 * (relu(1 - real).mean() + relu(1 + fake).mean()).item(),
            by=(run(TAMING, "modules/losses/vqperceptual.py"),),
        ),
        Row(
            what="tanh is applied to the scores first",
            value=bounded.item(),
            by=(run(MONAI, "losses/adversarial_loss.py"),),
        ),
        Row(
            what="low real scores and high fake scores are rewarded",
            value=(relu(1 + real) + relu(1 - fake)).mean().item(),
            by=mirrored,
        ),
    )
    return Table(name="hinge", rows=rows)


def logistic(example: Example) -> Table:
    """Compare cross-entropies of the critic."""
    real, fake = example.real_scores, example.fake_scores
    same = (
        read("BigGAN-PyTorch", "losses.py"),
        read("StudioGAN", "src/utils/losses.py, at commit 9033c51"),
        read("StyleGAN3", "training/loss.py"),
        run(BASICSR, "losses/gan_loss.py"),
        run(MIMICRY, "modules/losses.py"),
        run(MMGEN, "models/losses/gan_loss.py"),
        run(MONAI, "losses/adversarial_loss.py"),
        run(PARTICLEGAN, "gan_loss.py"),
        run(TF_GAN, "python/losses/losses_impl.py, label_smoothing=0"),
        run(TORCHGAN, "losses/functional.py"),
    )
    smoothed = (0.875 * softplus(-real) + 0.125 * softplus(real)).mean() + softplus(fake).mean()
    rows = (
        Row(what="**gankit**", value=gk.losses.critic_loss(gk.losses.Logistic(), real, fake).item(), by=same),
        Row(
            what="half of it",
            value=0.5 * (softplus(-real).mean() + softplus(fake).mean()).item(),
            by=(run(TAMING, "modules/losses/vqperceptual.py"),),
        ),
        Row(
            what="real labels are 0.875 by default",
            value=smoothed.item(),
            by=(run(TF_GAN, "python/losses/losses_impl.py, the default"),),
        ),
        Row(
            what="log σ(1 − s) in place of log (1 − σ(s)) on fakes",
            value=-(logsigmoid(real) + logsigmoid(1 - fake)).mean().item(),
            by=(read("an older StudioGAN", "src/utils/losses.py, d_vanilla, at commit 0001b9e; right at 9033c51"),),
        ),
    )
    return Table(name="logistic", rows=rows)


def sure_critic(example: Example) -> Table:
    """Compare gradients of the generator where the critic is sure of a fake, at score -30."""

    def slope(name: str) -> float:
        score = torch.full_like(example.fake_scores[:1], -30.0).requires_grad_()
        costs = {
            "gankit": lambda: gk.losses.generator_loss(gk.losses.Logistic(), score),
            "saturating": lambda: gk.losses.generator_loss(gk.losses.Logistic(saturating=True), score),
            "rounded": lambda: -torch.log(torch.sigmoid(score) + 1e-8).mean(),
        }
        (gradient,) = torch.autograd.grad(costs[name](), score)
        return gradient.item()

    rows = (
        Row(what="**gankit**", value=slope("gankit")),
        Row(
            what="1e-8 is added inside the logarithm",
            value=slope("rounded"),
            by=(run(MIMICRY, "modules/losses.py"),),
        ),
        Row(
            what="the minimax form of the first paper, in gankit `Logistic(saturating=True)`", value=slope("saturating")
        ),
    )
    return Table(name="sure_critic", rows=rows)


def least_squares(example: Example) -> Table:
    """Compare least-squares losses of the critic."""
    real, fake = example.real_scores, example.fake_scores
    same = (
        read("pix2pixHD", "models/networks.py, train.py"),
        read("StudioGAN", "src/utils/losses.py"),
        run(PARTICLEGAN, "gan_loss.py"),
        run(TF_GAN, "python/losses/losses_impl.py"),
        run(TORCHGAN, "losses/functional.py"),
    )
    whole = (
        read("HiFi-GAN", "models.py"),
        run(BASICSR, "losses/gan_loss.py"),
        run(MMGEN, "models/losses/gan_loss.py"),
        run(VOCODERS, "losses/adversarial_loss.py"),
    )
    bent = (leaky_relu(real, 0.05) - 1).square().mean() + leaky_relu(fake, 0.05).square().mean()
    squashed = 0.5 * ((torch.sigmoid(real) - 1).square().mean() + torch.sigmoid(fake).square().mean())
    rows = (
        Row(
            what="**gankit**",
            value=gk.losses.critic_loss(gk.losses.LeastSquares(), real, fake).item(),
            by=same,
        ),
        Row(
            what="without the ½",
            value=((real - 1).square().mean() + fake.square().mean()).item(),
            by=whole,
        ),
        Row(
            what="without the ½, LeakyReLU(0.05) is applied to the scores first",
            value=bent.item(),
            by=(run(MONAI, "losses/adversarial_loss.py"),),
        ),
        Row(
            what="a sigmoid is applied to the scores first",
            value=squashed.item(),
            by=(read("compare_gan", "compare_gan/gans/loss_lib.py"),),
        ),
        Row(
            what="without the ½, target −1 for real, 1 for fake; the generator's is 0",
            value=((real + 1).square().mean() + (fake - 1).square().mean()).item(),
            by=(read("lecam-gan", "biggan_cifar/losses.py"),),
        ),
    )
    return Table(name="least_squares", rows=rows)


def wasserstein(example: Example) -> Table:
    """Compare signs of the critic's Wasserstein loss."""
    real, fake = example.real_scores, example.fake_scores
    same = (
        read("compare_gan", "compare_gan/gans/loss_lib.py"),
        read("StudioGAN", "src/utils/losses.py"),
        run(BASICSR, "losses/gan_loss.py"),
        run(MIMICRY, "modules/losses.py"),
        run(PARTICLEGAN, "gan_loss.py"),
        run(TF_GAN, "python/losses/losses_impl.py"),
        run(TORCHGAN, "losses/functional.py"),
    )
    mirrored = (
        read("GAN_stability", "gan_training/train.py, gan_type 'wgan'"),
        read("WassersteinGAN", "main.py"),
    )
    rows = (
        Row(what="**gankit**", value=gk.losses.critic_loss(gk.losses.Wasserstein(), real, fake).item(), by=same),
        Row(what="mirrored: low real scores are rewarded", value=(real.mean() - fake.mean()).item(), by=mirrored),
        Row(
            what="mirrored, and half of it",
            value=0.5 * (real.mean() - fake.mean()).item(),
            by=(run("vegans 0.4.0", "models/unconditional/WassersteinGANGP.py"),),
        ),
    )
    return Table(name="wasserstein", rows=rows)
