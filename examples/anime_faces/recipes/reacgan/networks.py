"""The two networks of `reacgan`: BigGAN's residual blocks, spectral norm in both, and a sphere of embeddings per attribute."""

import itertools
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.reacgan.options import Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

CHUNK = 20
"""Latents that each block of the generator gets, and its first layer."""
LABEL_FEATURES = 128
"""Length of the learned vector of each class in the generator."""
SMALL = 3
"""Up to this number of doublings (32x32) all stages have the same channels."""
MOST = 16
"""The largest multiple of the width."""

Classes = tuple[tuple[torch.Tensor, torch.Tensor], ...]


class SphereOutput(NamedTuple):
    """What the critic says of pictures.

    Attributes:
        scores: ``(n,)``.
        classes: For each attribute the embeddings ``(n, embedding)`` and the proxies ``(classes, embedding)``, of length 1.
    """

    scores: torch.Tensor
    classes: Classes


def latents_of(size: int) -> int:
    """Return the number of latents: 80 for pictures of 32x32, 100 for 64x64.

    Example:
        >>> [latents_of(size) for size in (32, 64, 128)]
        [80, 100, 120]
    """
    return CHUNK * (base_and_doublings(size)[1] + 1)


def generator_channels(size: int, width: int) -> list[int]:
    """Return the channels before the first block and after each.

    Example:
        >>> [generator_channels(size, 1) for size in (32, 64, 128)]
        [[4, 4, 4, 4], [16, 8, 4, 2, 1], [16, 16, 8, 4, 2, 1]]
    """
    _, doublings = base_and_doublings(size)
    if doublings <= SMALL:
        return [4 * width] * (doublings + 1)
    return [width * min(MOST, 2**stage) for stage in reversed(range(doublings + 1))]


def critic_blocks(size: int, width: int) -> list[tuple[int, bool]]:
    """Return the channels of each block's result, and whether it halves the picture.

    Example:
        >>> critic_blocks(32, 1)
        [(2, True), (2, True), (2, False), (2, False)]
        >>> critic_blocks(64, 1)
        [(1, True), (2, True), (4, True), (8, True), (16, False)]
    """
    _, doublings = base_and_doublings(size)
    if doublings <= SMALL:
        halvings = max(1, doublings - 1)
        return [(2 * width, stage < halvings) for stage in range(halvings + 2)]
    return [(width * min(MOST, 2**stage), stage < doublings) for stage in range(doublings + 1)]


class SphereGenerator(nn.Module):
    """Draw a picture by residual blocks whose norms depend on the labels and on latents of their own.

    Args:
        size: Height and width of the picture.
        embedder: Turns labels into vectors.
        width: Channels are multiples of it.
        attention: Whether the maps of half the size attend to themselves.

    Shape:
        Latents ``(n, latents_of(size))`` and labels ``(n, attributes)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(self, *, size: int, embedder: gk.embedders.LabelEmbedder, width: int, attention: bool = False) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        channels = generator_channels(size, width)
        norm = partial(gk.blocks.ConditionalBatchNorm2d, condition_features=CHUNK + embedder.out_features)
        self.embedder = embedder
        self.stem = nn.Sequential(nn.Linear(CHUNK, channels[0] * base**2), nn.Unflatten(1, (channels[0], base, base)))
        self.blocks = nn.ModuleList(
            gk.blocks.PreActivationBlock(before, after, norm=norm, up=gk.blocks.NearestUpsample())
            for before, after in itertools.pairwise(channels)
        )
        self.attending = max(1, doublings - 1)  # blocks before the attention
        self.attention = gk.blocks.SelfAttention2d(channels[self.attending]) if attention else None
        self.picture = nn.Sequential(
            nn.BatchNorm2d(channels[-1]), nn.ReLU(), nn.Conv2d(channels[-1], 3, 3, padding=1), nn.Tanh()
        )
        _start_orthogonal(self)
        gk.constraints.spectral_norm_(self)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return one picture per row of latents."""
        first, *own = latents.split(CHUNK, dim=1)
        embedded = self.embedder(labels)
        maps = self.stem(first)
        for number, (block, some) in enumerate(zip(self.blocks, own, strict=True), 1):
            maps = block(maps, torch.cat([some, embedded], dim=1))
            if self.attention is not None and number == self.attending:
                maps = self.attention(maps)
        return self.picture(maps)


class SphereCritic(nn.Module):
    """Score a picture by residual blocks, and place it on one sphere per attribute, among the proxies of its classes.

    Args:
        size: Height and width of the picture.
        classes: Number of classes of each attribute.
        width: Channels are multiples of it.
        embedding: Length of an embedding.
        attention: Whether the maps of half the size attend to themselves.

    Shape:
        Pictures ``(n, 3, size, size)`` to `SphereOutput`.
    """

    def __init__(
        self,
        *,
        size: int,
        classes: tuple[int, ...],
        width: int,
        embedding: int = 512,
        attention: bool = False,
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        before = 3
        for after, halves in critic_blocks(size, width):
            down = gk.blocks.MeanDownsample() if halves else None
            blocks.append(gk.blocks.PreActivationBlock(before, after, hidden=after, down=down, first=not blocks))
            before = after
        if attention:
            blocks.insert(1, gk.blocks.SelfAttention2d(critic_blocks(size, width)[0][0]))
        self.body = nn.Sequential(*blocks, nn.ReLU())
        self.score = nn.Linear(before, 1)
        self.classes = nn.ModuleList(gk.blocks.DataToDataHead(before, count, embedding) for count in classes)
        _start_orthogonal(self)
        gk.constraints.spectral_norm_(self)

    def forward(self, images: torch.Tensor) -> SphereOutput:
        """Return scores first, then embeddings and proxies."""
        features = self.body(images).sum(dim=(2, 3))
        return SphereOutput(self.score(features).squeeze(1), tuple(head(features) for head in self.classes))


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for any attributes."""
    condition, size = description.condition, description.size
    shape = {"size": size, "width": options.width, "attention": options.attention}
    return Blueprint(
        makers={
            "generator": lambda: SphereGenerator(embedder=condition.label_embedder(LABEL_FEATURES), **shape),
            "critic": lambda: SphereCritic(classes=condition.classes, embedding=options.embedding, **shape),
        },
        latents=partial(gk.latents.normal_latents, features=latents_of(size)),
    )


def _start_orthogonal(network: nn.Module) -> None:
    """Initialize weights, embeddings and proxies with orthogonal rows or columns, biases with 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
            nn.init.orthogonal_(module.weight)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, gk.blocks.DataToDataHead):
            nn.init.orthogonal_(module.proxies)
