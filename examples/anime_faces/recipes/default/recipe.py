"""The default: the best known here for two CPU cores in ten minutes.

Batches are 8 conditions with 4 pictures each, and the critic sees how much those 4 differ (minibatch deviation within a
condition). The critic has a projection of the condition and class heads. The generator's class loss is weak (0.1): at 0.3, in
an early trial together with other differences, it drew one face in all colors, and the colors were ones that only the critic
could see. Non-saturating logistic losses, R1 (weight 0.3) at every 8th step, Adam with betas (0, 0.99), a learning rate of 1e-3
that falls to a fiftieth along a cosine over the last two fifths of the run, and an average of the generator's weights. One
fake batch serves both networks. With less than 10,000 pictures the critic sees them changed (`augmentation.py`). What each of
these choices gains by itself has not been measured over several seeds.

Source: put together for this pipeline. Parts: R1 of Mescheder et al. 2018, computed lazily as in StyleGAN 2; minibatch
deviation of Karras et al. 2018, here within groups of one condition; projection of Miyato and Koyama 2018.

Data: anything. Without labels it trains unconditionally; with one attribute or several it learns all of them, and a picture
whose class is missing or unclear counts as "unknown" for that attribute. Any size that is 4 to 7 doubled a few times.
"""

import math
from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.default.augmentation import Augmentation
from examples.anime_faces.recipes.default.networks import LATENTS, networks
from examples.anime_faces.recipes.default.options import GROUP, Options
from examples.anime_faces.systems import Description, Networks, Recipe, Scalars, Side, System, WhateverIsKnown, always

WARM_UP = 50
PENALTY_EVERY = 8


def rate_at(step: int, steps: int, constant: float) -> float:
    """Return the share of the full learning rate at a step: a short rise, a plateau, a cosine down to a fiftieth.

    Example:
        >>> [round(rate_at(step, 1000, 0.6), 3) for step in (0, 25, 500, 800, 999)]
        [0.0, 0.5, 1.0, 0.5, 0.02]
    """
    done = step / steps
    rise = min(1.0, step / WARM_UP)
    if done < constant:
        return rise
    return rise * max(0.02, 0.5 * (1 + math.cos(math.pi * (done - constant) / (1 - constant))))


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put the default together; learning rates follow the length of the run."""
    augmented = Augmentation(options, description, steps)
    generator, critic = networks["generator"], networks["critic"]
    objective, lazy = gk.losses.Logistic(), gk.constraints.Lazy(every=PENALTY_EVERY)

    def prepare(batch: tuple[torch.Tensor, torch.Tensor | None]) -> tuple[torch.Tensor | None, ...]:
        images, labels = batch
        latents = gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
        return augmented(images), labels, augmented(generator(latents, labels))

    def plain_terms(images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor) -> tuple[Scalars, Scalars]:
        costs, readings, _ = judged(images, labels, fakes)
        return costs, readings

    def penalized_terms(
        images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor
    ) -> tuple[Scalars, Scalars]:
        images = images.detach().requires_grad_()
        costs, readings, real_scores = judged(images, labels, fakes)
        slope = gk.constraints.score_gradient(real_scores, images)  # of the same forward pass as the loss
        penalty = slope.flatten(1).square().sum(1).mean()
        return {**costs, "penalty": 0.5 * options.penalty_weight * lazy.every * penalty}, readings

    def judged(
        images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor
    ) -> tuple[Scalars, Scalars, torch.Tensor]:
        real, fake = critic(images, labels), critic(fakes.detach(), labels)
        costs = {"score": gk.losses.critic_loss(objective, real.scores, fake.scores)}
        if labels is not None:
            costs["classes"] = gk.losses.class_loss(real.classes, labels)
        means = {"scores/real": real.scores.detach().mean(), "scores/fake": fake.scores.detach().mean()}
        return costs, means, real.scores

    def generator_terms(images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor) -> Scalars:
        del images
        output = critic(fakes, labels)
        costs = {"score": gk.losses.generator_loss(objective, output.scores)}
        if labels is not None:
            costs["classes"] = options.class_weight * gk.losses.class_loss(output.classes, labels)
        return costs

    side = partial(
        Side,
        optimizer=partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.0, 0.99)),
        learning_rate=lambda step: options.learning_rate * rate_at(step, steps, options.constant_share),
    )
    return System(
        critic=side(
            network=critic,
            terms={"plain": plain_terms, "penalized": penalized_terms},
            turn=lambda step: "penalized" if lazy(step) else "plain",
        ),
        generator=side(network=generator, terms=generator_terms),
        batch_size=options.batch_size,
        group=GROUP,
        prepare=prepare,
        plan=augmented.plan,
        note=augmented.note,
    )


RECIPE = Recipe(
    description="The best known here for two CPU cores in ten minutes; works with any labels and with none.",
    steps=6_000,
    conditioning=always(WhateverIsKnown()),
    networks=networks,
    system=system,
)
