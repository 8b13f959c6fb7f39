"""Report B: the ACGAN of SRResNet layers from arXiv 1708.05509, with the losses of WGAN-GP or of the paper.

Source: report B, which takes its text-to-image system from Jin et al. 2017 (arXiv 1708.05509, MakeGirlsMoe) and changes it to
WGAN-GP with experience replay. Its program is lost. The generator joins noise (128, N(0, 1)) and a vector of tags; 16 residual
blocks of SRResNet on small maps and sub-pixel convolutions follow. The critic has residual blocks without norms, a head for
"real" and one for each tag. There are two forms, `--objective`:

- ``wgan_gp`` (the default), as in the report: the Wasserstein loss, the gradient penalty with weight 10 and one interpolation
  weight per picture, five critic updates per round. The report names no more; weights are those of the authors' ACGAN on
  CIFAR-10 (igul222/improved_wgan_training): the critic learns tags from real pictures with weight 1, the generator with 0.1, in
  batches twice as large; Adam with betas 0 and 0.9, whose learning rate of 2e-4 falls to 0 in equal steps.
- ``dragan``, as in the paper: with n tags, n times cross-entropy for the scores (lambda_adv), plus the cross-entropies of all
  tags, those of generated pictures too, and the penalty of DRAGAN with weight 0.5; one critic update per round; Adam with
  learning rate 2e-4 and betas 0.5 and 0.999. Tags of generated pictures are drawn: one class of each attribute with the same
  probability (in the paper hair and eye color), every tag that excludes no other with probability 0.25.

In both, half of the generated pictures that the critic sees are earlier ones from a pool, with the tags that they were drawn
for (Shrivastava et al. 2017, section 2.3), since report B uses experience replay; the generator is trained on new ones only.
The report does not give the size of the pool: 512 is a choice of this recipe. ``--replay 0`` has no pool, as the paper.
Checkpoints hold the pool.

The report also says that its residual blocks follow He et al. 2016 (arXiv 1603.05027), whose activations come before the
convolutions, while those of the paper follow SRResNet. ``--pre-activation`` has such blocks in both networks.

``--extra FOLDER`` joins a second data set, as the report tries; pictures of both form one sequence. One more tag shows both
networks which set a picture is of; tags that the second set does not have have no loss. Samples are drawn as in the first set.
With ``--no-extra-labels`` the pictures of the second set have no label at all: the report suspects that this, together with
pictures that are too similar to each other, made its samples noise. The generator then gets zeros for unknown tags.

Differences from the paper:

- The critic's weights start from He's rule. From N(0, 0.02), as in the programs that follow the paper, a critic without norms
  gives all pictures almost the same score, the more so the narrower it is.
- An attribute with a single class is a tag that excludes no other; two or more classes of an attribute exclude each other.
- Other sizes than 128 have smaller first maps, and the critic halves as often as it can.
- The paper's learning rate falls after 50,000 rounds, which is beyond this plan.
- Samples come from an average of the generator's weights; the grids show the generator without averaging beside it.

Data: pictures with at least one tag; several classes of an attribute may be set; any size that is 4 to 7 doubled a few times.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes._make_girls_moe import LATENTS
from examples.anime_faces.recipes.srresnet_acgan.networks import networks
from examples.anime_faces.recipes.srresnet_acgan.options import Options
from examples.anime_faces.recipes.srresnet_acgan.terms import Terms
from examples.anime_faces.systems import Description, Networks, Recipe, Side, System, WithSecondSet, columns_after


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report B's ACGAN together; with `wgan_gp` the learning rate follows the length of the run."""
    replay = gk.training.Replay(options.replay)
    terms = Terms(networks=networks, description=description, options=options, replay=replay)
    optimizer = partial(torch.optim.Adam, lr=options.learning_rate, betas=options.form.betas)

    def falling(step: int) -> float:
        return options.learning_rate * max(0.0, 1 - step / steps)

    learning_rate = falling if options.form.decays else None
    critic_steps = int(options.chosen("critic_steps"))
    tags = sum(description.classes) + options.numbers_of_sets
    return System(
        critic=Side(
            network=networks["critic"],
            optimizer=optimizer,
            terms=terms.critic,
            learning_rate=learning_rate,
            formulas=terms.formulas_of_critic(tags),
        ),
        generator=Side(
            network=networks["generator"],
            optimizer=optimizer,
            terms=terms.generator,
            learning_rate=learning_rate,
            formulas=terms.formulas_of_generator(tags),
        ),
        schedule=gk.schedules.Constant(round=gk.schedules.Round(critic_steps)),
        batch_size=options.batch_size,
        prepare=terms.prepare,
        parts={"replay": replay},
        constants={"batches of the critic in a batch of the generator": options.form.generator_batches},
        condition_weights={"generator": [columns_after(networks["generator"].get_parameter("stem.0.weight"), LATENTS)]},
    )


def conditioning(options: Options) -> WithSecondSet:
    """Read tags, and join the second data set if there is one."""
    return WithSecondSet(options.extra, labeled=options.extra_labels)


RECIPE = Recipe(
    description="Report B: an ACGAN of SRResNet layers, by WGAN-GP with a pool of earlier pictures.",
    steps=20_000,
    report="B",
    data="pictures with at least one label; several may be set",
    conditioning=conditioning,
    networks=networks,
    system=system,
)
