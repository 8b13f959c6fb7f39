"""Report C: pictures from a vector of tags, by "WGAN-GP", or by the WGAN with clipped weights that it begins with.

Source: report C and its author's program. The condition is a multi-hot vector over all tags (23 for the course's data; the
report calls it one-hot), noise is U(-1, 1) with 100 numbers, five critic updates come before each of the generator's, 10,000
rounds of batches of 64. ``--constraint gp`` (the default) is the final model: the gradient penalty has weight 10, Adam has
learning rate 1e-4 and betas 0.5 and 0.9. ``--constraint clip`` is the first one, on which the report compares ratios: weights
are clipped to 0.01, RMSprop has learning rate 5e-5.

Report and program differ, so there are two forms of both:

- corrected (the default) does what the report writes: the Wasserstein loss, one interpolation weight per picture, a fresh
  batch for each critic update, weights clipped after each. With the penalty the critic has layer norm, because batch norm
  couples the pictures whose gradients are measured one by one; with clipped weights it has batch norm. Running statistics in
  the generator, so that a drawn picture does not depend on others. The critic compares picture and tags in a 1x1 convolution
  with leaky ReLU, as that of GAN-CLS does.
- ``--literal`` does what the programs did: cross-entropy on a sigmoid critic, the same real batch for all critic updates of a
  round, and batch norm in the critic. The last program adds the penalty on the logit, with one interpolation weight per batch.
  One linear layer follows the critic's maps and tags: the score is one of the picture plus one of the tags, and its gradient
  with respect to the picture does not depend on the tags (``--joined summed``). With the corrected losses such a critic let the
  generator ignore its tags: 11 % of hair colors were as requested after 5,000 rounds, near chance.
  The first one clips before each critic update, and adds 2.5e-5 times the sum of absolute weights to the loss of each network.
  Both networks always normalize by their batch, so that a picture depends on those that are drawn with it.

The report also compares numbers of updates (``--critic-steps``, ``--generator-steps``) and their order
(``--generator-first``). ``--fresh-losses`` logs both losses as the program does: on a batch that no update has used yet, after
all updates so far, with the same drawn pictures for both, and without the weights' own cost.

Differences from the report in all forms: samples come from an average of the generator's weights (grids show the generator
without averaging too). Losses are logged as means over 100 rounds, not for every hundredth round alone.
Differences of ``--literal --constraint clip`` from the first program: RMSprop's 1e-10 is added after the square root, not
before. Only weights, biases and shifts of the critic are clipped; the program takes all variables that have the critic's name
in theirs, among them RMSprop's mean squares and the statistics of norms. Each network's loss has the sum of its own weights,
where the program's has that of both; the other part has no gradient.

Data: pictures with at least one tag; several classes of an attribute may be set; any size that is 4 to 7 doubled a few times.
"""

from collections.abc import Iterable
from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.tags_wgan_gp.formulas import (
    ONE_MIX,
    condition_weights,
    formulas_of_critic,
    formulas_of_generator,
)
from examples.anime_faces.recipes.tags_wgan_gp.networks import networks
from examples.anime_faces.recipes.tags_wgan_gp.options import Options
from examples.anime_faces.recipes.tags_wgan_gp.terms import Terms
from examples.anime_faces.systems import AnyTag, Description, Networks, OptimizerMaker, Recipe, Side, System, always


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report C together; nothing in it depends on the length of the run."""
    del steps
    terms, optimizer = Terms(networks=networks, options=options), _optimizer(options)
    clip = None
    if options.constraint == "clip":
        clip = partial(gk.constraints.clip_weights_, networks["critic"], options.number("clip"))
    turns = gk.schedules.Round(
        options.critic_steps, generator=options.generator_steps, generator_first=options.generator_first
    )
    return System(
        critic=Side(
            network=networks["critic"],
            optimizer=optimizer,
            terms=terms.critic,
            before=clip if options.clip_when == "before" else None,
            constraint=clip if options.clip_when == "after" else None,
            formulas=formulas_of_critic(options, terms.objective),
        ),
        generator=Side(
            network=networks["generator"],
            optimizer=optimizer,
            terms=terms.generator,
            formulas=formulas_of_generator(options, terms.objective),
        ),
        schedule=gk.schedules.Constant(round=turns),
        batch_size=options.batch_size,
        fresh_batches=options.round_batches == "fresh",
        measure=terms.measure if options.fresh_losses else None,
        notation=ONE_MIX if options.literal else {},
        condition_weights=condition_weights(networks, description),
    )


def rmsprop_of_tensorflow(parameters: Iterable[nn.Parameter], *, lr: float) -> torch.optim.RMSprop:
    """Make RMSprop as TensorFlow 1 has it: a decay of 0.9, and mean squares that start at 1, so that first steps are short.

    With torch's own start at 0 the first step of each weight is 3.2 learning rates long, whatever its gradient.
    """
    optimizer = torch.optim.RMSprop(parameters, lr=lr, alpha=0.9, eps=1e-10)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            square = torch.ones_like(parameter, requires_grad=False, memory_format=torch.preserve_format)
            optimizer.state[parameter] = {"step": torch.zeros(()), "square_avg": square}
    return optimizer


def _optimizer(options: Options) -> OptimizerMaker:
    rate = options.number("learning_rate")
    if options.constraint == "gp":
        return partial(torch.optim.Adam, lr=rate, betas=(0.5, 0.9))
    return partial(rmsprop_of_tensorflow if options.literal else torch.optim.RMSprop, lr=rate)


RECIPE = Recipe(
    description="Report C: pictures from a multi-hot vector of tags, by WGAN-GP or clipped weights (--literal: its programs).",
    steps=10_000,
    report="C",
    data="pictures with at least one label; several may be set",
    conditioning=always(AnyTag()),
    networks=networks,
    system=system,
)
