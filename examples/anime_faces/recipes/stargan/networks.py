"""The two networks of `stargan`; at 128x128 they are those of StarGAN's authors."""

from functools import partial

import gankit as gk
from examples.anime_faces.recipes.stargan.options import Options
from examples.anime_faces.recipes.stargan.vector import target_vector
from examples.anime_faces.systems import Blueprint, Description, halvings_of


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for any attributes; the critic halves pictures to 2x2 or 3x3, or to 5x5 or 7x7 where that is odd."""
    size = description.size
    halvings = halvings_of(size)
    if size % 4:
        raise ValueError(f"size must be divisible by 4, so that pictures can be halved twice, but it is {size}")
    entries = len(target_vector(description.attributes, options.targets).entries)
    return Blueprint(
        makers={
            "generator": partial(
                gk.networks.StarGANGenerator,
                embedder=gk.embedders.MultiHotEmbedder(entries),
                width=options.width,
                blocks=options.blocks,
            ),
            "critic": partial(
                gk.networks.StarGANCritic,
                resolution=size,
                num_classes=entries,
                width=options.width,
                halvings=halvings,
            ),
        },
        latents=None,
    )
