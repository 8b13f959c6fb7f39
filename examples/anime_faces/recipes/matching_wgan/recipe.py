"""Report A: a matching-aware WGAN that draws from any text.

Source: report A. Its program is lost; layers follow the program of Reed et al. 2016, enlarged to 96x96. A DCGAN draws from
noise (100, N(0, 1)) and the text's vector (2400, projected to 128). In the critic the projected text is joined to the last
maps, and a 1x1 convolution compares the two. The critic's loss is the Wasserstein loss over real pairs, real pictures with
another picture's text, and generated pictures. All its weights are clipped to 0.01, those of norms too unless
``--no-clip-norms``; RMSprop with learning rate 5e-5. In every epoch the rounds 0 to 24 and each 500th have 25 critic updates,
the others 5; one generator update follows in each. An epoch is as many rounds as there are batches of the data: 3,130 critic
updates in 522 rounds. Both networks use pictures in 0..1, and the generator ends in a sigmoid; the pipeline keeps -1..1.

There are two forms:

- corrected (the default) weighs mismatched pairs and generated pictures by 1/2 each, together as much as real ones.
- ``--literal`` weighs them by 1 and 1, as the report writes. The loss then falls when all scores fall together, and only the
  clip stops the critic's bias.

The report leaves three things open, or another way than the default; each is an option: ``--round-batches shared`` gives all
5 or 25 critic updates of a round the same batch, which is then the report's "batch"; by default each has its own, and an epoch
of rounds uses every picture six times. ``--count-from-one`` counts the rounds of an epoch from 1, so that an epoch of 500 has
a 500th one (3,020 critic updates, else 3,000; 3,130 of 522 either way). ``--text-first`` joins the text before the noise in
the generator's input, as the report writes: a permutation of inputs.

Differences from the report in all forms: samples come from an average of the generator's weights; vectors are hashed n-grams
unless a table of vectors, or the files of skip-thoughts, which the report used, are given. A mismatched pair is a real picture
from elsewhere in the batch whose text has another vector, never equal by accident. The 1x1 convolution has 8 times `width`
channels at every size, which below 64x64 is more than its input maps have. The report's norms, initial weights and projection
are not known, nor whether it clips before or after an update: here after.

Data: every picture with a text; of tag files all tags. Any size that is 4 to 7 doubled a few times.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.matching_wgan.networks import LATENTS, networks
from examples.anime_faces.recipes.matching_wgan.options import Options
from examples.anime_faces.systems import (
    Description,
    EveryText,
    Networks,
    Recipe,
    Scalars,
    Side,
    System,
    generator_formula,
    matching_formula,
    score_readings,
    to_unit_range,
)

FIRST, EVERY = 25, 500


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report A together; nothing in it depends on the length of the run."""
    del steps
    assert description.text is not None
    generator, critic = networks["generator"], networks["critic"]
    objective = gk.losses.Wasserstein()
    weight = 1.0 if options.literal else 0.5

    def draw_latents(images: torch.Tensor) -> torch.Tensor:
        return gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)

    def critic_terms(images: torch.Tensor, texts: torch.Tensor) -> tuple[Scalars, Scalars]:
        with torch.no_grad():
            fake = generator(draw_latents(images), texts)
        real = to_unit_range(images)
        mismatched = real[gk.losses.mismatched_indices(texts)]
        pairs = {"real": real, "mismatched": mismatched, "fake": fake}
        scores = {name: critic(pictures, texts) for name, pictures in pairs.items()}
        loss = gk.losses.matching_aware_critic_loss(
            objective, **scores, mismatched_weight=weight, fake_weight=weight, balanced=not options.literal
        )
        return {"score": loss}, score_readings(scores, relative=True)

    def generator_terms(images: torch.Tensor, texts: torch.Tensor) -> tuple[Scalars, Scalars]:
        latents = draw_latents(images)
        costs = {"score": gk.losses.generator_loss(objective, critic(generator(latents, texts), texts))}
        with torch.no_grad():
            projected = generator.get_submodule("embedder")(texts)
        return costs, {"inputs/noise": mean_length(latents), "inputs/text": mean_length(projected)}

    optimizer = partial(torch.optim.RMSprop, lr=options.learning_rate)
    return System(
        critic=Side(
            network=critic,
            optimizer=optimizer,
            terms=critic_terms,
            formulas={"score": matching_formula(objective, mismatched_weight=weight, fake_weight=weight)},
            constraint=partial(gk.constraints.clip_weights_, critic, options.clip, include_norms=options.clip_norms),
        ),
        generator=Side(
            network=generator,
            optimizer=optimizer,
            terms=generator_terms,
            formulas={"score": generator_formula(objective)},
        ),
        schedule=gk.schedules.Boosted(
            base=gk.schedules.Round(options.critic_steps),
            boost=gk.schedules.Round(options.boosted_steps),
            first=FIRST,
            every=EVERY,
            epoch_length=max(1, description.text.pictures // options.batch_size),
            count_from=int(options.count_from_one),
        ),
        batch_size=options.batch_size,
        fresh_batches=options.round_batches == "fresh",
        condition_weights={
            name: [network.get_parameter("embedder.linear.weight").detach()] for name, network in networks.items()
        },
    )


def mean_length(vectors: torch.Tensor) -> torch.Tensor:
    """Return the mean Euclidean length of the rows."""
    return torch.linalg.vector_norm(vectors.float(), dim=1).mean()


RECIPE = Recipe(
    description="Report A: pictures from any text, by a matching-aware WGAN with clipped weights (--literal: as it writes).",
    steps=55_000,
    report="A",
    data="pictures with texts: the tags of a tag file, or the words for labels",
    conditioning=EveryText.from_options,
    networks=networks,
    system=system,
)
