"""Report E's networks with what later made GANs stable: R1, an average by half-life, and adaptive augmentation.

Source: put together for this pipeline; the numbers are those of StyleGAN2-ADA (Karras et al. 2020, and its program's automatic
configuration). The networks are those of `acgan`. The losses are the non-saturating logistic ones, with report E's weights of
1.4 for the score and 0.8 for each attribute's classes in the critic's loss; the critic learns classes from real pictures only,
since classes of generated ones teach it to accept the generator's mistakes. Labels of generated pictures are those of the real
pictures in the batch.

R1 (Mescheder et al. 2018) has gamma = 0.0002 * size * size / batch size, at every 16th round in a step of its own with 16 times
the weight; the critic's learning rate and betas are corrected for this step, to the power or the share of 16/17. The average of
the generator's weights has a half-life of 10/32 * batch size thousand pictures, at most 0.05 of those so far. The critic
sees every picture changed with a probability that rises while the mean sign of real scores is above 0.6, and falls else, at
every 4th round, by 1 in 500,000 pictures; R1 is taken with respect to the picture before it is changed. Adam has a learning
rate of 2e-4, that of report E's critic, and betas 0 and 0.99.

Differences from StyleGAN2-ADA, beside the networks and the class heads: the changes of pictures are interpolated linearly
(`gankit.augment.GeometricTransformation`); the probability is at most 1; only the scores of the main step are counted for it,
not those of R1's step. The critic keeps report E's batch norms, with which the gradient at one picture depends on the others,
so that R1 no longer measures each alone; ``--critic-norm layer`` avoids that, and drew no better in short runs.

Data: pictures with exactly one class of every attribute; any set of attributes; any size that is 4 to 7 doubled a few times.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes._cost_names import cost_names
from examples.anime_faces.recipes.acgan.formulas import condition_weights
from examples.anime_faces.recipes.retrofit.augmentation import AdaptiveAugmentation
from examples.anime_faces.recipes.retrofit.formulas import NOTATION, formulas_of_critic, formulas_of_generator
from examples.anime_faces.recipes.retrofit.networks import networks
from examples.anime_faces.recipes.retrofit.options import Options
from examples.anime_faces.recipes.retrofit.terms import Terms
from examples.anime_faces.systems import Description, ExactlyOne, Networks, Recipe, Side, System, always

BETAS = (0.0, 0.99)
HALF_LIFE = 1000 * 10 / 32
"""Pictures in the half-life of the average, for each picture of a batch."""
RAMP = 0.05


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put the recipe together; nothing in it depends on the length of the run."""
    del steps
    generator, critic = networks["generator"], networks["critic"]
    augmented = AdaptiveAugmentation(options, next(critic.parameters()).device)
    terms = Terms(networks=networks, description=description, options=options, augmented=augmented)
    lazy, rate = gk.constraints.Lazy(every=options.penalty_every), options.learning_rate
    penalized = options.penalty_weight != 0

    def turn(step: int) -> tuple[str, ...]:
        return ("main", "penalty") if penalized and lazy(step) else ("main",)

    of_critic = (
        {"lr": lazy.learning_rate(rate), "betas": lazy.betas(BETAS)} if penalized else {"lr": rate, "betas": BETAS}
    )
    batch_size, names = options.batch_size, cost_names(description.attributes)
    return System(
        critic=Side(
            network=critic,
            optimizer=partial(torch.optim.Adam, **of_critic),
            terms={"main": terms.main, "penalty": terms.penalty},
            turn=turn,
            formulas=formulas_of_critic(options, names, description.size),
        ),
        generator=Side(
            network=generator,
            optimizer=partial(torch.optim.Adam, lr=rate, betas=BETAS),
            terms=terms.of_generator,
            formulas=formulas_of_generator(options, names),
        ),
        batch_size=batch_size,
        plan=augmented.plan,
        after=augmented.follow,
        average=partial(gk.training.WeightAverage, warmup=False),
        average_decay=gk.schedules.HalfLife(samples=HALF_LIFE * batch_size, batch_size=batch_size, ramp=RAMP),
        parts=augmented.parts,
        notation=NOTATION,
        condition_weights=condition_weights(generator, "joined"),
    )


RECIPE = Recipe(
    description="Report E's networks with R1, an average by half-life and adaptive augmentation.",
    steps=20_000,
    data="pictures with exactly one class of each attribute",
    conditioning=always(ExactlyOne()),
    networks=networks,
    system=system,
)
