"""Report D: GAN-CLS, with a penalty on the weights of the text and a critic that is sometimes deceived.

Source: report D. Its program is lost; its parent is a public TensorFlow program of GAN-CLS with skip-thoughts, whose networks
these are. The text's vector (2400) is projected to 256, joined after the noise (100, N(0, 1)) in the generator, and joined to
the last maps in the critic. The critic's loss is the logistic loss of real pairs, and half of those of mismatched pairs and of
generated pictures: -(log s_r + (log(1 - s_w) + log(1 - s_f)) / 2). The log shows s_r, s_w and s_f as the scores "real",
"mismatched" and "fake". The generator's loss is -log s_f plus beta * 1/2 of the squared weights of its own text projection; it
is updated twice a round. The "cheat": with probability 0.1 a generated picture is labeled as a real one, log s_f in place of
log(1 - s_f). Adam with learning rate 2e-4 and betas 0.5 and 0.999, constant over the run.

What the report leaves open is an option: whether the cheat draws once per picture or per batch, and whether its probability
stays, falls to 0 along the run, or follows the critic; whether the generator is updated first, and with texts of its own.
``--literal`` does as the parent: weights 1 and 1, and both generator updates have the noise of the critic's fakes.

Options that replace a part of the report:

- ``--conditioning-augmentation``, in place of the generator's projection: a condition of 128 numbers, drawn with a mean and a
  variance that are learned from the text (Zhang et al. 2017, StackGAN). Its divergence from N(0, 1), averaged over its numbers
  as in the authors' programs, has weight 2. The leaky ReLU on mean and log variance is that of the first program; the second,
  with the same weight, has a plain one, which allows no variance below 1. beta then counts the weights of this layer.
- ``--apa``, in place of the cheat: adaptive pseudo augmentation (Jiang et al. 2021), with the numbers of the authors' program:
  target 0.6, every fourth round, 500,000 pictures. Real pictures give way to the critic's own fakes of the same texts; the
  program takes those of the generator's last update, whose conditions are others.
- ``--mode-seeking``, in place of the squared weights: 1 / (|x1 - x2| / |z1 - z2| + 1e-5), of two pictures of each text, in
  -1..1, both scored by the critic (Mao et al. 2019; their weight is 1).
- ``--r1``: gamma / 2 times the squared gradient by the real pictures (in 0..1) with their own texts, at every critic update
  (Mescheder et al. 2018). The critic then has layer norms, since batch norms couple pictures.

Differences from the report: the critic is updated first and then the generator twice, as in the parent; the report names the
generator's updates first (``--generator-first``). Both generator updates use the texts of the critic's batch (else
``--fresh-texts``). Samples come from an average of the generator's weights. Vectors are hashed n-grams unless a table of
vectors or the files of skip-thoughts are given. A mismatched pair is a real picture of another text in the batch, never equal
by accident. Convolutions are padded by 2 on both sides, where TensorFlow pads by 1 and 2. The length of the run, 25,000
rounds, is 100 epochs of the 250 batches that the report mentions. Both networks use pictures in 0..1, as in the parent; the
pipeline keeps -1..1.

Data: every picture with a text: the words for its labels (report D), or with ``--all-tags`` all tags. Any size that is 4 to 7
doubled a few times.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.gan_cls.cheat import Cheat, Deception
from examples.anime_faces.recipes.gan_cls.formulas import (
    condition_weights,
    formulas_of_critic,
    formulas_of_generator,
    notation_of,
)
from examples.anime_faces.recipes.gan_cls.networks import networks
from examples.anime_faces.recipes.gan_cls.options import Options
from examples.anime_faces.recipes.gan_cls.pseudo_augmentation import PseudoAugmentation
from examples.anime_faces.recipes.gan_cls.terms import Terms
from examples.anime_faces.systems import Description, EveryText, Networks, Recipe, Side, System


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report D together; only the cheat may decay along the `steps`."""
    del description
    generator, critic = networks["generator"], networks["critic"]
    device = next(generator.parameters()).device
    deception: Deception = (
        PseudoAugmentation(options.batch_size, device) if options.apa else Cheat(options, steps, device)
    )
    terms = Terms(networks=networks, options=options, deception=deception)
    optimizer = partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.5, 0.999))
    turns = gk.schedules.Round(1, generator=options.generator_steps, generator_first=options.generator_first)
    return System(
        critic=Side(network=critic, optimizer=optimizer, terms=terms.critic, formulas=formulas_of_critic(options)),
        generator=Side(
            network=generator,
            optimizer=optimizer,
            terms=terms.of_generator,
            formulas=formulas_of_generator(options),
        ),
        schedule=gk.schedules.Constant(round=turns),
        batch_size=options.batch_size * (1 + options.generator_steps * options.fresh_texts),
        prepare=terms.prepare,
        plan=deception.plan,
        after=deception.follow,
        parts=deception.parts,
        notation=notation_of(options),
        condition_weights=condition_weights(networks),
    )


RECIPE = Recipe(
    description="Report D: pictures from a text, by GAN-CLS with a penalty on text weights and a critic that is deceived.",
    steps=25_000,
    report="D",
    data="pictures with texts: the words for labels, or all tags of a tag file",
    conditioning=EveryText.from_options,
    networks=networks,
    system=system,
)
