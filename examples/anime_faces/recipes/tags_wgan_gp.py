"""Report C: pictures from a vector of tags, by "WGAN-GP".

Source: report C and its author's program. The condition is a multi-hot vector over all tags (23 for the course's data; the
report calls it one-hot), noise is U(-1, 1) with 100 numbers, five critic updates come before each of the generator's, the
gradient penalty weighs 10, Adam steps 1e-4 with betas 0.5 and 0.9, 10,000 rounds.

Report and program differ, so there are two forms:

- corrected (the default) does what the report writes: the Wasserstein objective, one interpolation share for each picture,
  a fresh batch for each critic update, layer norm in the critic, because batch norm couples the pictures whose gradients
  the penalty measures one by one, and collected statistics in the generator, so that a drawn picture depends on no other.
- ``--literal`` does what the program did: cross-entropy on a sigmoid critic plus the penalty on its logit, one share for the
  whole batch, the same real batch for all five critic updates, batch norm in the critic. Both networks always normalize by
  the batch at hand, so that what else is drawn with a picture changes it.

Differences from the report in both: samples come from an average of the generator's weights (grids show the raw one too).

Data: pictures with at least one tag; several classes of an attribute may be set; any size that is 4 to 7 doubled a few times.
"""

import warnings

import torch

import gankit as gk
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._options import TagsOptions
from examples.anime_faces.recipes._recipe import Recipe, System, always
from examples.anime_faces.recipes._selection import AnyTag
from examples.anime_faces.recipes._tags_networks import (
    TagsCritic,
    TagsGenerator,
    layer_norm,
    own_batch_norm,
    shifting_batch_norm,
)

LATENTS = 100


def uniform_latents(count: int, rng: torch.Generator | None = None, device: str = "cpu") -> torch.Tensor:
    """Draw noise from U(-1, 1), as the report does."""
    return 2 * torch.rand(count, LATENTS, generator=rng, device=device) - 1


def build(description: Description, options: TagsOptions, hardware: Hardware, steps: int) -> System:
    """Put report C together; nothing in it decays, so `steps` plays no part."""
    del steps
    tags, device = sum(description.classes), hardware.device
    generator_norm, critic_norm = (
        (own_batch_norm, own_batch_norm) if options.literal else (shifting_batch_norm, layer_norm)
    )
    embedder, width = description.condition.multi_hot(), 2 * options.width
    generator = hardware.place(
        TagsGenerator(
            size=description.size, embedder=embedder, latent_features=LATENTS, width=width, norm=generator_norm
        )
    )
    critic = hardware.place(TagsCritic(size=description.size, tags=tags, width=options.width, norm=critic_norm))
    objective = gk.losses.Logistic() if options.literal else gk.losses.Wasserstein()
    scores: dict[str, torch.Tensor] = {}

    def critic_terms(images: torch.Tensor, tags: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = generator(uniform_latents(len(images), device=device), tags).to(images.dtype)
        real_scores, fake_scores = critic(images, tags), critic(fake, tags)
        scores["real"], scores["fake"] = real_scores.detach().mean(), fake_scores.detach().mean()
        mix = torch.rand(1, 1, 1, 1, device=device).expand(len(images), 1, 1, 1) if options.literal else None
        with warnings.catch_warnings():
            if options.literal:  # gankit warns of what the program did
                warnings.filterwarnings("ignore", message="batch normalization .* couples the samples")
            penalty = gk.constraints.gradient_penalty(lambda x: critic(x, tags), images, fake, mix=mix)
        return {
            "score": gk.losses.critic_loss(objective, real_scores, fake_scores),
            "penalty": options.penalty_weight * penalty,
        }

    def generator_terms(images: torch.Tensor, tags: torch.Tensor) -> dict[str, torch.Tensor]:
        fake = generator(uniform_latents(len(images), device=device), tags)
        return {"score": gk.losses.generator_loss(objective, critic(fake, tags))}

    critic_optimizer = torch.optim.Adam(critic.parameters(), options.learning_rate, betas=(0.5, 0.9), fused=True)
    generator_optimizer = torch.optim.Adam(generator.parameters(), options.learning_rate, betas=(0.5, 0.9), fused=True)
    return System(
        generator=generator,
        critic=critic,
        average=gk.training.WeightAverage(generator),
        optimizers={"critic": critic_optimizer, "generator": generator_optimizer},
        schedule=gk.schedules.Constant(round=gk.schedules.Round(options.critic_steps)),
        critic_updates=gk.training.Update(critic_optimizer, hardware.autocast(critic_terms)),
        generator_updates=gk.training.Update(generator_optimizer, hardware.autocast(generator_terms), frozen=[critic]),
        latents=uniform_latents,
        batch_size=options.batch_size,
        repeat=options.critic_steps if options.literal else 1,
        scores=scores,
    )


RECIPE = Recipe(
    name="tags_wgan_gp",
    description="Report C: pictures from a multi-hot vector of tags, by WGAN-GP (--literal: as its program did).",
    options=TagsOptions,
    steps=10_000,
    conditioning=always(AnyTag()),
    build=build,
)
