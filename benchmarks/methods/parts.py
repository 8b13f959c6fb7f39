"""What the runs of the gallery add: the other penalties and constraints, losses that compare, other networks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

import gankit as gk
from benchmarks.failures.faces import SIZE
from benchmarks.failures.networks import CLASSES, LATENTS, Pair, WithLabels, WithoutLabels, dcgan
from benchmarks.failures.penalties import Seen

Objective = gk.losses.Objective
Real = Callable[[], torch.Tensor]


def paired(objective: Objective, real: Real, fake: torch.Tensor) -> torch.Tensor:
    """Return the generator's side of the paired loss."""
    return gk.losses.paired_generator_loss(objective, real(), fake)


def averaged(objective: Objective, real: Real, fake: torch.Tensor) -> torch.Tensor:
    """Return the generator's side of the relativistic average loss."""
    return gk.losses.relativistic_average_generator_loss(objective, real(), fake)


@dataclass(frozen=True, slots=True)
class OneSided:
    """The penalty of WGAN-GP for norms above 1 only."""

    weight: float = 10.0

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty."""
        return self.weight * gk.constraints.gradient_penalty(seen.critic, seen.real, seen.fake, one_sided=True)


@dataclass(frozen=True, slots=True)
class Dragan:
    """Gradient norms near 1 around real samples."""

    weight: float = 10.0

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty."""
        return self.weight * gk.constraints.dragan_penalty(seen.critic, seen.real)


@dataclass(frozen=True, slots=True)
class Steepest:
    """The largest gradient norm between real and fake samples."""

    weight: float = 1.0

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty."""
        return self.weight * gk.constraints.max_gradient_penalty(seen.critic, seen.real, seen.fake)


@dataclass(frozen=True, slots=True)
class LeCam:
    """Scores near the averages of earlier scores."""

    weight: float = 0.1
    averages: gk.constraints.ScoreAverages = field(default_factory=gk.constraints.ScoreAverages, repr=False)

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty, and move the averages."""
        self.averages.update(seen.real_scores, seen.fake_scores)
        return self.weight * gk.constraints.lecam_penalty(self.averages, seen.real_scores, seen.fake_scores)


@dataclass(frozen=True, slots=True)
class Consistency:
    """Equal scores of real samples and of moved and mirrored ones."""

    weight: float = 10.0

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty."""
        moved = gk.augment.Translation()(gk.augment.HorizontalFlip()(seen.real))
        return self.weight * gk.constraints.consistency_penalty(seen.real_scores, seen.critic(moved))


@dataclass(frozen=True, slots=True)
class FiniteDifference:
    """Equal scores under a little noise, on real and fake samples."""

    weight: float = 100.0

    def __call__(self, seen: Seen) -> torch.Tensor:
        """Return the weighted penalty."""
        return self.weight * sum(
            (gk.constraints.finite_difference_penalty(seen.critic, samples) for samples in (seen.real, seen.fake)),
            start=seen.real.new_zeros(()),
        )


clipped = partial(gk.constraints.clip_weights_, bound=0.02)


def spectral() -> Pair:
    """Return DCGAN's networks with spectral norm in the critic."""
    generator, critic = dcgan()
    gk.constraints.spectral_norm_(critic)
    return generator, critic


def residual() -> Pair:
    """Return the residual networks of WGAN-GP."""
    generator = gk.networks.ResidualGenerator(resolution=SIZE, latent_features=LATENTS, width=12)
    return WithoutLabels(generator), WithoutLabels(gk.networks.ResidualCritic(resolution=SIZE, width=12))


def r3gan() -> Pair:
    """Return R3GAN's networks."""
    widths = (24, 24, 24, 16)
    generator = gk.networks.R3GANGenerator(widths=widths, latent_features=LATENTS, blocks=1, group_channels=8)
    return WithoutLabels(generator), WithoutLabels(
        gk.networks.R3GANCritic(widths=widths[::-1], blocks=1, group_channels=8)
    )


def make_girls_moe() -> Pair:
    """Return the networks of MakeGirlsMoe, made for 32x32."""
    generator = gk.networks.MakeGirlsMoeGenerator(resolution=SIZE, latent_features=LATENTS, width=16, blocks=4, base=8)
    critic = gk.networks.MakeGirlsMoeCritic(resolution=SIZE, width=16, halvings=4)
    return WithoutLabels(generator), WithoutLabels(critic)


def joined() -> Pair:
    """Return DCGAN's generator with labels, and the critic that joins labels to its last maps."""
    embedder = gk.embedders.OneHotEmbedder((CLASSES,))
    generator = gk.networks.DCGANGenerator(resolution=SIZE, latent_features=LATENTS, width=24, embedder=embedder)
    critic = gk.networks.JoinedCritic(
        embedder=gk.embedders.OneHotEmbedder((CLASSES,)), resolution=SIZE, width=24, mixing=96, norm=nn.Identity
    )
    return WithLabels(generator), WithLabels(critic)


def patches() -> Pair:
    """Return DCGAN's generator and the critic of pix2pix, which scores patches."""
    return dcgan()[0], WithoutLabels(_PatchScores())


class _PatchScores(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.critic = gk.networks.PatchGANCritic(width=24, norm=nn.Identity)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the mean score of the patches of each picture."""
        return self.critic(images).flatten(1).mean(1)
