"""The default: the best of what was tried for two CPU cores and ten minutes (``benchmarks/results/faces.md``).

Batches are small, 4 conditions with 4 pictures each: twice as many steps of 16 pictures drew far better faces than steps of 32
in the same time. The critic sees how much the 4 pictures of a condition differ (minibatch deviation within a condition). It has
a projection of the condition and class heads. The generator's class loss is weak (0.1): at 0.3, in an early trial together with
other differences, it drew one face in all colors, and the colors were ones that only the critic could see.

A second, small critic sees only the waves of blocks of 4 x 4 pixels, all about equally strong, and is penalized with respect to
them, so that textures and edges count as much as shapes. A loss of colors (`gankit.losses.energy_distance_loss`) compares the
distribution of colors in a batch, in pictures reduced to 8 x 8 pixels, with that of real pictures. Without it, all backgrounds
of a run had one or two tints, whatever the critic was, even one that saw the 4 pictures of a condition side by side.

Non-saturating logistic losses, R1 (weight 0.3) at every 8th step, Adam with betas (0, 0.99), learning rates of 1e-3 (generator)
and 5e-4 (critic: with 1e-3, its features broke down now and then) that fall to a fiftieth along a cosine over the last two
fifths of the run, and an average of the generator's weights. One fake batch serves both networks. With less than 10,000
pictures the critic sees them changed (`augmentation.py`).

Source: put together for this pipeline. Parts: R1 of Mescheder et al. 2018, computed lazily as in StyleGAN 2; minibatch
deviation of Karras et al. 2018, here within groups of one condition; projection of Miyato and Koyama 2018.

Data: anything. Without labels it trains unconditionally; with one attribute or several it learns all of them, and a picture
whose class is missing or unclear counts as "unknown" for that attribute. Any size that is 4 to 7 doubled a few times.
"""

import math
from functools import partial
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes.default.augmentation import Augmentation
from examples.anime_faces.recipes.default.networks import LATENTS, networks
from examples.anime_faces.recipes.default.options import GROUP, Options
from examples.anime_faces.recipes.default.terms import PENALTY_EVERY, Terms
from examples.anime_faces.systems import Description, Networks, Recipe, Side, System, WhateverIsKnown, always

WARM_UP = 50


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
    generator, critic = networks["generator"], networks["critic"]
    augmented = Augmentation(options, description, steps)
    terms, lazy = Terms(critic=critic, options=options), gk.constraints.Lazy(every=PENALTY_EVERY)

    def prepare(batch: tuple[torch.Tensor, torch.Tensor | None]) -> tuple[torch.Tensor | None, ...]:
        images, labels = batch
        latents = gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
        return augmented(images), labels, augmented(generator(latents, labels))

    def side(rate: float, **parts: Any) -> Side:
        return Side(
            optimizer=partial(torch.optim.Adam, lr=rate, betas=(0.0, 0.99)),
            learning_rate=lambda step: rate * rate_at(step, steps, options.constant_share),
            **parts,
        )

    labeled = bool(description.attributes)
    return System(
        critic=side(
            options.critic_rate_factor * options.learning_rate,
            network=critic,
            terms={"plain": terms.plain, "penalized": terms.penalized},
            turn=lambda step: "penalized" if lazy(step) else "plain",
            formulas=terms.formulas_of_critic(labeled=labeled),
        ),
        generator=side(
            options.learning_rate,
            network=generator,
            terms=terms.of_generator,
            formulas=terms.formulas_of_generator(labeled=labeled),
        ),
        batch_size=options.batch_size,
        group=GROUP,
        prepare=prepare,
        plan=augmented.plan,
        note=augmented.note,
        notation=NOTATION,
        constants={"probability of augmentation, at most": augmented.most},
        condition_weights=condition_weights(networks) if labeled else {},
    )


NOTATION = {
    "E": "score of the critic of details; grad E is with respect to the waves of the picture",
    "distance": "energy distance between the colors of the batch, reduced to about 8 x 8 cells",
}


def condition_weights(networks: Networks) -> dict[str, list[torch.Tensor]]:
    """Return the weights that multiply the classes: the generator's embedding, and the critics' projections."""
    generator, critic = networks["generator"], networks["critic"]
    projections = [weight for name, weight in critic.named_parameters() if name.endswith("score.project.weight")]
    return {
        "generator": [generator.get_parameter("embed.weight").detach()],
        "critic": [weight.detach() for weight in projections],
    }


RECIPE = Recipe(
    description="The best of what was tried for two CPU cores and ten minutes; works with any labels and with none.",
    steps=12_000,
    data="any pictures; it learns their labels if they have some",
    conditioning=always(WhateverIsKnown()),
    networks=networks,
    system=system,
)
