"""The two networks of report B, without labels; at 64x64 with width 64 they have the layers that the report counts."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.dcgan.options import Activation, NetworkOptions
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

LATENTS = 100
DROPPED = 3
"""Blocks of the generator that drop values."""
ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {"leaky": partial(nn.LeakyReLU, 0.2), "relu": nn.ReLU}

_halve = partial(nn.Conv2d, kernel_size=4, stride=2, padding=1)


class PlainGenerator(nn.Module):
    """Draw a picture from noise by five blocks (at 64x64) of convolution, batch norm, dropout and activation.

    The last block has tanh, and neither norm nor dropout. With transposed convolutions the first block turns the noise into
    ``base x base`` maps, and each other one doubles the picture. With repeated pixels a linear layer makes those maps; the
    first block keeps their size, and each other one repeats pixels before its 3x3 convolution.

    Args:
        size: Height and width of the picture.
        width: Channels of the last block but one; each earlier block has twice as many.
        upsampled: Repeat pixels, in place of transposed convolutions.
        activation: Builds an activation.
        dropout: Builds the dropout of the first three blocks.

    Shape:
        Latents ``(n, 100)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(
        self,
        *,
        size: int,
        width: int = 64,
        upsampled: bool = False,
        activation: Callable[[], nn.Module] = ACTIVATIONS["leaky"],
        dropout: Callable[[], nn.Module] = nn.Identity,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        channels = [width * 2**stage for stage in reversed(range(doublings))]
        maps = (channels[0], base, base)
        first: Callable[..., nn.Module] = partial(nn.ConvTranspose2d, kernel_size=base)
        double: Callable[..., nn.Module] = partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1)
        self.stem: nn.Module = nn.Unflatten(1, (LATENTS, 1, 1))
        if upsampled:
            first, double = partial(nn.Conv2d, kernel_size=3, padding=1), gk.blocks.UpsampledConv2d
            self.stem = nn.Sequential(nn.Linear(LATENTS, math.prod(maps)), nn.Unflatten(1, maps))
        before = [maps[0] if upsampled else LATENTS, *channels[:-1]]
        self.blocks = nn.Sequential(
            *(
                gk.blocks.ConvolutionBlock(
                    wide,
                    narrow,
                    convolution=partial(first if place == 0 else double, bias=False),
                    norm=nn.BatchNorm2d,
                    dropout=dropout if place < DROPPED else nn.Identity,
                    activation=activation,
                )
                for place, (wide, narrow) in enumerate(zip(before, channels, strict=True))
            ),
            gk.blocks.ConvolutionBlock(channels[-1], 3, convolution=double, activation=nn.Tanh),
        )
        _start(self)

    def forward(self, latents: torch.Tensor, condition: None = None) -> torch.Tensor:
        """Return one picture per row of latents."""
        del condition
        return self.blocks(self.stem(latents))


class PlainCritic(nn.Module):
    """Score a picture by four blocks (at 64x64) of strided convolution, batch norm and activation, and a linear layer.

    Args:
        size: Height and width of the picture.
        width: Channels of the first block; each later one has twice as many.
        activation: Builds an activation.
        norm_first: Whether the first block has a batch norm too.

    Shape:
        Pictures ``(n, 3, size, size)`` to scores ``(n,)``, whose sigmoid is the report's probability.
    """

    def __init__(
        self,
        *,
        size: int,
        width: int = 64,
        activation: Callable[[], nn.Module] = ACTIVATIONS["leaky"],
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        channels = [3, *(width * 2**stage for stage in range(doublings))]
        normed = [norm_first, *[True] * (doublings - 1)]
        self.blocks = nn.Sequential(
            *(
                gk.blocks.ConvolutionBlock(
                    narrow,
                    wide,
                    convolution=partial(_halve, bias=not norm),
                    norm=nn.BatchNorm2d if norm else nn.Identity,
                    activation=activation,
                )
                for (narrow, wide), norm in zip(pairwise(channels), normed, strict=True)
            )
        )
        self.score = nn.Linear(channels[-1] * base * base, 1)
        _start(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return one score per picture."""
        return self.score(self.blocks(images).flatten(1)).squeeze(1)


def networks(description: Description, options: NetworkOptions) -> Blueprint:
    """Return report B's networks."""
    dropout: Callable[[], nn.Module] = nn.Identity
    if options.dropout:
        kind = gk.blocks.AlwaysOnDropout if options.dropout_when_sampling else nn.Dropout
        dropout = partial(kind, options.dropout)
    generator = partial(
        PlainGenerator,
        size=description.size,
        width=options.width,
        upsampled=options.upsampled,
        activation=ACTIVATIONS[options.generator_activation],
        dropout=dropout,
    )
    critic = partial(
        PlainCritic,
        size=description.size,
        width=options.width,
        activation=ACTIVATIONS[options.critic_activation],
        norm_first=options.norm_first,
    )
    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )


def _start(network: nn.Module) -> None:
    """Initialize weights from N(0, 0.02), gains of norms from N(1, 0.02), biases and shifts with 0, as DCGAN does."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
            nn.init.normal_(module.weight, mean, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
