"""A whole recipe in one file: a conditional hinge GAN for pictures with one class of each attribute."""

from dataclasses import dataclass
from functools import partial

import torch

import gankit as gk
from examples.anime_faces.systems import Blueprint, ExactlyOne, Recipe, Side, System, always

LATENTS = partial(gk.latents.normal_latents, features=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    batch_size: int = 8


def networks(description, options):
    sizes = {"resolution": description.size, "width": 4, "embedder": description.condition.one_hot()}
    generator = partial(gk.networks.DCGANGenerator, latent_features=16, **sizes)
    critic = partial(gk.networks.DCGANCritic, **sizes)
    return Blueprint(makers={"generator": generator, "critic": critic}, latents=LATENTS)


def system(networks, description, options, steps):
    generator, critic, objective = networks["generator"], networks["critic"], gk.losses.Hinge()

    def prepare(batch):
        return *batch, generator(LATENTS(len(batch[0]), device=batch[0].device), batch[1])

    def critic_terms(images, labels, fakes):
        return {"score": gk.losses.critic_loss(objective, critic(images, labels), critic(fakes.detach(), labels))}

    def generator_terms(images, labels, fakes):
        return {"score": gk.losses.generator_loss(objective, critic(fakes, labels))}

    adam = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
    critic_side = Side(network=critic, optimizer=adam, terms=critic_terms)
    generator_side = Side(network=generator, optimizer=adam, terms=generator_terms)
    return System(critic=critic_side, generator=generator_side, batch_size=options.batch_size, prepare=prepare)


RECIPE = Recipe(description="Small.", steps=9, conditioning=always(ExactlyOne()), networks=networks, system=system)
