# ruff: noqa: RUF001  the page has typographic signs
"""Penalties on the critic's gradient."""

import torch

import gankit as gk
from docs.different_numbers.example import Example
from docs.different_numbers.scores import BASICSR, MIMICRY, MMGEN, PARTICLEGAN, TF_GAN, TORCHGAN
from docs.different_numbers.tables import Row, Table, read, run

CTGAN = "ctgan 0.12.1"
GAN_ZOO = "pytorch-gan-zoo 0.0.6"
STYLEGAN2_PYTORCH = "stylegan2-pytorch 1.9.0"
VEGANS = "vegans 0.4.0"


def gradient_at(example: Example, points: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the example's critic at `points`."""
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(example.critic(points).sum(), points)
    return gradient


def lengths(gradient: torch.Tensor) -> torch.Tensor:
    """Return one length per sample."""
    return gradient.flatten(1).square().sum(1).sqrt()


def distance_from_one(norms: torch.Tensor) -> float:
    """Return the mean squared distance of norms from 1."""
    return (norms - 1).square().mean().item()


def wgan_gp(example: Example) -> Table:
    """Compare penalties of WGAN-GP, target 1 and weight 1."""
    real, fake, mix = example.real, example.fake, example.mix
    gradient = gradient_at(example, mix * real + (1 - mix) * fake)
    swapped = gradient_at(example, (1 - mix) * real + mix * fake)
    one_share = gradient_at(example, mix[0] * real + (1 - mix[0]) * fake)
    same = (
        read("StarGAN", "solver.py"),
        read("StudioGAN", "src/utils/losses.py"),
        run(GAN_ZOO, "losses/wgan_losses.py"),
        run(MMGEN, "models/losses/disc_auxiliary_loss.py, norm_mode='HWC'"),
        run(VEGANS, "models/unconditional/WassersteinGANGP.py"),
    )
    weighted = (
        read("CycleGAN and pix2pix", "models/networks.py, cal_gradient_penalty"),
        run(CTGAN, "synthesizers/ctgan.py, pac=1"),
        run(MIMICRY, "nets/wgan_gp/wgan_gp_base.py"),
    )
    a_pixel = (
        run(BASICSR, "losses/gan_loss.py, gradient_penalty_loss"),
        run(MMGEN, "models/losses/disc_auxiliary_loss.py, the default"),
    )
    rows = (
        Row(
            what="**gankit**: one norm and one interpolation weight per sample",
            value=gk.constraints.gradient_penalty(example.critic, real, fake, mix=mix).item(),
            by=same,
        ),
        Row(what="includes the paper's weight 10", value=10 * distance_from_one(lengths(gradient)), by=weighted),
        Row(
            what="one norm per pixel, over its channels",
            value=distance_from_one(gradient.square().sum(1).sqrt()),
            by=a_pixel,
        ),
        Row(
            what="one norm and one interpolation weight for the whole batch",
            value=distance_from_one(one_share.square().sum().sqrt()),
            by=(run(TORCHGAN, "losses/functional.py, losses/wasserstein.py"),),
        ),
        Row(
            what="the weight is the fake's, and 1e-10 is added under the root; equal in distribution, not per draw",
            value=distance_from_one((swapped.flatten(1).square().sum(1) + 1e-10).sqrt()),
            by=(run(TF_GAN, "python/losses/losses_impl.py"),),
        ),
        Row(
            what="the same with 1e-4 under the root",
            value=distance_from_one((swapped.flatten(1).square().sum(1) + 1e-4).sqrt()),
            by=(read("compare_gan", "compare_gan/gans/penalty_lib.py"),),
        ),
    )
    return Table(name="wgan_gp", rows=rows)


def wgan_gp_target(example: Example) -> Table:
    """Compare penalties with a target of 2."""
    real, fake, mix = example.real, example.fake, example.mix
    own = gk.constraints.gradient_penalty(example.critic, fake, real, mix=mix, target=2.0).item()
    norms = (gradient_at(example, (1 - mix) * real + mix * fake).flatten(1).square().sum(1) + 1e-10).sqrt()
    rows = (
        Row(what="**gankit**: (norm − 2)²", value=own),
        Row(
            what="(norm / 2 − 1)²",
            value=distance_from_one(norms / 2),
            by=(run(TF_GAN, "python/losses/losses_impl.py"),),
        ),
    )
    return Table(name="wgan_gp_target", rows=rows)


def flat_critic(example: Example) -> Table:
    """Compare the largest gradient of a weight for a flat critic, whose last layer is 0, as in some initializations."""

    def largest(root: str) -> float:
        last = torch.zeros_like(example.last_layer).requires_grad_()

        def critic(images: torch.Tensor) -> torch.Tensor:
            return torch.tanh(images.flatten(1) @ example.first_layer) @ last

        points = example.mix * example.real + (1 - example.mix) * example.fake
        if root == "gankit":
            penalty = gk.constraints.gradient_penalty(critic, example.real, example.fake, mix=example.mix)
        else:
            points = points.requires_grad_()
            (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
            squares = gradient.flatten(1).square().sum(1)
            penalty = ((squares + {"bare": 0.0, "with epsilon": 1e-10}[root]).sqrt() - 1).square().mean()
        (slope,) = torch.autograd.grad(penalty, last)
        return slope.abs().max().item()

    bare = (
        read("DF-GAN", "code/lib/modules.py"),
        read("GAN_stability", "gan_training/train.py"),
        read("pytorch_GAN_zoo", "models/loss_criterions/gradient_losses.py"),
        read("StarGAN", "solver.py"),
    )
    rows = (
        Row(what="**gankit**", value=largest("gankit")),
        Row(what="the root of a sum of squares", value=largest("bare"), by=bare),
        Row(
            what="the same with 1e-10 under the root",
            value=largest("with epsilon"),
            by=(read(TF_GAN, "python/losses/losses_impl.py"),),
        ),
    )
    return Table(name="flat_critic", rows=rows)


def r1(example: Example) -> Table:
    """Compare R1 for gamma 1."""
    squares = gradient_at(example, example.real).square()
    same = (
        read("StudioGAN", "src/utils/losses.py"),
        read("StyleGAN3", "training/loss.py"),
        run(PARTICLEGAN, "grad_regularizers.py, arm='a_r1r2'"),
    )
    no_half = (
        read("GAN_stability", "gan_training/train.py, the R1 paper's own program"),
        read("pytorch_GAN_zoo", "models/loss_criterions/gradient_losses.py"),
        run(BASICSR, "losses/gan_loss.py, r1_penalty; its StyleGAN2 trainer adds the ½"),
        run(MMGEN, "models/losses/disc_auxiliary_loss.py, norm_mode='HWC'"),
    )
    rows = (
        Row(
            what="**gankit**: `0.5 * gamma * zero_centered_penalty(...)`",
            value=0.5 * gk.constraints.zero_centered_penalty(example.critic, example.real).item(),
            by=same,
        ),
        Row(what="without the ½", value=squares.flatten(1).sum(1).mean().item(), by=no_half),
        Row(
            what="without the ½, and with a default weight of 10",
            value=10 * squares.flatten(1).sum(1).mean().item(),
            by=(run(STYLEGAN2_PYTORCH, "stylegan2_pytorch.py"), run("gigagan-pytorch 0.3.0", "gigagan_pytorch.py")),
        ),
        Row(
            what="a mean over pixels, without the ½",
            value=squares.sum(1).mean().item(),
            by=(run(MMGEN, "models/losses/disc_auxiliary_loss.py, the default"),),
        ),
    )
    return Table(name="r1", rows=rows)


def patches(example: Example) -> Table:
    """Compare R1 for a critic with four patches, gamma 1."""
    points = example.real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(example.patch_critic(points).mean(dim=1).sum(), points)
    own = 0.5 * gk.constraints.zero_centered_penalty(example.patch_critic, example.real).item()
    rows = (
        Row(
            what="**gankit**: the gradient of the sum over a sample's patches",
            value=own,
            by=(read("StudioGAN", "src/utils/losses.py"), read("StyleGAN3", "training/loss.py")),
        ),
        Row(
            what="the gradient of their mean",
            value=0.5 * gradient.flatten(1).square().sum(1).mean().item(),
            by=(run(PARTICLEGAN, "grad_regularizers.py, arm='a_r1r2'"),),
        ),
    )
    return Table(name="patches", rows=rows)


def dragan(example: Example) -> Table:
    """Compare penalties of DRAGAN."""
    real, mix, noise, shares = example.real, example.mix, example.noise, example.shares
    deviation, biased = real.std(), real.std(correction=0)
    elementwise = gradient_at(example, real + (1 - shares) * 0.5 * deviation * noise)
    centered = gradient_at(example, (real + biased * (noise - 0.5)).clamp(0, 1))
    rows = (
        Row(
            what="**gankit**",
            value=gk.constraints.dragan_penalty(example.critic, real, noise=noise, mix=mix).item(),
            by=(read("StudioGAN", "src/utils/losses.py"),),
        ),
        Row(
            what="one interpolation weight per number, one norm for the whole batch",
            value=distance_from_one(elementwise.square().sum().sqrt()),
            by=(run(TORCHGAN, "losses/draganpenalty.py"),),
        ),
        Row(
            what="one interpolation weight per number, one norm per pixel, times 10",
            value=10 * distance_from_one(elementwise.square().sum(1).sqrt()),
            by=(read("PyTorch-GAN", "implementations/dragan/dragan.py"),),
        ),
        Row(
            what="noise in both directions, no interpolation weight, points clipped to 0..1, 1e-4 under the root",
            value=distance_from_one((centered.flatten(1).square().sum(1) + 1e-4).sqrt()),
            by=(read("compare_gan", "compare_gan/gans/penalty_lib.py"),),
        ),
    )
    return Table(name="dragan", rows=rows)


def matching_aware_penalty(example: Example) -> Table:
    """Compare penalties of DF-GAN, power 6."""
    images = example.real.clone().requires_grad_()
    conditions = example.conditions.clone().requires_grad_()
    parts = torch.autograd.grad(example.conditional_critic(images, conditions).sum(), (images, conditions))
    joint = torch.cat([part.flatten(1) for part in parts], dim=1).square().sum(1).sqrt()
    apart = sum(lengths(part) for part in parts)
    own = gk.constraints.matching_aware_gradient_penalty(
        example.conditional_critic, example.real, example.conditions, power=6.0
    )
    rows = (
        Row(what="**gankit**: the norm of both gradients together", value=own.item()),
        Row(
            what="the same, and includes the weight 2",
            value=2 * joint.pow(6).mean().item(),
            by=(read("DF-GAN", "code/lib/modules.py"),),
        ),
        Row(what="the sum of the two norms, as the paper writes it", value=torch.as_tensor(apart).pow(6).mean().item()),
    )
    return Table(name="matching_aware_penalty", rows=rows)
