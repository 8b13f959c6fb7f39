"""The two networks of arXiv 1708.05509, for any tags and any size, with one tag more for a second data set."""

from functools import partial

import gankit as gk
from examples.anime_faces.recipes._make_girls_moe import LATENTS, critic_of, generator_of
from examples.anime_faces.recipes.srresnet_acgan.options import Options
from examples.anime_faces.systems import Blueprint, Description


def networks(description: Description, options: Options) -> Blueprint:
    """Return the paper's networks; at 128x128 with the default width and blocks they equal the paper's."""
    size, width = description.size, options.width
    tags = sum(description.classes) + options.numbers_of_sets
    return Blueprint(
        makers={
            "generator": lambda: generator_of(
                size,
                embedder=gk.embedders.MultiHotEmbedder(tags),
                width=width,
                blocks=options.blocks,
                pre_activation=options.pre_activation,
            ),
            "critic": lambda: critic_of(size, tags=tags, width=width, pre_activation=options.pre_activation),
        },
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )
