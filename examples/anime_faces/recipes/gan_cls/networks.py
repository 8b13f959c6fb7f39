"""The two networks of report D's parent program, layer for layer; at 64x64 with width 64 they equal its networks."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.gan_cls.options import Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings, drawn_in_unit_range

LATENTS = 100
SLOPE = 0.2
KERNEL, PADDING = 5, 2

Projection: TypeAlias = gk.embedders.TextProjection | gk.embedders.ConditioningAugmentation


class HalvedTanh(nn.Module):
    """The hyperbolic tangent, scaled to 0..1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``tanh(x) / 2 + 1/2``."""
        return torch.tanh(x) / 2 + 0.5


class GanClsGenerator(nn.Module):
    """Draw a picture from noise, with the projected text joined after it.

    Args:
        size: Height and width of the picture.
        projection: Projects the text's vector to fewer numbers, or draws them around a mean.
        latent_features: Length of the noise.
        width: Channels of the last layer but one; each earlier layer has twice as many.

    Shape:
        Latents ``(k * n, latent_features)`` and texts ``(n, features)`` to ``(k * n, 3, size, size)`` in 0..1. With k above 1,
        each block of n rows is given the same conditions.
    """

    def __init__(self, *, size: int, projection: Projection, latent_features: int = 100, width: int = 64) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        widths = [width * 2**stage for stage in range(doublings)][::-1]
        self.projection = projection
        self.in_features = latent_features + projection.out_features
        layers: list[nn.Module] = [
            nn.Linear(self.in_features, widths[0] * base * base),
            nn.Unflatten(1, (widths[0], base, base)),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for wide, narrow in itertools.pairwise(widths):
            layers += [_double(wide, narrow), nn.BatchNorm2d(narrow), nn.ReLU()]
        self.layers = nn.Sequential(*layers, _double(widths[-1], 3), HalvedTanh())

    def forward(self, latents: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Return one picture per row of latents."""
        condition = self.projection(texts).repeat(len(latents) // len(texts), 1)
        return self.layers(torch.cat([latents, condition], dim=1))


class GanClsCritic(nn.Module):
    """Score a picture against a text, which is joined to the last maps at every position.

    Args:
        size: Height and width of the picture.
        projection: Projects the text's vector to fewer numbers.
        width: Channels of the first layer; each later one has twice as many.
        norm: Builds a norm from its number of channels.

    Shape:
        Pictures ``(n, 3, size, size)`` in 0..1 and texts ``(n, features)`` to scores ``(n,)``.
    """

    def __init__(
        self,
        *,
        size: int,
        projection: gk.embedders.TextProjection,
        width: int = 64,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        widths = [width * 2**stage for stage in range(doublings)]
        self.projection = projection
        layers: list[nn.Module] = [_halve(3, widths[0]), nn.LeakyReLU(SLOPE)]
        for narrow, wide in itertools.pairwise(widths):
            layers += [_halve(narrow, wide), norm(wide), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        self.join = gk.blocks.DepthConcatenation(projection.out_features)
        self.compare = nn.Sequential(
            nn.Conv2d(widths[-1] + projection.out_features, widths[-1], 1),
            norm(widths[-1]),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Linear(widths[-1] * base * base, 1),
        )

    def forward(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Return one score per picture, given its text."""
        joined = self.join(self.layers(images), self.projection(texts))
        return self.compare(joined).squeeze(1)


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for pictures in 0..1; each has a text projection of its own.

    Under R1 the critic has layer norms, since batch norms couple the pictures whose gradients are penalized one by one.
    """
    assert description.text is not None
    size, width, features = description.size, options.width, description.text.features
    project = partial(gk.embedders.TextProjection, features, options.projected)
    augment = partial(gk.embedders.ConditioningAugmentation, features, options.augmented)
    norm = partial(nn.GroupNorm, 1) if options.r1 else nn.BatchNorm2d

    def generator() -> nn.Module:
        projection = augment() if options.conditioning_augmentation else project()
        return start_like_parent(
            GanClsGenerator(size=size, projection=projection, latent_features=LATENTS, width=width)
        )

    def critic() -> nn.Module:
        return start_like_parent(GanClsCritic(size=size, projection=project(), width=width, norm=norm))

    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
        draw=drawn_in_unit_range,
    )


def start_like_parent(network: nn.Module) -> nn.Module:
    """Initialize weights from N(0, 0.02), gains of norms from N(1, 0.02), biases with 0; return the network."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.normal_(module.weight, mean=1.0, std=0.02)
        else:
            continue
        assert module.bias is not None
        nn.init.zeros_(module.bias)
    return network


def _double(before: int, after: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, KERNEL, stride=2, padding=PADDING, output_padding=1)


def _halve(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, KERNEL, stride=2, padding=PADDING)
