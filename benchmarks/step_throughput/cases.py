"""What is timed: networks, a rule of training, and optimizers, a row group of the table each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import torch
from torch import nn
from torch.optim import Adam, Optimizer, RMSprop

from benchmarks.step_throughput import named, plain
from benchmarks.step_throughput.networks import TAGS, dcgan, r3gan, residual, srresnet
from benchmarks.step_throughput.setting import Batch, Networks, Setting, make_batches

MakeOptimizer: TypeAlias = Callable[[Iterable[nn.Parameter]], Optimizer]
PlainLoss: TypeAlias = Callable[[plain.Critic, torch.Tensor, torch.Tensor, plain.Labels], torch.Tensor]
NamedLosses: TypeAlias = Callable[[plain.Critic, torch.Tensor, torch.Tensor, plain.Labels], named.Terms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a pair is trained, in plain PyTorch and with gankit's losses.

    Args:
        name: Its name in the table.
        critic_steps: Critic updates in an iteration.
        plain_critic: Loss of the critic.
        plain_generator: Loss of the generator.
        critic: The same as named terms of gankit.
        generator: The same as named terms of gankit.
        plain_optimizer: As tutorials build it.
        fast_optimizer: The same in its fastest exact form.
        clip: Bound of all weights of the critic.
    """

    name: str
    critic_steps: int
    plain_critic: PlainLoss
    plain_generator: PlainLoss
    critic: NamedLosses
    generator: NamedLosses
    plain_optimizer: MakeOptimizer
    fast_optimizer: MakeOptimizer
    clip: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A rule with networks, and the sizes of both.

    Args:
        slug: Its name on the command line.
        networks: The networks in words.
        make: Builds them.
        rule: How they are trained.
        cpu: Width and batch on a CPU.
        gpu: Width and batch on a GPU.
        exact: Width with which errors are measured in float64.
        latents: Length of the latents.
        tags: Number of tags that the networks take; 0 for none.
        saves: Whether the rectifiers of gankit save work here: there is a gradient penalty, and no norm in the critic.
    """

    slug: str
    networks: str
    make: Callable[[Setting], Networks]
    rule: Rule
    cpu: tuple[int, int] = (32, 32)
    gpu: tuple[int, int] = (64, 64)
    exact: int = 8
    latents: int = 100
    tags: int = 0
    saves: bool = False

    @property
    def name(self) -> str:
        """Rule and networks."""
        return f"{self.rule.name}, {self.networks}"

    def batches(self, setting: Setting, count: int) -> list[Batch]:
        """Draw batches for these networks."""
        return make_batches(setting, count, latents=self.latents, tags=self.tags)


GAN_ADAM = partial(Adam, lr=2e-4, betas=(0.5, 0.999))
WGAN_ADAM = partial(Adam, lr=1e-4, betas=(0.0, 0.9))
R3GAN_ADAM = partial(Adam, lr=2e-4, betas=(0.0, 0.99))
RMS = partial(RMSprop, lr=5e-5)

NON_SATURATING = Rule(
    name="non-saturating 1:1",
    critic_steps=1,
    plain_critic=plain.logistic_critic,
    plain_generator=plain.logistic_generator,
    critic=named.logistic_critic,
    generator=named.logistic_generator,
    plain_optimizer=GAN_ADAM,
    fast_optimizer=partial(GAN_ADAM, fused=True),
)
PENALIZED = Rule(
    name="WGAN-GP 5:1",
    critic_steps=5,
    plain_critic=plain.penalized_critic,
    plain_generator=plain.wasserstein_generator,
    critic=named.penalized_critic,
    generator=named.wasserstein_generator,
    plain_optimizer=WGAN_ADAM,
    fast_optimizer=partial(WGAN_ADAM, fused=True),
)
CLIPPED = Rule(
    name="WGAN clip 5:1",
    critic_steps=5,
    plain_critic=plain.wasserstein_critic,
    plain_generator=plain.wasserstein_generator,
    critic=named.wasserstein_critic,
    generator=named.wasserstein_generator,
    clip=0.01,
    plain_optimizer=RMS,
    fast_optimizer=partial(RMS, foreach=True),
)
RELATIVISTIC = Rule(
    name="R3GAN 1:1",
    critic_steps=1,
    plain_critic=plain.relativistic_critic,
    plain_generator=plain.relativistic_generator,
    critic=named.relativistic_critic,
    generator=named.relativistic_generator,
    plain_optimizer=R3GAN_ADAM,
    fast_optimizer=partial(R3GAN_ADAM, fused=True),
)
CLASSES = Rule(
    name="ACGAN with DRAGAN 1:1",
    critic_steps=1,
    plain_critic=plain.class_critic,
    plain_generator=plain.class_generator,
    critic=named.class_critic,
    generator=named.class_generator,
    plain_optimizer=GAN_ADAM,
    fast_optimizer=partial(GAN_ADAM, fused=True),
)
LAYER_NORM = partial(nn.GroupNorm, 1)
CASES = (
    Case(slug="ns", networks="DCGAN-64, BatchNorm", make=dcgan(nn.BatchNorm2d), rule=NON_SATURATING),
    Case(slug="gp", networks="DCGAN-64, GroupNorm", make=dcgan(LAYER_NORM), rule=PENALIZED),
    Case(slug="gp-bare", networks="DCGAN-64, no norm", make=dcgan(nn.Identity), rule=PENALIZED, saves=True),
    Case(slug="clip", networks="DCGAN-64, BatchNorm", make=dcgan(nn.BatchNorm2d), rule=CLIPPED),
    Case(slug="gp-residual", networks="residual 64", make=residual, rule=PENALIZED, cpu=(8, 8), exact=3),
    Case(
        slug="acgan",
        networks="SRResNet 64",
        make=srresnet,
        rule=CLASSES,
        cpu=(24, 16),
        exact=4,
        latents=128,
        tags=TAGS,
        saves=True,
    ),
    Case(
        slug="r3gan",
        networks="R3GAN 64",
        make=r3gan,
        rule=RELATIVISTIC,
        cpu=(32, 16),
        gpu=(256, 64),
        exact=4,
        latents=64,
        saves=True,
    ),
)
