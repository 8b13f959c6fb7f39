"""R3GAN: paired losses, R1 and R2 at every step, and deep residual networks without norms.

Source: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline" (NeurIPS, arXiv 2501.05441), and the
program of the authors (brownvc/R3GAN), whose settings for 64 x 64 are those of ``--width 768 --batch-size 256``. Each real
picture is compared with a generated one that has the same labels: with D for the scores and softplus(x) = log(1 + exp(x)),
the critic lowers the mean of softplus(D(fake) - D(real)) and the generator that of softplus(D(real) - D(fake)). Gamma / 2 times
the squared gradient of D is added at every step, at real pictures (R1) and at generated ones (R2), with respect to pictures
before they are augmented. There is nothing else: no norm, no class loss, no minibatch deviation.

Along one cosine over the horizon, all of these move: the learning rate from 2e-4 to 5e-5, the second beta of Adam from 0.9 to
0.99 (the first is 0), gamma from 2 to 0.2, the half-life of the average of weights from 0 to 500 thousand of 20 million
pictures, the probability of augmentation from 0 to 0.3.

Differences:

- The horizon is a share of the run, the whole of it by default, and the half-life 0.025 of the horizon; the program has 20
  million pictures and 500 thousand of them.
- The networks are narrow and batches have 16 pictures by default, for CPUs. Stages beyond 32 x 32 have half the channels of the
  one before, as in the program's settings for faces.
- Labels of several attributes act as the sum of a vector for each of their classes.
- Augmentation moves, turns, stretches and cuts pictures, but leaves their colors as they are, since labels name colors.
- The generator draws with the real pictures of the critic's batch as partners; a batch serves both.
- `gankit.networks.R3GANGenerator` lists what differs in the networks.

Data: anything. Without labels it trains unconditionally; a missing or unclear class counts as one more class, "unknown". Any
size that is 4 to 7 doubled a few times.
"""

from functools import partial
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes.r3gan.formulas import (
    GENERATOR_SCORE,
    NOTATION,
    condition_weights,
    formulas_of_critic,
)
from examples.anime_faces.recipes.r3gan.networks import networks
from examples.anime_faces.recipes.r3gan.options import Options
from examples.anime_faces.recipes.r3gan.plan import Plan
from examples.anime_faces.recipes.r3gan.terms import Terms
from examples.anime_faces.systems import Description, Networks, Recipe, Side, System, WhateverIsKnown, always


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put R3GAN together; what changes follows the length of the run."""
    labeled = bool(description.attributes)
    plan = Plan(options=options, steps=steps)
    terms = Terms(networks, options, plan)

    def side(**parts: Any) -> Side:
        adam = partial(torch.optim.Adam, lr=options.learning_rate, betas=plan.betas(0))
        return Side(optimizer=adam, learning_rate=plan.learning_rate, betas=plan.betas, **parts)

    return System(
        critic=side(network=networks["critic"], terms=terms.critic, formulas=formulas_of_critic(plan)),
        generator=side(network=networks["generator"], terms=terms.generator, formulas={"score": GENERATOR_SCORE}),
        batch_size=options.batch_size,
        prepare=terms.prepare,
        plan=terms.plan,
        average=partial(gk.training.WeightAverage, warmup=False),
        average_decay=plan.average_decay,
        notation=NOTATION,
        constants={"probability of augmentation at the end": options.augmentation},
        condition_weights=condition_weights(networks) if labeled else {},
    )


RECIPE = Recipe(
    description="R3GAN: paired losses, R1 and R2 at every step, deep networks without norms; any labels, or none.",
    steps=20_000,
    data="any pictures; it learns their labels if they have some",
    conditioning=always(WhateverIsKnown()),
    networks=networks,
    system=system,
)
