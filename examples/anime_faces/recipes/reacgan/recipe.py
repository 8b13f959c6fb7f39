"""ReACGAN: classes on the unit sphere, by the data-to-data cross-entropy; a successor of report E's ACGAN.

Source: Kang, Shim, Cho and Park 2021, "Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training" (NeurIPS), and the
settings of their program for CIFAR-10 (PyTorch-StudioGAN, configs/CIFAR10/ReACGAN.yaml). The class head of an ACGAN is replaced
by an embedding of length 1 (512 numbers), which is compared with one learned point of the sphere per class, its proxy, and with
the pictures of other classes in the batch (`gankit.losses.data_to_data_loss`; temperature 0.5, margins 0.98 and 0.02). The
critic learns it from real pictures and the generator from its own, both with weight 0.5, beside hinge losses. Both networks are
BigGAN's, with spectral norm; norms of the generator depend on the class and on latents (80 at 32 x 32: 20 for each block and 20
for the first layer). Adam has learning rate 2.83e-4 and betas 0.5 and 0.999, and the average of the generator's weights keeps
0.9999 of itself from round 1000 on; until then it is the generator. ``--width 96 --batch-size 128`` has the program's sizes.

Not checked against the program, but written from memory of it: the betas, two critic updates per round, the length 128 of the
generator's class vectors, 20 latents for each block at other sizes, orthogonal weights at the start, and where `--attention`
has its layers: after the critic's first block and before the generator's last one, as in SAGAN at 32 x 32.

Differences:

- The networks are narrow and batches have 64 pictures by default, for CPUs.
- Each attribute, such as hair and eyes, has a sphere of its own in the critic and a class vector in the generator; the
  program's data has one attribute. Their losses are added.
- Labels of generated pictures are those of the real pictures in the batch, so that both have the same distribution; the program
  draws them uniformly.
- Proxies have no spectral norm, which would change nothing, since they have length 1. The loss is the paper's equation 9, from
  which the program differs (`gankit.losses.data_to_data_loss`).
- Epsilon of the batch norms is torch's 1e-5.
- The critic halves pictures of 32 x 32 twice, as in the program; those of other sizes down to the generator's first maps.

Data: pictures with exactly one class of every attribute; any set of attributes; any size that is 4 to 7 doubled a few times.
"""

from functools import partial
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes._cost_names import cost_names
from examples.anime_faces.recipes.reacgan.formulas import class_formulas, condition_weights, notation_of
from examples.anime_faces.recipes.reacgan.networks import networks
from examples.anime_faces.recipes.reacgan.options import Options
from examples.anime_faces.recipes.reacgan.terms import OBJECTIVE, Terms
from examples.anime_faces.systems import (
    Description,
    ExactlyOne,
    Networks,
    Recipe,
    Side,
    System,
    always,
    critic_formula,
    generator_formula,
)


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put ReACGAN together; nothing in it depends on the length of the run."""
    del steps
    terms = Terms(networks=networks, description=description, options=options)

    def side(**parts: Any) -> Side:
        return Side(optimizer=partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.5, 0.999)), **parts)

    def average_decay(step: int) -> float:
        return options.average_decay if step >= options.average_start else 0.0

    names = cost_names(description.attributes)
    return System(
        critic=side(
            network=networks["critic"],
            terms=terms.critic,
            formulas={"score": critic_formula(OBJECTIVE)} | class_formulas(options, names, "real"),
        ),
        generator=side(
            network=networks["generator"],
            terms=terms.generator,
            formulas={"score": generator_formula(OBJECTIVE)} | class_formulas(options, names, "fake"),
        ),
        schedule=gk.schedules.Constant(round=gk.schedules.Round(options.critic_steps)),
        batch_size=options.batch_size,
        average=partial(gk.training.WeightAverage, warmup=False),
        average_decay=average_decay,
        notation=notation_of(options),
        condition_weights=condition_weights(networks["generator"]),
    )


RECIPE = Recipe(
    description="ReACGAN: an ACGAN whose classes lie on the unit sphere, by the data-to-data cross-entropy.",
    steps=20_000,
    data="pictures with exactly one class of each attribute",
    conditioning=always(ExactlyOne()),
    networks=networks,
    system=system,
)
