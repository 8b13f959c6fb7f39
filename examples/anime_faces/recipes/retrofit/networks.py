"""The networks of report E; the critic's norms are an option."""

from collections.abc import Callable
from functools import partial

from torch import nn

import gankit as gk
from examples.anime_faces.recipes.acgan.networks import LATENTS, AcganCritic, AcganGenerator, batch_norm
from examples.anime_faces.recipes.retrofit.options import CriticNorm, Options
from examples.anime_faces.systems import Blueprint, Description

NORMS: dict[CriticNorm, Callable[[int], nn.Module]] = {
    "batch": batch_norm,
    "layer": partial(nn.GroupNorm, 1),
    "none": nn.Identity,
}


def networks(description: Description, options: Options) -> Blueprint:
    """Return report E's networks, for any attributes."""
    condition, size, width = description.condition, description.size, options.width

    def generator() -> nn.Module:
        return AcganGenerator(size=size, embedder=condition.label_embedder(options.embedding), width=width)

    def critic() -> nn.Module:
        return AcganCritic(size=size, class_head=condition.class_head, norm=NORMS[options.critic_norm], width=width)

    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )
