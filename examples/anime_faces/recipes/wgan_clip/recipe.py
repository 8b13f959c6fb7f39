"""Report B: the networks of `dcgan` as a WGAN with clipped weights.

Source: report B, whose program is lost. The networks are those of `dcgan`; only the critic's optimizer becomes RMSprop, the
critic has three updates per round, and before each of them all its weights are clipped to 0.01. Its learning rate is not
given: 5e-5 is that of the WGAN paper (Arjovsky et al. 2017).

There are two forms:

- corrected (the default) has the Wasserstein loss, for which the clip is meant.
- ``--literal`` keeps the cross-entropy of `dcgan` and adds the rest. The report names accuracies and a loss of 2.9 for its
  generator, which only fit to a critic with a sigmoid.

Differences from the report in both: RMSprop's decay is torch's 0.99, where Keras has 0.9, so that the first step is ten
learning rates long; running statistics of norms are not clipped, which a program that clips all weights of a Keras model does;
and those that `dcgan` names. Clipping before an update leaves weights that one step has moved past the bound, so the
generator's update and the checkpoints have those; ``--clip-after`` is the order of the paper.

Losses of the two forms, and of `dcgan`, are on different scales: that one is lower than another says nothing about pictures.

Data: any pictures; labels are not read. Any size that is 4 to 7 doubled a few times.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.dcgan.losses import critic_terms, generator_terms
from examples.anime_faces.recipes.dcgan.networks import networks
from examples.anime_faces.recipes.wgan_clip.options import Options
from examples.anime_faces.systems import (
    AnyPicture,
    Description,
    Networks,
    Recipe,
    Side,
    System,
    always,
    critic_formula,
    generator_formula,
)


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report B's WGAN together; nothing in it depends on the length of the run."""
    del description, steps
    generator, critic = networks["generator"], networks["critic"]
    objective = gk.losses.Logistic() if options.literal else gk.losses.Wasserstein()
    clip = partial(gk.constraints.clip_weights_, critic, options.clip, include_norms=options.clip_norms)
    return System(
        critic=Side(
            network=critic,
            optimizer=partial(torch.optim.RMSprop, lr=options.critic_learning_rate),
            terms=critic_terms(networks, objective, relative=not options.literal),
            formulas={"score": critic_formula(objective)},
            before=None if options.clip_after else clip,
            constraint=clip if options.clip_after else None,
        ),
        generator=Side(
            network=generator,
            optimizer=partial(torch.optim.Adam, lr=options.generator_learning_rate, betas=(0.5, 0.999)),
            terms=generator_terms(networks, objective),
            formulas={"score": generator_formula(objective)},
        ),
        schedule=gk.schedules.Constant(round=gk.schedules.Round(options.critic_steps)),
        batch_size=options.batch_size,
    )


RECIPE = Recipe(
    description="Report B: the networks of dcgan as a WGAN with clipped weights (--literal: with cross-entropy).",
    steps=20_000,
    report="B",
    data="any pictures; labels are not read",
    conditioning=always(AnyPicture()),
    networks=networks,
    system=system,
)
