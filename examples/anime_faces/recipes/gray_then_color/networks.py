"""The four networks of `gray_then_color`: a gray generator with its critic, and a coloring one with its critic."""

from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes._make_girls_moe import (
    LATENTS,
    MOST_DOUBLINGS,
    critic_of,
    generator_of,
)
from examples.anime_faces.recipes.gray_then_color.options import Options
from examples.anime_faces.systems import Blueprint, Description, Networks, base_and_doublings, halvings_of


class ColorCritic(nn.Module):
    """Score every patch of a colored picture beside its gray form and its tags.

    Args:
        size: Height and width of the pictures.
        tags: Length of the vector of tags, which becomes that many constant channels.
        width: Channels of the first layer.

    Shape:
        Gray pictures ``(n, 1, size, size)``, colored ones ``(n, 3, size, size)`` and tags ``(n, tags)`` to a map of scores
        ``(n, 1, height, width)``.
    """

    def __init__(self, *, size: int, tags: int, width: int = 64) -> None:
        super().__init__()
        halvings = 1
        while halvings < MOST_DOUBLINGS and size >= 3 << (halvings + 1):
            halvings += 1
        self.join = gk.blocks.DepthConcatenation(tags)
        self.patches = gk.networks.PatchGANCritic(image_channels=4 + tags, width=width, halvings=halvings)

    def forward(self, grays: torch.Tensor, images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        """Return one map of scores per picture."""
        return self.patches(self.join(torch.cat([grays, images], dim=1), tags))


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for any tags."""
    size, width, condition = description.size, options.width, description.condition
    base, _ = base_and_doublings(size)
    if size % 4:
        raise ValueError(f"size must be divisible by 4, so that pictures can be halved twice, but it is {size}")
    tags = condition.multi_hot().out_features
    return Blueprint(
        makers={
            "gray": lambda: generator_of(
                size, embedder=condition.multi_hot(), width=width, blocks=options.blocks, image_channels=1
            ),
            "color": lambda: (
                gk.networks.UNetColorizer(  # 4 positions can be halved twice, the others as in the gray critic
                    halvings=halvings_of(size) + (base == 4), width=width, embedder=condition.multi_hot()
                )
            ),
            "gray critic": lambda: critic_of(size, tags=tags, width=width, image_channels=1),
            "color critic": partial(ColorCritic, size=size, tags=tags, width=width),
        },
        latents=partial(gk.latents.normal_latents, features=LATENTS),
        drawing=("gray", "color"),
        draw=_draw,
    )


def _draw(networks: Networks, latents: torch.Tensor, tags: torch.Tensor | None) -> torch.Tensor:
    return networks["color"](networks["gray"](latents, tags), tags)
