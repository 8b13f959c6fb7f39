"""The two networks of report E, layer for layer; at 64x64 with width 64 they equal the report's."""

import itertools
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.acgan.options import Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

LATENTS = 100
SLOPE = 0.2
KERAS_EPSILON = 1e-3  # added to the variance, the default of Keras
MOMENTUM = 0.5  # 0.5 keeps half of the old statistics in Keras and in torch


def _norm_and_activation(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels, eps=KERAS_EPSILON, momentum=MOMENTUM), nn.LeakyReLU(SLOPE)]


def _stage_widths(width: int, doublings: int) -> list[int]:
    return [width * 2**stage for stage in range(doublings)]


def _start_like_keras(network: nn.Module) -> None:
    """Initialize weights as Keras does (Glorot; uniform for layers, normal for embeddings), biases with 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.xavier_normal_(module.weight)


class AcganGenerator(nn.Module):
    """Draw a picture from noise joined with one embedding per attribute.

    Args:
        size: Height and width of the picture.
        embedder: Returns the joined embeddings of the labels.
        latent_features: Length of the noise.
        width: Channels of the last layers; each earlier layer has twice as many.

    Shape:
        Latents ``(n, latent_features)`` and labels ``(n, attributes)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(
        self, *, size: int, embedder: gk.embedders.LabelEmbedder, latent_features: int = LATENTS, width: int = 64
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        self.embedder = embedder
        self.in_features = latent_features + self.embedder.out_features
        widths = _stage_widths(width, doublings)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose2d(self.in_features, widths[0], base)]
        layers += _norm_and_activation(widths[0])
        for wide, narrow in itertools.pairwise(widths):
            layers += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1), *_norm_and_activation(narrow)]
        layers += [nn.Conv2d(widths[-1], widths[-1], 3, 1, 1), *_norm_and_activation(widths[-1])]
        layers += [nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        _start_like_keras(self)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return one picture per row of latents."""
        joined = torch.cat([latents, self.embedder(labels)], dim=1)
        return self.layers(joined[:, :, None, None])


class AcganCritic(nn.Module):
    """Score a picture, and predict its class of each attribute.

    Args:
        size: Height and width of the picture.
        class_head: Builds the head that predicts the classes, from its number of input features.
        width: Channels of the first layer; each later one has twice as many.

    Shape:
        Pictures ``(n, 3, size, size)`` to scores ``(n,)`` and one tuple of logits ``(n, classes)``.
    """

    def __init__(self, *, size: int, class_head: Callable[[int], gk.blocks.ClassHead], width: int = 64) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        widths = _stage_widths(width, doublings)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for narrow, wide in itertools.pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1), *_norm_and_activation(wide)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        features = widths[-1] * base * base
        self.score = nn.Linear(features, 1)
        self.classes = class_head(features)
        _start_like_keras(self)

    def forward(self, images: torch.Tensor) -> gk.networks.CriticOutput:
        """Return scores and class logits."""
        features = self.layers(images)
        return gk.networks.CriticOutput(self.score(features).squeeze(1), self.classes(features))


def networks(description: Description, options: Options) -> Blueprint:
    """Return report E's networks, for any attributes."""
    condition, size, width = description.condition, description.size, options.width

    def generator() -> nn.Module:
        return AcganGenerator(size=size, embedder=condition.label_embedder(options.embedding), width=width)

    def critic() -> nn.Module:
        return AcganCritic(size=size, class_head=condition.class_head, width=width)

    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )
