"""DF-GAN (Tao et al. 2022), the modern successor of reports A and D, with the drawn conditions of StackGAN.

Source: the paper and its authors' program (tobran/DF-GAN), with the numbers of its file for birds. The generator makes 4 x 4
maps of noise (100, N(0, 1)); each block doubles them, and fuses noise and sentence vector (256) into them by affine layers.
The critic compares its last maps with the sentence vector. The losses are hinge losses: of real pairs, and half of those of
mismatched pairs and of generated pictures. The matching-aware gradient penalty keeps the critic flat at real pictures with
their own texts: twice the mean 6th power of the norm of its gradient by picture and sentence vector together. One update of
each network a round with the same generated pictures, Adam with betas 0 and 0.9, learning rates 1e-4 (generator) and 4e-4
(critic), batches of 32. The program trains for 1,300 epochs; 50,000 rounds are a choice of this recipe.

``--conditioning-augmentation``, which is on, is an addition: the generator is given, in place of the sentence vector, 128
numbers that are drawn with a mean and a variance that are learned from it. Their divergence from N(0, 1), averaged over the
numbers, has weight 2 (Zhang et al. 2017, StackGAN). The critic compares with the sentence vector itself.

Differences from the program:

- The sentence vector is a learned linear map of the text's vector, one in each network; the program has a recurrent text
  encoder that was trained before, with pictures, and is not changed. The map starts from N(0, 1), so that its numbers have the
  size of the noise. The penalty trains the critic's map too.
- A mismatched pair never matches by accident: the maps are those of a real picture with another text. The program shifts the
  batch by one.
- Shortcuts without a change of channels have no convolution. In the program the critic's have one that is not used.
- The layer that begins the generator has as many maps as the first block takes, also at small sizes. Other bases than 4, such
  as 6 for 96x96, have a last kernel of that size.
- Samples come from an average of the generator's weights, and noise is not truncated. The program draws from its last weights,
  and can truncate noise to -2..2 and multiply it by 0.88; ``sample --temperature 0.88`` does the second.

Data: every picture with a text: the words for its labels, or with ``--all-tags`` all tags. Any size that is 4 to 7 doubled a
few times.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.df_gan.formulas import (
    NOTATION,
    condition_weights,
    formulas_of_critic,
    formulas_of_generator,
)
from examples.anime_faces.recipes.df_gan.networks import networks
from examples.anime_faces.recipes.df_gan.options import Options
from examples.anime_faces.recipes.df_gan.terms import Terms
from examples.anime_faces.systems import Description, EveryText, Networks, Recipe, Side, System


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put DF-GAN together; nothing in it depends on the length of the run."""
    del description, steps
    terms = Terms(networks=networks, options=options)
    adam = partial(torch.optim.Adam, betas=(0.0, 0.9))
    return System(
        critic=Side(
            network=networks["critic"],
            optimizer=partial(adam, lr=options.critic_learning_rate),
            terms=terms.critic,
            formulas=formulas_of_critic(options),
        ),
        generator=Side(
            network=networks["generator"],
            optimizer=partial(adam, lr=options.generator_learning_rate),
            terms=terms.generator,
            formulas=formulas_of_generator(options),
        ),
        schedule=gk.schedules.Constant(round=gk.schedules.Round(1)),
        batch_size=options.batch_size,
        prepare=terms.prepare,
        notation=NOTATION,
        condition_weights=condition_weights(networks),
    )


RECIPE = Recipe(
    description="DF-GAN: a text changes every layer of the generator, and the critic is flat around matching pairs.",
    steps=50_000,
    data="pictures with texts: the words for labels, or all tags of a tag file",
    conditioning=EveryText.from_options,
    networks=networks,
    system=system,
)
