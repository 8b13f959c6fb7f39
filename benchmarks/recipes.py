"""The three recipes that are timed: networks, objective, constraint and optimizers."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import torch
from torch import nn
from torch.nn import functional
from torch.optim import Adam, Optimizer, RMSprop

import gankit as gk

LATENTS = 100
PENALTY = 10.0

Batch: TypeAlias = tuple[torch.Tensor, torch.Tensor]
MakeOptimizer: TypeAlias = Callable[[Iterable[nn.Parameter]], Optimizer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is trained, with gankit's losses and with those of a tutorial."""

    name: str
    critic_steps: int
    norm: Callable[[int], nn.Module]
    objective: gk.losses.Objective
    penalty: bool
    clip: float | None
    fast_optimizer: MakeOptimizer
    plain_optimizer: MakeOptimizer
    plain_critic_loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    plain_generator_loss: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Device, sizes and dtype of an iteration."""

    device: torch.device
    width: int
    batch: int
    dtype: torch.dtype = torch.float32
    bfloat16: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        """Channels last with bfloat16, where it is fastest."""
        return torch.channels_last if self.bfloat16 else torch.contiguous_format

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context that forward passes run in."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bfloat16 else nullcontext()


@dataclass(frozen=True, slots=True)
class Networks:
    """A generator and a critic."""

    generator: nn.Module
    critic: nn.Module

    def weights(self) -> torch.Tensor:
        """Return all parameters as one float64 vector, copied."""
        parameters = (*self.generator.parameters(), *self.critic.parameters())
        return torch.cat([parameter.detach().double().flatten() for parameter in parameters])


def make_networks(recipe: Recipe, setting: Setting) -> Networks:
    """Build the 64x64 DCGAN pair, always from the same random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = gk.networks.DCGANGenerator(latent_features=LATENTS, width=setting.width)
        critic = gk.networks.DCGANCritic(width=setting.width, norm=recipe.norm)
    place = {"device": setting.device, "dtype": setting.dtype, "memory_format": setting.memory_format}
    return Networks(generator.to(**place), critic.to(**place))


def make_batches(setting: Setting, count: int) -> list[Batch]:
    """Draw batches of random images and latents, always the same ones, and move them to the device."""
    rng = torch.Generator().manual_seed(1)
    batches = []
    for _ in range(count):
        real = torch.rand(setting.batch, 3, 64, 64, generator=rng, dtype=torch.float64) * 2 - 1
        latents = torch.randn(setting.batch, LATENTS, generator=rng, dtype=torch.float64)
        real = real.to(setting.device, setting.dtype).contiguous(memory_format=setting.memory_format)
        batches.append((real, latents.to(setting.device, setting.dtype)))
    return batches


def _plain_logistic_critic_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    on_real = functional.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    return on_real + functional.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


def _plain_logistic_generator_loss(fake: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def _plain_wasserstein_critic_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    return fake.mean() - real.mean()


def _plain_wasserstein_generator_loss(fake: torch.Tensor) -> torch.Tensor:
    return -fake.mean()


RECIPES = (
    Recipe(
        name="non-saturating 1:1",
        critic_steps=1,
        norm=nn.BatchNorm2d,
        objective=gk.losses.Logistic(),
        penalty=False,
        clip=None,
        fast_optimizer=partial(Adam, lr=2e-4, betas=(0.5, 0.999), fused=True),
        plain_optimizer=partial(Adam, lr=2e-4, betas=(0.5, 0.999)),
        plain_critic_loss=_plain_logistic_critic_loss,
        plain_generator_loss=_plain_logistic_generator_loss,
    ),
    Recipe(
        name="WGAN-GP 5:1",
        critic_steps=5,
        norm=partial(nn.GroupNorm, 1),
        objective=gk.losses.Wasserstein(),
        penalty=True,
        clip=None,
        fast_optimizer=partial(Adam, lr=1e-4, betas=(0.0, 0.9), fused=True),
        plain_optimizer=partial(Adam, lr=1e-4, betas=(0.0, 0.9)),
        plain_critic_loss=_plain_wasserstein_critic_loss,
        plain_generator_loss=_plain_wasserstein_generator_loss,
    ),
    Recipe(
        name="WGAN clip 5:1",
        critic_steps=5,
        norm=nn.BatchNorm2d,
        objective=gk.losses.Wasserstein(),
        penalty=False,
        clip=0.01,
        fast_optimizer=partial(RMSprop, lr=5e-5, foreach=True),
        plain_optimizer=partial(RMSprop, lr=5e-5),
        plain_critic_loss=_plain_wasserstein_critic_loss,
        plain_generator_loss=_plain_wasserstein_generator_loss,
    ),
)
