"""A generator that changes pictures: it is given one and the labels that the result should have, as in StarGAN."""

from dataclasses import dataclass
from functools import partial

import torch

import gankit as gk
from examples.anime_faces.systems import Blueprint, ExactlyOne, Recipe, Side, System, always


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    batch_size: int = 8


def networks(description, options):
    embedder, classes = description.condition.one_hot(), description.condition.classes
    return Blueprint(
        makers={
            "generator": partial(gk.networks.UNetColorizer, halvings=3, width=4, in_channels=3, embedder=embedder),
            "critic": partial(gk.networks.DCGANCritic, resolution=description.size, width=4, num_classes=classes),
        },
        latents=None,
    )


def system(networks, description, options, steps):
    generator, critic = networks["generator"], networks["critic"]
    objective, condition = gk.losses.Hinge(), description.condition

    def prepare(batch):
        images, labels = batch
        wanted = condition.draw(len(labels), device=labels.device)
        return images, labels, wanted, generator(images, wanted)

    def critic_terms(images, labels, wanted, changed):
        real, fake = critic(images), critic(changed.detach())
        costs = {
            "score": gk.losses.critic_loss(objective, real.scores, fake.scores),
            "classes": gk.losses.class_loss(real.classes, labels),
        }
        return costs, {"scores/real": real.scores.detach().mean(), "scores/fake": fake.scores.detach().mean()}

    def generator_terms(images, labels, wanted, changed):
        output = critic(changed)
        return {
            "score": gk.losses.generator_loss(objective, output.scores),
            "classes": gk.losses.class_loss(output.classes, wanted),
            "return": 10 * (generator(changed, labels) - images).abs().mean(),
        }

    adam = partial(torch.optim.Adam, lr=1e-4, betas=(0.5, 0.999))
    return System(
        critic=Side(network=critic, optimizer=adam, terms=critic_terms),
        generator=Side(network=generator, optimizer=adam, terms=generator_terms),
        batch_size=options.batch_size,
        prepare=prepare,
    )


RECIPE = Recipe(
    description="Changes colors.", steps=9, conditioning=always(ExactlyOne()), networks=networks, system=system
)
