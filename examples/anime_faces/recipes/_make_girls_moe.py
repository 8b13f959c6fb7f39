"""The networks of Jin et al. 2017 (arXiv 1708.05509) for pictures of any size, as report B's recipes share them."""

from torch import nn

import gankit as gk
from examples.anime_faces.systems import base_and_doublings, halvings_of

LATENTS = 128
MOST_DOUBLINGS = 3
"""Sub-pixel convolutions of the generator: its residual blocks work on maps of an eighth of the size."""


def generator_of(
    size: int,
    *,
    embedder: gk.embedders.Embedder,
    width: int,
    blocks: int,
    image_channels: int = 3,
    pre_activation: bool = False,
) -> nn.Module:
    """Return the generator for pictures of a size; in the paper, for 128 x 128, the width is 64 and there are 16 blocks."""
    _, doublings = base_and_doublings(size)
    return gk.networks.MakeGirlsMoeGenerator(
        resolution=size,
        base=size >> min(MOST_DOUBLINGS, doublings),
        latent_features=LATENTS,
        width=width,
        blocks=blocks,
        image_channels=image_channels,
        embedder=embedder,
        pre_activation=pre_activation,
    )


def critic_of(size: int, *, tags: int, width: int, image_channels: int = 3, pre_activation: bool = False) -> nn.Module:
    """Return the critic for pictures of a size, with weights by He's rule; its first layer has half the `width`."""
    critic = gk.networks.MakeGirlsMoeCritic(
        resolution=size,
        width=max(1, width // 2),
        halvings=halvings_of(size),
        num_classes=tags,
        image_channels=image_channels,
        pre_activation=pre_activation,
    )
    _start_by_he(critic)
    return critic


def _start_by_he(critic: nn.Module) -> None:
    """Initialize weights by He's rule for leaky ReLU with slope 0.2.

    The critic has no norms, so that weights from N(0, 0.02) make each map smaller than the one before: at 64x64, scores of
    different pictures then differ by 0.001 with 32 channels and by 0.00002 with 8, and their slopes, which
    the penalty pulls to 1, are 0.003 and 0.0001. A run with 6 channels had learned nothing after 400 rounds.
    """
    for layer in critic.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
