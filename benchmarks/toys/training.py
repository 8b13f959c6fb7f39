"""Training of a toy: one critic and one generator step in turn, with a rate that falls to zero."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LinearLR

import gankit as gk
from benchmarks.toys.arms import PLAIN_DCGAN, Arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How long and how fast.

    Attributes:
        steps: Rounds, each with one step of the critic and one of the generator.
        batch: Samples in a batch.
        learning_rate: Adam's at the first step, for both networks; it falls linearly to 0.
        betas: Adam's.
        decay: Of the average of the generator's weights.
    """

    steps: int
    batch: int = 128
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.0, 0.99)
    decay: float = 0.999

    def of(self, arm: str) -> "Course":
        """Return how an arm is trained: all alike, but that one has the optimizer that made plain GANs work.

        Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional GANs", section 4.
        """
        return replace(self, learning_rate=2e-4, betas=(0.5, 0.999)) if arm == PLAIN_DCGAN else self


def train(
    arm: Arm,
    course: Course,
    *,
    generator: nn.Module,
    critic: nn.Module,
    draw_real: Callable[[int], torch.Tensor],
    draw_latents: Callable[[int], torch.Tensor],
) -> nn.Module:
    """Train both networks and return the generator of averaged weights.

    Both steps of a round share one real and one fake batch; the critic's step comes first.
    """
    critic_optimizer, generator_optimizer = (
        Adam(network.parameters(), lr=course.learning_rate, betas=course.betas, fused=True)
        for network in (critic, generator)
    )
    rates = [LinearLR(each, 1.0, 0.0, total_iters=course.steps) for each in (critic_optimizer, generator_optimizer)]
    train_critic = gk.training.Update(critic_optimizer, partial(arm.critic_terms, critic))
    train_generator = gk.training.Update(generator_optimizer, partial(arm.generator_terms, critic), frozen=[critic])
    average = gk.training.WeightAverage(generator, decay=course.decay)
    for _ in range(course.steps):
        real, fake = draw_real(course.batch), generator(draw_latents(course.batch))
        train_critic(real, fake.detach())
        train_generator(real, fake)
        average.update()
        for rate in rates:
            rate.step()
    return average.network
