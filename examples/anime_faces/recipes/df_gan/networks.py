"""The two networks of DF-GAN; at 256x256 with width 32 they have the layers of the authors' program."""

import itertools
import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.df_gan.options import Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

LATENTS = 100
SLOPE = 0.2
MOST_WIDTHS = 8
"""Channels of the widest layers, in widths."""


class Affine(nn.Module):
    """Scale and shift each channel by amounts that two small networks compute from a condition.

    A new layer returns its input for every condition: the last layers start with weights 0, gains with biases 1, shifts with 0.

    Args:
        features: Length of the condition.
        channels: Channels of the maps.
    """

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.gain = _amounts(features, channels, start=1.0)
        self.shift = _amounts(features, channels, start=0.0)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Return the maps, scaled and shifted."""
        return self.gain(condition)[:, :, None, None] * x + self.shift(condition)[:, :, None, None]


class Fusion(nn.Module):
    """Fuse a condition into maps: twice an affine layer and leaky ReLU (the authors' DFBLK).

    Args:
        features: Length of the condition.
        channels: Channels of the maps.
    """

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.affines = nn.ModuleList([Affine(features, channels) for _ in range(2)])

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Return the maps with the condition in them."""
        for affine in self.affines:
            x = functional.leaky_relu(affine(x, condition), SLOPE)
        return x


class GeneratorBlock(nn.Module):
    """Double the maps; the residual is fusion, convolution, fusion, convolution.

    The authors repeat the pixels first. Fusion and the shortcut's convolution treat pixels one by one, so they are done before,
    and the first convolution is `gankit.blocks.UpsampledConv2d`: the same function in less time.

    Args:
        features: Length of the condition.
        wide: Channels before.
        narrow: Channels after.
    """

    def __init__(self, features: int, wide: int, narrow: int) -> None:
        super().__init__()
        self.before = Fusion(features, wide)
        self.enlarge = gk.blocks.UpsampledConv2d(wide, narrow)
        self.between = Fusion(features, narrow)
        self.convolution = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.shortcut = nn.Identity() if wide == narrow else nn.Conv2d(wide, narrow, 1)
        self.repeat = gk.blocks.NearestUpsample()

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Return maps of twice the height and width."""
        residual = self.enlarge(self.before(x, condition))
        residual = self.convolution(self.between(residual, condition))
        return self.repeat(self.shortcut(x)) + residual


class DFGenerator(nn.Module):
    """Draw a picture from noise; every block fuses noise and condition into its maps.

    Args:
        size: Height and width of the picture.
        projection: Makes the sentence vector of a text's vector.
        augmentation: Draws the condition around a mean. None: it is the sentence vector.
        width: Channels of the last block.

    Shape:
        Latents ``(n, 100)`` and texts ``(n, features)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(
        self,
        *,
        size: int,
        projection: gk.embedders.TextProjection,
        augmentation: gk.embedders.ConditioningAugmentation | None = None,
        width: int = 32,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        channels = _channels(width, doublings)[::-1]
        self.projection, self.augmentation = projection, augmentation
        features = LATENTS + (projection if augmentation is None else augmentation).out_features
        maps = (channels[0], base, base)
        self.start = nn.Sequential(nn.Linear(LATENTS, math.prod(maps)), nn.Unflatten(1, maps))
        self.blocks = nn.ModuleList(
            [GeneratorBlock(features, wide, narrow) for wide, narrow in itertools.pairwise(channels)]
        )
        self.end = nn.Sequential(nn.LeakyReLU(SLOPE), nn.Conv2d(channels[-1], 3, 3, padding=1), nn.Tanh())

    def distribution(self, texts: torch.Tensor) -> gk.embedders.ConditionDistribution:
        """Return the distribution of the conditions of texts, where they are drawn."""
        assert self.augmentation is not None
        return self.augmentation.distribution(self.projection(texts))

    def forward(self, latents: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Return one picture per row of latents."""
        drawn = self.augmentation is not None
        condition = self.distribution(texts).sample() if drawn else self.projection(texts)
        fused = torch.cat([latents, condition], dim=1)
        x = self.start(latents)
        for block in self.blocks:
            x = block(x, fused)
        return self.end(x)


class CriticBlock(nn.Module):
    """Halve the maps; the residual has a learned weight, which starts at 0.

    Args:
        narrow: Channels before.
        wide: Channels after.
    """

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(narrow, wide, 4, stride=2, padding=1, bias=False),
            gk.blocks.LeakyReLU(SLOPE),
            nn.Conv2d(wide, wide, 3, padding=1, bias=False),
            gk.blocks.LeakyReLU(SLOPE),
        )
        self.shortcut = nn.Identity() if narrow == wide else nn.Conv2d(narrow, wide, 1)
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps of half the height and width."""
        # The mean first and then the 1x1 convolution: the same as the other way around, with a quarter of the work.
        return self.shortcut(functional.avg_pool2d(x, 2)) + self.weight * self.residual(x)


class DFCritic(nn.Module):
    """Score a picture against a sentence vector, which is joined to the last maps at every position.

    Args:
        size: Height and width of the picture.
        projection: Makes the sentence vector of a text's vector.
        width: Channels of the first convolution.

    Shape:
        Pictures ``(n, 3, size, size)`` in -1..1 and texts ``(n, features)`` to scores ``(n,)``.
    """

    def __init__(self, *, size: int, projection: gk.embedders.TextProjection, width: int = 32) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        channels = _channels(width, doublings)
        self.projection = projection
        self.maps = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, padding=1),
            *(CriticBlock(narrow, wide) for narrow, wide in itertools.pairwise(channels)),
        )
        self.join = gk.blocks.DepthConcatenation(projection.out_features)
        self.score = nn.Sequential(
            nn.Conv2d(channels[-1] + projection.out_features, 2 * width, 3, padding=1, bias=False),
            gk.blocks.LeakyReLU(SLOPE),
            nn.Conv2d(2 * width, 1, base, bias=False),
            nn.Flatten(0),
        )

    def compare(self, maps: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """Return the scores of pictures, given their maps, against sentence vectors."""
        return self.score(self.join(maps, sentences))

    def forward(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Return one score per picture, given its text."""
        return self.compare(self.maps(images), self.projection(texts))


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks; each has a text projection of its own."""
    assert description.text is not None
    size, width, features = description.size, options.width, description.text.features

    def projection() -> gk.embedders.TextProjection:
        """Return a linear map whose results have the size of the noise, for texts of norm 1."""
        made = gk.embedders.TextProjection(features, options.projected, activation=nn.Identity)
        nn.init.normal_(made.linear.weight)
        nn.init.zeros_(made.linear.bias)
        return made

    def generator() -> nn.Module:
        augmentation = None
        if options.conditioning_augmentation:
            augmentation = gk.embedders.ConditioningAugmentation(options.projected, options.augmented)
        return DFGenerator(size=size, projection=projection(), augmentation=augmentation, width=width)

    return Blueprint(
        makers={"generator": generator, "critic": lambda: DFCritic(size=size, projection=projection(), width=width)},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )


def _channels(width: int, doublings: int) -> list[int]:
    return [width * min(2**stage, MOST_WIDTHS) for stage in range(doublings + 1)]


def _amounts(features: int, channels: int, *, start: float) -> nn.Sequential:
    last = nn.Linear(channels, channels)
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(nn.Linear(features, channels), nn.ReLU(), last)
