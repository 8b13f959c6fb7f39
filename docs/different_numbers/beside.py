"""Terms beside the critic's score: features, diversity, averages of scores, weights, lazy use."""

import torch
from torch import nn

import gankit as gk
from docs.different_numbers.example import Example
from docs.different_numbers.scores import TORCHGAN, VOCODERS
from docs.different_numbers.tables import Row, Table, read, run


def feature_matching(example: Example) -> Table:
    """Compare averages of paired features, for two critics with three layers each."""
    pairs = zip(example.features, example.fake_features, strict=True)
    layers = [
        [(one - other).abs().mean().item() for one, other in zip(real, fake, strict=True)] for real, fake in pairs
    ]
    total = sum(sum(critic) for critic in layers)
    rows = (
        Row(
            what="**gankit**: the mean over layers and critics",
            value=gk.losses.feature_matching_loss(example.features, example.fake_features).item(),
            by=(run(VOCODERS, "losses/feat_match_loss.py"),),
        ),
        Row(what="twice the sum over layers and critics", value=2 * total, by=(read("HiFi-GAN", "models.py"),)),
    )
    return Table(name="feature_matching", rows=rows)


def mean_features(example: Example) -> Table:
    """Compare distances between the means of unpaired features, for 11 features."""
    real, fake = example.embeddings, example.latents[0]
    apart = real.mean(0) - fake.mean(0)
    rows = (
        Row(
            what="**gankit**: the squared length of the difference of means, as the paper defines it",
            value=gk.losses.mean_feature_loss(real, fake).item(),
        ),
        Row(
            what="the mean absolute difference of means",
            value=apart.abs().mean().item(),
            by=(read("StudioGAN", "src/utils/losses.py"),),
        ),
        Row(
            what="the mean square of differences per sample, without means over samples",
            value=(real - fake).square().mean().item(),
            by=(run(TORCHGAN, "losses/featurematching.py"),),
        ),
    )
    return Table(name="mean_features", rows=rows)


def mode_seeking(example: Example) -> Table:
    """Compare losses of a generator whose samples are too similar."""
    first, second = example.real, example.fake
    own = gk.losses.mode_seeking_loss(first, second, *example.latents).item()
    ratio = (first - second).abs().mean() / (example.latents[0] - example.latents[1]).abs().mean()
    rows = (
        Row(
            what="**gankit**: 1 / (ratio + 1e-5)",
            value=own,
            by=(read("MSGAN", "DCGAN-Mode-Seeking/model.py"),),
        ),
        Row(what="minus the ratio, which is what the paper's equation maximizes", value=-ratio.item()),
    )
    return Table(name="mode_seeking", rows=rows)


def lecam(example: Example) -> Table:
    """Compare LeCam's penalty after the first ten updates, all on the same batch."""
    real, fake = example.real_scores, example.fake_scores
    averages = gk.constraints.ScoreAverages(decay=0.9)
    for _ in range(10):
        averages.update(real, fake)
    remembered = 0.9**10 * 1000.0
    real_anchor = remembered + (1 - 0.9**10) * real.mean()
    fake_anchor = remembered + (1 - 0.9**10) * fake.mean()
    biased = torch.relu(real - fake_anchor).square().mean() + torch.relu(real_anchor - fake).square().mean()
    rows = (
        Row(
            what="**gankit**: averages that are unbiased from the first batch on",
            value=gk.constraints.lecam_penalty(averages, real, fake).item(),
        ),
        Row(
            what="averages that start at 1000 and keep a part of it; the option to start some steps later avoids it",
            value=biased.item(),
            by=(read("lecam-gan", "third_party/utils.py, biggan_cifar/losses.py"),),
        ),
    )
    return Table(name="lecam", rows=rows)


def clipping(example: Example) -> Table:
    """Compare the largest weight that the generator sees, after one RMSprop step of 0.00005 with a bound of 0.01."""

    def largest(*, before: bool) -> float:
        critic = nn.Linear(147, 11, dtype=torch.float64)
        with torch.no_grad():
            critic.weight.copy_(example.first_layer.T)
        optimizer = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
        if before:
            gk.constraints.clip_weights_(critic, 0.01)
        critic(example.real.flatten(1)).sum().backward()
        optimizer.step()
        if not before:
            gk.constraints.clip_weights_(critic, 0.01)
        return critic.weight.detach().abs().max().item()

    rows = (
        Row(
            what="**gankit** as an update's constraint: after the step, as in the paper",
            value=largest(before=False),
            by=(
                read("Text-to-Image-Synthesis (aelnouby)", "trainer.py"),
                read("vegans 0.4.0", "models/unconditional/WassersteinGAN.py"),
            ),
        ),
        Row(
            what="before the step",
            value=largest(before=True),
            by=(
                read("WassersteinGAN", "main.py, the paper's own program"),
                read(TORCHGAN, "losses/wasserstein.py"),
            ),
        ),
    )
    return Table(name="clipping", rows=rows)


def lazy(example: Example) -> Table:
    """Compare the average weight of a penalty over 16 steps that is used at every fourth step."""
    del example
    often = gk.constraints.Lazy(every=4)
    rows = (
        Row(
            what="**gankit**: multiplied by 4 where it is used",
            value=sum(often(t) for t in range(16)) / 16,
            by=(read("StyleGAN3", "training/loss.py, training_loop.py"),),
        ),
        Row(
            what="not multiplied",
            value=sum(float(t % 4 == 0) for t in range(16)) / 16,
            by=(
                read("lightweight-gan 1.2.1", "lightweight_gan.py"),
                read("stylegan2-pytorch 1.9.0", "stylegan2_pytorch.py"),
            ),
        ),
    )
    return Table(name="lazy", rows=rows)


def orthogonal(example: Example) -> Table:
    """Compare the length of the gradient of orthogonal regularization, weight 1."""
    weight = example.proxies.clone().requires_grad_()
    (own,) = torch.autograd.grad(gk.constraints.orthogonal_penalty(weight), weight)
    gram = example.proxies @ example.proxies.T
    rows = (
        Row(what="**gankit**: the gradient of ‖W Wᵀ off its diagonal‖²", value=own.norm().item()),
        Row(
            what="half of it: the program computes the gradient by its own formula",
            value=(2 * (gram - gram.diag().diag()) @ example.proxies).norm().item(),
            by=(read("BigGAN-PyTorch", "utils.py, ortho"),),
        ),
    )
    return Table(name="orthogonal", rows=rows)
