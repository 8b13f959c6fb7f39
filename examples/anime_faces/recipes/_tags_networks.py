"""The critic of report C: a DCGAN critic that sees the tags as extra channels of its last feature map."""

import itertools
from collections.abc import Callable

import torch
from torch import nn

from examples.anime_faces.recipes._sizes import base_and_doublings

SLOPE = 0.2


def layer_norm(channels: int) -> nn.Module:
    """Normalize each picture over all channels and places, which couples no two pictures of a batch."""
    return nn.GroupNorm(1, channels)


class TagsCritic(nn.Module):
    """Score a picture against a vector of tags.

    Args:
        size: Height and width of the picture.
        tags: Length of the tag vector.
        width: Channels of the first layer; each later one has twice as many.
        norm: Makes the normalization of a layer with so many channels; the first layer has none.

    Shape:
        Pictures ``(n, 3, size, size)`` and tags ``(n, tags)`` to scores ``(n,)``.
    """

    def __init__(self, *, size: int, tags: int, width: int = 64, norm: Callable[[int], nn.Module] = layer_norm) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        widths = [width * 2**stage for stage in range(doublings)]
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for narrow, wide in itertools.pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1), norm(wide), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        self.score = nn.Linear((widths[-1] + tags) * base * base, 1)

    def forward(self, images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        """Repeat the tags at every place of the last map, and score the two together."""
        features = self.layers(images)
        everywhere = tags[:, :, None, None].expand(-1, -1, *features.shape[2:]).to(features.dtype)
        return self.score(torch.cat([features, everywhere], dim=1).flatten(1)).squeeze(1)


def start_small(network: nn.Module) -> None:
    """Draw all weights from N(0, 0.02), as DCGAN and report C do."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
