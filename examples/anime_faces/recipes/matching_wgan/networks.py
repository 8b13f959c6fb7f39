"""The two networks of report A: a DCGAN that reads a text, and a critic that compares a picture with a text."""

from functools import partial

from torch import nn

import gankit as gk
from examples.anime_faces.recipes.matching_wgan.options import Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings, drawn_in_unit_range

LATENTS = 100


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for pictures in 0..1; each has a text projection of its own."""
    assert description.text is not None
    base, _ = base_and_doublings(description.size)
    size, width = description.size, options.width
    project = partial(gk.embedders.TextProjection, description.text.features, options.projected)

    def generator() -> nn.Module:
        return gk.networks.DCGANGenerator(
            resolution=size,
            latent_features=LATENTS,
            width=width,
            embedder=project(),
            output=nn.Sigmoid,
            base=base,
            condition_first=options.text_first,
        )

    def critic() -> nn.Module:
        return gk.networks.JoinedCritic(embedder=project(), resolution=size, width=width, mixing=8 * width, base=base)

    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
        draw=drawn_in_unit_range,
    )
