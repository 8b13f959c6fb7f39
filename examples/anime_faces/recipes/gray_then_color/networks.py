"""The four networks of `gray_then_color`: a gray generator with its critic, and a coloring one with its critic."""

from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.gray_then_color.options import Options
from examples.anime_faces.systems import Blueprint, Description, Networks, base_and_doublings

LATENTS = 128
MOST_DOUBLINGS = 3
"""Sub-pixel convolutions of the gray generator: its residual blocks work on maps of an eighth of the size."""


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
    base, doublings = base_and_doublings(size)
    if size % 4:
        raise ValueError(f"size must be divisible by 4, so that pictures can be halved twice, but it is {size}")
    tags = condition.multi_hot().out_features
    even = base % 2 == 0  # then one position more can be halved, and of 4 two
    halvings = doublings + even
    return Blueprint(
        makers={
            "gray": lambda: gk.networks.MakeGirlsMoeGenerator(
                resolution=size,
                base=size >> min(MOST_DOUBLINGS, doublings),
                latent_features=LATENTS,
                width=width,
                blocks=options.blocks,
                image_channels=1,
                embedder=condition.multi_hot(),
            ),
            "color": lambda: gk.networks.UNetColorizer(
                halvings=halvings + (base == 4), width=width, embedder=condition.multi_hot()
            ),
            "gray critic": lambda: _with_passing_signal(
                gk.networks.MakeGirlsMoeCritic(
                    resolution=size, width=max(1, width // 2), halvings=halvings, num_classes=tags, image_channels=1
                )
            ),
            "color critic": partial(ColorCritic, size=size, tags=tags, width=width),
        },
        latents=partial(gk.latents.normal_latents, features=LATENTS),
        drawing=("gray", "color"),
        draw=_draw,
    )


def _draw(networks: Networks, latents: torch.Tensor, tags: torch.Tensor | None) -> torch.Tensor:
    return networks["color"](networks["gray"](latents, tags), tags)


def _with_passing_signal(critic: nn.Module) -> nn.Module:
    """Initialize weights by He's rule for leaky ReLU with slope 0.2, and return the critic.

    It has no norms, so that weights from N(0, 0.02) make each map smaller than the one before: at 64x64, scores of different
    pictures then differ by 0.001 with 32 channels and by 0.00002 with 8, and their slopes, which the penalty wants to be 1, are
    0.003 and 0.0001. A run with 6 channels had learned nothing after 400 rounds.
    """
    for layer in critic.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
    return critic
