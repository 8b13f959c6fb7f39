"""The networks of R3GAN for a data set: those of `gankit.networks`, with labels as sums of learned vectors."""

import math
from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.r3gan.options import Options
from examples.anime_faces.systems import Blueprint, Description, Networks, base_and_doublings

LATENTS = 64
LABEL_FEATURES = 64
"""Length of the vector of labels that the generator gets beside the latents."""
WIDE_STAGES = 4
"""Stages with the full width: up to 32x32, if the first has 4x4."""


class SummedLabels(nn.Module):
    """One learned vector for the labels of a picture: the sum of those of its classes.

    Args:
        classes: Number of classes of each attribute.
        features: Length of the vector.

    Attributes:
        out_features: The same length.

    Shape:
        Labels ``(n, attributes)`` to ``(n, features)``.
    """

    def __init__(self, classes: tuple[int, ...], features: int) -> None:
        super().__init__()
        self.out_features = features
        self.one_hot = gk.embedders.OneHotEmbedder(classes)
        self.vectors = nn.Linear(sum(classes), features, bias=False)
        nn.init.normal_(self.vectors.weight, std=1 / math.sqrt(sum(classes)))

    def forward(self, labels: torch.Tensor) -> torch.Tensor:
        """Return one vector for each row of labels."""
        return self.vectors(self.one_hot(labels))


def group_channels_of(narrowest: int, options: Options) -> int:
    """Return the channels in each group, where the narrowest stage may have a single one."""
    return min(options.group_channels, 2 * max(1, narrowest))


def widths_of(size: int, options: Options) -> tuple[int, ...]:
    """Return the channels of each stage, from the smallest maps to the picture's size.

    Raises:
        ValueError: The groups do not divide them; the message names a width that works.

    Example:
        >>> from examples.anime_faces.recipes.r3gan.options import Options
        >>> widths_of(64, Options(width=768)), widths_of(32, Options(width=768))
        ((768, 768, 768, 768, 384), (768, 768, 768, 768))
    """
    stages = base_and_doublings(size)[1] + 1
    halvings = max(0, stages - WIDE_STAGES)
    groups = group_channels_of(options.width >> halvings, options)
    multiple = 2**halvings * (groups // math.gcd(2, groups))  # a bottleneck has twice the channels of its stage inside
    if options.width % multiple:
        raise ValueError(
            f"--width must be a multiple of {multiple} for pictures of {size}x{size} with --group-channels "
            f"{options.group_channels}, but it is {options.width}"
        )
    return tuple(options.width >> max(0, stage - WIDE_STAGES + 1) for stage in range(stages))


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for any attributes and for none."""
    base, _ = base_and_doublings(description.size)
    widths = widths_of(description.size, options)
    classes = description.condition.classes if description.attributes else ()
    shape = {"blocks": options.blocks, "group_channels": group_channels_of(widths[-1], options), "base": base}

    def embedder(features: int) -> SummedLabels | None:
        return SummedLabels(classes, features) if classes else None

    def generator() -> nn.Module:
        return gk.networks.R3GANGenerator(
            widths=widths, latent_features=LATENTS, embedder=embedder(LABEL_FEATURES), **shape
        )

    def critic() -> nn.Module:
        return gk.networks.R3GANCritic(widths=widths[::-1], embedder=embedder(widths[0]), **shape)

    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
        draw=draw,
    )


def draw(networks: Networks, inputs: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
    """Return pictures in -1..1; those of the generator are not bounded."""
    return networks["generator"](inputs, condition).clamp(-1, 1)
