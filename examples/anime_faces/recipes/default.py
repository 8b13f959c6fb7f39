"""The default: the best that is known here for two CPU cores in ten minutes.

Batches are 8 conditions with 4 pictures each, of which the critic sees how much they differ (minibatch deviation within a
condition). The critic has a projection of the condition and class heads; the generator's class loss is weak (0.1): at 0.3,
in an early trial together with other differences, it drew one face in all colors, and the colors were ones that only the
critic could see. Non-saturating logistic losses, R1 (weight 0.3) at every 8th step, Adam with betas (0, 0.99), steps of 1e-3
that fall to a fiftieth along a cosine over the last two fifths of the run, and an average of the generator's weights. One
fake batch serves both networks. What each of these choices is worth by itself has not been measured over several seeds.

Source: put together for this pipeline. Parts: R1 of Mescheder et al. 2018, taken lazily as in StyleGAN 2; minibatch deviation
of Karras et al. 2018, here within groups of one condition; projection of Miyato and Koyama 2018.

Data: anything. Without labels it trains unconditionally; with one attribute or several it learns all of them, and a picture
whose class is missing or unclear counts as "unknown" for that attribute. Any size that is 4 to 7 doubled a few times.
"""

import math

import torch

import gankit as gk
from examples.anime_faces.recipes._default_networks import LATENTS, DefaultCritic, DefaultGenerator
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._options import DefaultOptions
from examples.anime_faces.recipes._recipe import Recipe, System, always
from examples.anime_faces.recipes._selection import WhateverIsKnown

GROUP = 4
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


def build(description: Description, options: DefaultOptions, hardware: Hardware, steps: int) -> System:
    """Put the default together; learning rates follow the run's length."""
    if options.batch_size % GROUP:
        raise ValueError(f"--batch-size must be a multiple of {GROUP}, but it is {options.batch_size}")
    classes = description.condition.classes if description.attributes else ()
    size, width = description.size, options.width
    generator = hardware.place(DefaultGenerator(size=size, classes=classes, width=width))
    critic = hardware.place(DefaultCritic(size=size, classes=classes, width=width, group=GROUP))
    objective = gk.losses.Logistic()
    critic_optimizer, generator_optimizer = (
        torch.optim.Adam(network.parameters(), options.learning_rate, betas=(0.0, 0.99), fused=True)
        for network in (critic, generator)
    )
    scores: dict[str, torch.Tensor] = {}
    shared: dict[str, torch.Tensor] = {}
    penalized = [True]

    def plan(step: int) -> None:
        penalized[0] = step % PENALTY_EVERY == 0
        for optimizer in (critic_optimizer, generator_optimizer):
            optimizer.param_groups[0]["lr"] = options.learning_rate * rate_at(step, steps, options.constant_share)

    def critic_terms(images: torch.Tensor, labels: torch.Tensor | None) -> dict[str, torch.Tensor]:
        latents = torch.randn(len(images), LATENTS, device=images.device)
        shared["fake"] = generator(latents, labels)
        images = images.detach().requires_grad_(penalized[0])
        real, fake = critic(images, labels), critic(shared["fake"].detach(), labels)
        scores["real"], scores["fake"] = real.scores.detach().mean(), fake.scores.detach().mean()
        terms = {"score": gk.losses.critic_loss(objective, real.scores, fake.scores)}
        if labels is not None:
            terms["classes"] = gk.losses.class_loss(real.classes, labels)
        if penalized[0]:
            slope = gk.constraints.score_gradient(real.scores, images)
            terms["penalty"] = 0.5 * options.penalty_weight * PENALTY_EVERY * slope.flatten(1).square().sum(1).mean()
        return terms

    def generator_terms(images: torch.Tensor, labels: torch.Tensor | None) -> dict[str, torch.Tensor]:
        del images
        output = critic(shared.pop("fake"), labels)
        terms = {"score": gk.losses.generator_loss(objective, output.scores)}
        if labels is not None:
            terms["classes"] = options.class_weight * gk.losses.class_loss(output.classes, labels)
        return terms

    return System(
        generator=generator,
        critic=critic,
        average=gk.training.WeightAverage(generator, decay=0.999),
        optimizers={"critic": critic_optimizer, "generator": generator_optimizer},
        schedule=gk.schedules.Constant(round=gk.schedules.Round(1)),
        critic_updates=gk.training.Update(critic_optimizer, hardware.autocast(critic_terms)),
        generator_updates=gk.training.Update(generator_optimizer, hardware.autocast(generator_terms), frozen=[critic]),
        latents=lambda count, rng: torch.randn(count, LATENTS, generator=rng),
        batch_size=options.batch_size,
        group=GROUP,
        scores=scores,
        plan=plan,
    )


RECIPE = Recipe(
    name="default",
    description="The best known here for two CPU cores in ten minutes; works with any labels and with none.",
    options=DefaultOptions,
    steps=6_000,
    conditioning=always(WhateverIsKnown()),
    build=build,
)
