"""Forms of the critic's loss: several maps, the relativistic average, soft labels."""

import torch
from torch.nn.functional import relu, softplus

import gankit as gk
from docs.different_numbers.example import Example
from docs.different_numbers.scores import BASICSR, MIMICRY, TF_GAN, TORCHGAN, VOCODERS
from docs.different_numbers.tables import Row, Table, read, run


def several_maps(example: Example) -> Table:
    """Compare averages over the scores of several scales, for the hinge."""
    real, fake = example.real_maps, example.fake_maps
    same = (
        run(BASICSR, "losses/gan_loss.py, MultiScaleGANLoss"),
        run(VOCODERS, "losses/adversarial_loss.py"),
    )
    summed = (
        read("HiFi-GAN", "models.py"),
        read("pix2pixHD", "models/networks.py"),
    )
    total = sum((relu(1 - r).mean() + relu(1 + f).mean()).item() for r, f in zip(real, fake, strict=True))
    rows = (
        Row(
            what="**gankit**: the mean over scales",
            value=gk.losses.critic_loss(gk.losses.Hinge(), real, fake).item(),
            by=same,
        ),
        Row(what="the sum over scales", value=total, by=summed),
    )
    return Table(name="several_maps", rows=rows)


def relativistic_average(example: Example) -> Table:
    """Compare relativistic averages, for the logistic objective."""
    real, fake = example.real_scores, example.fake_scores
    own = gk.losses.relativistic_average_critic_loss(gk.losses.Logistic(), real, fake).item()
    halved = 0.5 * (softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean())
    rows = (
        Row(what="**gankit**", value=own, by=(run(TF_GAN, "python/losses/losses_impl.py"),)),
        Row(
            what="half of it",
            value=halved.item(),
            by=(
                read("lecam-gan", "biggan_cifar/losses.py, its hinge"),
                read("RelativisticGAN", "code/GAN_losses_iter.py"),
            ),
        ),
    )
    return Table(name="relativistic_average", rows=rows)


def soft_labels(example: Example) -> Table:
    """Compare the critic's cross-entropy with a smoothing of 0.1."""
    real, fake = example.real_scores, example.fake_scores
    labels = torch.full_like(real, 0.9)
    own = gk.losses.critic_loss(gk.losses.Logistic(), real, fake, real_labels=labels).item()
    halfway = (0.95 * softplus(-real) + 0.05 * softplus(real)).mean() + softplus(fake).mean()
    rows = (
        Row(
            what="**gankit** with real labels 0.9",
            value=own,
            by=(
                read("Text-to-Image-Synthesis (aelnouby)", "trainer.py"),
                run(MIMICRY, "modules/losses.py, real_label_val=0.9"),
                run(TORCHGAN, "losses/functional.py, label_smoothing=0.1"),
            ),
        ),
        Row(
            what="`label_smoothing=0.1` moves the label towards ½, to 0.95",
            value=halfway.item(),
            by=(run(TF_GAN, "python/losses/losses_impl.py"),),
        ),
    )
    return Table(name="soft_labels", rows=rows)
