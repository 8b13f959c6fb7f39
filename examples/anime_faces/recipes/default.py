"""The default: the best that is known here for two CPU cores in ten minutes.

Data: anything. Without labels it trains unconditionally; with one attribute or several it learns all of them, and a picture
whose class is missing or unclear counts as "unknown" for that attribute.
"""

import torch

import gankit as gk
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._options import DefaultOptions
from examples.anime_faces.recipes._recipe import Recipe, System
from examples.anime_faces.recipes._selection import WhateverIsKnown
from examples.anime_faces.recipes._sizes import base_and_doublings

LATENTS = 100


def build(description: Description, options: DefaultOptions, hardware: Hardware, steps: int) -> System:
    """Put the default together."""
    del steps
    classes = tuple(count + missing for count, missing in zip(description.classes, description.incomplete, strict=True))
    base, _ = base_and_doublings(description.size)
    device = hardware.device
    generator = gk.networks.DCGANGenerator(
        resolution=description.size,
        latent_features=LATENTS,
        width=options.width,
        embedder=gk.embedders.OneHotEmbedder(classes) if classes else None,
        base=base,
    )
    critic = gk.networks.DCGANCritic(
        resolution=description.size,
        width=options.width,
        embedder=gk.embedders.OneHotEmbedder(classes) if classes else None,
        base=base,
    )
    for network in (generator, critic):
        hardware.place(network)
    objective = gk.losses.Hinge()
    scores: dict[str, torch.Tensor] = {}

    def critic_terms(images: torch.Tensor, labels: torch.Tensor | None) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = generator(torch.randn(len(images), LATENTS, device=device), labels)
        real_scores, fake_scores = critic(images, labels), critic(fake, labels)
        scores["real"], scores["fake"] = real_scores.detach().mean(), fake_scores.detach().mean()
        return {"score": gk.losses.critic_loss(objective, real_scores, fake_scores)}

    def generator_terms(images: torch.Tensor, labels: torch.Tensor | None) -> dict[str, torch.Tensor]:
        fake = generator(torch.randn(len(images), LATENTS, device=device), labels)
        return {"score": gk.losses.generator_loss(objective, critic(fake, labels))}

    critic_optimizer = torch.optim.Adam(critic.parameters(), options.learning_rate, betas=(0.5, 0.999), fused=True)
    generator_optimizer = torch.optim.Adam(
        generator.parameters(), options.learning_rate, betas=(0.5, 0.999), fused=True
    )
    return System(
        generator=generator,
        critic=critic,
        average=gk.training.WeightAverage(generator),
        optimizers={"critic": critic_optimizer, "generator": generator_optimizer},
        schedule=gk.schedules.Constant(round=gk.schedules.Round(1)),
        critic_updates=gk.training.Update(critic_optimizer, hardware.autocast(critic_terms)),
        generator_updates=gk.training.Update(generator_optimizer, hardware.autocast(generator_terms), frozen=[critic]),
        latents=lambda count, rng: torch.randn(count, LATENTS, generator=rng),
        batch_size=options.batch_size,
        scores=scores,
    )


RECIPE = Recipe(
    name="default",
    description="The best known here for two CPU cores in ten minutes; works with any labels and with none.",
    options=DefaultOptions,
    steps=20_000,
    conditioning=WhateverIsKnown(),
    build=build,
)
