"""The generator of the default recipe, and both networks for a data set: small, and fast on a CPU in bfloat16."""

import math
from functools import partial
from itertools import pairwise

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.default.critics import DefaultCritic
from examples.anime_faces.recipes.default.layers import SLOPE, channels_of, started, widened, without_autocast
from examples.anime_faces.recipes.default.options import GROUP, Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

LATENTS = 64
MAPPED = 128  # features of the vector that latents and labels are mapped to
LABEL_SHARE = 0.5  # the factor of an embedded label beside the latents
MULTIPLES = (3, 6, 8, 12)
"""Channels in multiples of the width, from the picture inward; further stages repeat the last."""


def _norm(channels: int) -> gk.blocks.ConditionalBatchNorm2d:
    norm = gk.blocks.ConditionalBatchNorm2d(channels, MAPPED)
    nn.init.normal_(norm.gain.weight, std=0.02)
    nn.init.normal_(norm.shift.weight, std=0.02)
    return norm


class DefaultGenerator(nn.Module):
    """Draw the layout from latents only; latents and labels together set gain and shift of every norm.

    Each stage repeats every pixel and convolves, in one layer. The last doubling has few channels, since convolutions at full
    size are slow, and is followed by two convolutions: faster ways to double, such as shuffled pixels, leave a checkerboard.

    Args:
        size: Height and width of the picture.
        classes: Number of classes of each attribute; empty without labels.
        width: Channels at full size; inner stages have multiples of it.

    Shape:
        Latents ``(n, 64)`` and labels ``(n, attributes)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(self, *, size: int, classes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.base, doublings = base_and_doublings(size)
        channels = channels_of(MULTIPLES, width, doublings)[::-1]
        self.one_hot = gk.embedders.OneHotEmbedder(classes) if classes else None
        labels = MAPPED if classes else 0
        self.embed = nn.Linear(sum(classes), MAPPED, bias=False) if classes else None
        self.map = nn.Sequential(
            started(nn.Linear(LATENTS + labels, MAPPED)),
            nn.LeakyReLU(SLOPE),
            started(nn.Linear(MAPPED, MAPPED)),
            nn.LeakyReLU(SLOPE),
        )
        self.layout = nn.Linear(LATENTS, channels[0] * self.base**2)
        stages: list[nn.Module] = [_norm(channels[0]), nn.LeakyReLU(SLOPE)]
        for before, after in pairwise(channels):
            # The empty layer keeps the numbers of the others, under which weights are saved.
            convolution = started(gk.blocks.UpsampledConv2d(before, after))
            stages += [nn.Identity(), convolution, _norm(after), nn.LeakyReLU(SLOPE)]
        self.stages = gk.blocks.ConditionedSequential(*stages)
        last = nn.Conv2d(width, 3, 3, padding=1)
        self.picture = nn.Sequential(
            started(nn.Conv2d(channels[-1], width, 1)),
            nn.Identity(),
            started(gk.blocks.UpsampledConv2d(width, width)),
            nn.LeakyReLU(SLOPE),
            last,
        )
        if self.embed is not None:
            nn.init.normal_(self.embed.weight)
        nn.init.normal_(self.layout.weight, std=LATENTS**-0.5)
        nn.init.normal_(last.weight, std=0.5 / math.sqrt(9 * width))

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Return one picture per row of latents."""
        with without_autocast(latents):
            mapped = self.map(self._joined(latents, labels))
        maps = (
            self.layout(latents).unflatten(1, (-1, self.base, self.base)).contiguous(memory_format=torch.channels_last)
        )
        return torch.tanh(widened(self.picture(self.stages(maps, mapped))))

    def _joined(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        if self.one_hot is None or self.embed is None:
            return latents
        if labels is None:
            raise ValueError("labels must be given: this generator was built for labeled pictures")
        return torch.cat([latents, LABEL_SHARE * self.embed(self.one_hot(labels))], dim=1)


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for any attributes and for none."""
    classes = description.condition.classes if description.attributes else ()
    size, width = description.size, options.width
    return Blueprint(
        makers={
            "generator": lambda: DefaultGenerator(size=size, classes=classes, width=width),
            "critic": lambda: DefaultCritic(
                size=size, classes=classes, width=width, group=GROUP, details=options.detail_weight > 0
            ),
        },
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )
