"""Report A: a matching-aware WGAN that draws from any text.

Source: report A. Its program is lost; layers follow the program of Reed et al. 2016, brought to 96x96. A DCGAN draws from
noise (100, N(0, 1)) and the text's vector (2400, projected to 128); in the critic the projected text joins the last maps, and a
1x1 convolution compares the two. The critic pays the Wasserstein prices of real pairs, of real pictures with another's text,
and of generated pictures. All its weights are clipped to 0.01, those of norms too unless ``--no-clip-norms``; RMSprop steps
5e-5. In every epoch the rounds 0 to 24 and each 500th have 25 critic updates, the others 5; one generator update follows in
each. An epoch is as many rounds as there are batches of the data: 3,130 critic updates in 522 rounds. Pictures are 0..1 to both
networks, and the generator ends in a sigmoid. The pipeline keeps -1..1, so real pictures are shifted as they come, and the
generator's as they leave (`Centered`).

Report and sense differ in one place, so there are two forms:

- corrected (the default) weighs mismatched pairs and generated pictures by 1/2 each, as much together as real ones.
- ``--literal`` weighs them by 1 and 1, as the report writes. All scores together then have a direction in which the loss falls,
  and the clip alone stops the critic's bias.

Differences from the report in both: every critic update has a fresh batch (the report does not say whether its 5 or 25 share
one); samples come from an average of the generator's weights; vectors are hashed n-grams unless a table of vectors or the files
of skip-thoughts, which the report took, are named. A mismatched pair is a real picture from elsewhere in the batch whose text
has another vector, never the same by accident. How the report's norms, first weights and projection were is not known.

Data: every picture with a text; of tag files all tags, unselected. Any size that is 4 to 7 doubled a few times.
"""

from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._every_text import EveryText
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._options import MatchingOptions
from examples.anime_faces.recipes._recipe import Recipe, System
from examples.anime_faces.recipes._sizes import base_and_doublings
from examples.anime_faces.recipes._unit_range import Centered, to_unit_range

LATENTS = 100
FIRST, EVERY = 25, 500


def build(description: Description, options: MatchingOptions, hardware: Hardware, steps: int) -> System:
    """Put report A together; nothing in it decays, so `steps` plays no part."""
    del steps
    assert description.text is not None
    base, _ = base_and_doublings(description.size)
    project = partial(gk.embedders.TextProjection, description.text.features, options.projected)
    size, width = description.size, options.width
    generator = gk.networks.DCGANGenerator(
        resolution=size, latent_features=LATENTS, width=width, embedder=project(), output=nn.Sigmoid, base=base
    )
    critic = hardware.place(
        gk.networks.JoinedCritic(embedder=project(), resolution=size, width=width, mixing=8 * width, base=base)
    )
    drawer = hardware.place(Centered(generator))
    objective = gk.losses.Wasserstein()
    weight = 1.0 if options.literal else 0.5
    scores: dict[str, torch.Tensor] = {}

    def draw(texts: torch.Tensor) -> torch.Tensor:
        return generator(gk.latents.normal_latents(len(texts), LATENTS, device=texts.device), texts)

    def critic_terms(images: torch.Tensor, texts: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = draw(texts)
        real = to_unit_range(images)
        mismatched = real[gk.losses.mismatched_indices(texts)]
        sides = {
            name: critic(pictures, texts)
            for name, pictures in (("real", real), ("mismatched", mismatched), ("fake", fake))
        }
        scores.update({name: side.detach().mean() for name, side in sides.items()})
        loss = gk.losses.matching_aware_critic_loss(
            objective, **sides, mismatched_weight=weight, fake_weight=weight, balanced=not options.literal
        )
        return {"score": loss}

    def generator_terms(images: torch.Tensor, texts: torch.Tensor) -> dict[str, torch.Tensor]:
        del images
        return {"score": gk.losses.generator_loss(objective, critic(draw(texts), texts))}

    critic_optimizer = torch.optim.RMSprop(critic.parameters(), options.learning_rate)
    generator_optimizer = torch.optim.RMSprop(generator.parameters(), options.learning_rate)
    return System(
        generator=drawer,
        critic=critic,
        average=gk.training.WeightAverage(drawer),
        optimizers={"critic": critic_optimizer, "generator": generator_optimizer},
        schedule=gk.schedules.Boosted(
            base=gk.schedules.Round(options.critic_steps),
            boost=gk.schedules.Round(options.boosted_steps),
            first=FIRST,
            every=EVERY,
            epoch_length=max(1, description.text.pictures // options.batch_size),
        ),
        critic_updates=gk.training.Update(
            critic_optimizer,
            hardware.autocast(critic_terms),
            constraint=partial(gk.constraints.clip_weights_, critic, options.clip, include_norms=options.clip_norms),
        ),
        generator_updates=gk.training.Update(generator_optimizer, hardware.autocast(generator_terms), frozen=[critic]),
        latents=lambda count, rng: gk.latents.normal_latents(count, LATENTS, rng=rng),
        batch_size=options.batch_size,
        scores=scores,
    )


RECIPE = Recipe(
    name="matching_wgan",
    description="Report A: pictures from any text, by a matching-aware WGAN with clipped weights (--literal: as it writes).",
    options=MatchingOptions,
    steps=55_000,
    conditioning=EveryText.from_options,
    build=build,
)
