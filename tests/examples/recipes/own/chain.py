"""Two generators one after the other: one draws gray pictures, the other colors them; each has a critic of its own."""

from dataclasses import dataclass
from functools import partial

import torch

import gankit as gk
from examples.anime_faces.systems import Blueprint, Recipe, Side, System, WhateverIsKnown, always


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    batch_size: int = 8


def gray(images):
    return images.mean(1, keepdim=True)


def networks(description, options):
    sizes = {"resolution": description.size, "width": 4}
    return Blueprint(
        makers={
            "gray": partial(gk.networks.DCGANGenerator, latent_features=16, image_channels=1, **sizes),
            "color": partial(gk.networks.UNetColorizer, halvings=4, width=4),
            "gray critic": partial(gk.networks.DCGANCritic, image_channels=1, **sizes),
            "color critic": partial(gk.networks.DCGANCritic, **sizes),
        },
        latents=partial(gk.latents.normal_latents, features=16),
        drawing=("gray", "color"),
        draw=lambda built, latents, condition: built["color"](built["gray"](latents)),
    )


def system(networks, description, options, steps):
    objective = gk.losses.Logistic()

    def prepare(batch):
        images = batch[0]
        latents = gk.latents.normal_latents(len(images), 16, device=images.device, dtype=images.dtype)
        return images, networks["gray"](latents), networks["color"](gray(images))

    def critic_terms(critic, images, fakes):
        real, fake = critic(images), critic(fakes.detach())
        readings = {"scores/real": real.detach().mean(), "scores/fake": fake.detach().mean()}
        return {"score": gk.losses.critic_loss(objective, real, fake)}, readings

    def generator_terms(critic, fakes):
        return {"score": gk.losses.generator_loss(objective, critic(fakes))}

    def side(name, terms):
        return Side(network=networks[name], optimizer=partial(torch.optim.Adam, lr=1e-3), terms=terms)

    of_gray, of_color = networks["gray critic"], networks["color critic"]
    return System(
        critic={
            "gray": side("gray critic", lambda images, grays, colors: critic_terms(of_gray, gray(images), grays)),
            "color": side("color critic", lambda images, grays, colors: critic_terms(of_color, images, colors)),
        },
        generator={
            "gray": side("gray", lambda images, grays, colors: generator_terms(of_gray, grays)),
            "color": side("color", lambda images, grays, colors: generator_terms(of_color, colors)),
        },
        batch_size=options.batch_size,
        prepare=prepare,
    )


RECIPE = Recipe(
    description="Gray, then color.", steps=9, conditioning=always(WhateverIsKnown()), networks=networks, system=system
)
