"""Report E: an ACGAN whose generator gets colors as embeddings.

Source: report E and the program behind it. Noise (100) and two embeddings (8 each) are joined to 116 numbers. The critic
has a head for "real" and one for each attribute; its two steps, one on real and one on generated pictures, have half a
batch each, so that both networks see the same number of pictures. Targets are soft (real 1 - U(0, 0.2), generated
U(0, 0.2)); the critic weighs its losses 1.4, 0.8, 0.8 and the generator 1, 1, 1; generated labels are uniform. Batches have
128 pictures; Adam has learning rates 2e-4 (critic) and 1.5e-4 (generator), and betas 0.5 and 0.999.

In the critic's step, generated pictures are normalized by the generator's running statistics and leave these alone: the
report and its program call Keras' ``predict``. ``--fakes train`` normalizes them by their batch, as this recipe did at first; a
short run of each drew about equally well.

What the report compares is an option: embeddings that are multiplied, which was its first version, in both readings of
the word, or that act through the norms; full batches for the critic; one mixed step in place of two; other weights. Two
differences from the program are options too:

- Real half batches follow epochs, in which every picture is used once; the program draws them with replacement
  (``--sampling replacement``).
- Adam's epsilon is torch's 1e-8; Keras' is 1e-7 (``--adam-epsilon 1e-7``), and it adds it before the correction of the first
  steps.

No option removes this difference: samples come from an average of the generator's weights; the grids show the generator
without averaging beside it.

The report's labels are uniform although its data is not, and its critic learns classes from generated pictures too. Both are
kept, and both are known to bias the result (Odena et al. 2017 do the second as well); ``--fake-labels data`` and
``--fake-class-weight 0`` are the other way. Sizes other than 64 drop or add stages, each with twice the channels of its
neighbor.

Data: pictures with exactly one class of every attribute (report E: one hair and one eye color); any set of attributes; any
size that is 4 to 7 doubled a few times.
"""

from functools import partial

import torch

from examples.anime_faces.recipes.acgan.formulas import (
    NOTATION,
    condition_weights,
    formulas_of_critic,
    formulas_of_generator,
)
from examples.anime_faces.recipes.acgan.networks import networks
from examples.anime_faces.recipes.acgan.options import Options
from examples.anime_faces.recipes.acgan.terms import Terms
from examples.anime_faces.systems import Description, ExactlyOne, Networks, Recipe, Side, System, always


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report E together; nothing in it depends on the length of the run."""
    del steps
    terms = Terms.of(networks, description, options)
    adam = partial(torch.optim.Adam, betas=(0.5, 0.999), eps=options.adam_epsilon)
    return System(
        critic=Side(
            network=networks["critic"],
            optimizer=partial(adam, lr=options.critic_learning_rate),
            terms=terms.mixed if options.critic_step == "mixed" else {"real": terms.real, "fake": terms.fake},
            formulas=formulas_of_critic(options, terms.names),
        ),
        generator=Side(
            network=networks["generator"],
            optimizer=partial(adam, lr=options.generator_learning_rate),
            terms=terms.of_generator,
            formulas=formulas_of_generator(options, terms.names),
        ),
        batch_size=options.critic_batch_size,
        replacement=options.sampling == "replacement",
        notation=NOTATION,
        constants={"pictures in a batch of the generator": batch_of_generator(options)},
        condition_weights=condition_weights(networks["generator"], options.embedding_form),
    )


def batch_of_generator(options: Options) -> int:
    """Return how many pictures the generator's batch has: as many as the critic's two batches together, or as one."""
    return options.critic_batch_size * (1 if options.critic_batches == "full" else 2)


RECIPE = Recipe(
    description="Report E: an ACGAN with label embeddings, soft targets and half batches for the critic.",
    steps=20_000,
    report="E",
    data="pictures with exactly one class of each attribute",
    conditioning=always(ExactlyOne()),
    networks=networks,
    system=system,
)
