"""The two networks of report E, layer for layer; at 64x64 with width 64 they equal the report's."""

import copy
import itertools
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.acgan.options import EmbeddingForm, Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

LATENTS = 100
SLOPE = 0.2
KERAS_EPSILON = 1e-3  # added to the variance, the default of Keras
MOMENTUM = 0.5  # 0.5 keeps half of the old statistics in Keras and in torch


Norm = Callable[[int], nn.Module]
batch_norm: Norm = partial(nn.BatchNorm2d, eps=KERAS_EPSILON, momentum=MOMENTUM)


def conditional_batch_norm(channels: int, condition_features: int) -> gk.blocks.ConditionalBatchNorm2d:
    """Return a conditional batch norm with the constants of `batch_norm`; it starts as a plain one."""
    norm = gk.blocks.ConditionalBatchNorm2d(channels, condition_features)
    norm.normalize = nn.BatchNorm2d(channels, eps=KERAS_EPSILON, momentum=MOMENTUM, affine=False)
    return norm


def in_evaluation_mode(network: nn.Module) -> nn.Module:
    """Return a second form of a network that always evaluates: it has the same parameters and buffers, and its own modes.

    What it computes is normalized by moving statistics and moves none, as Keras' ``predict``; the network itself stays in the
    mode in which it is. So a term may call both.
    """
    tensors = (*network.parameters(), *network.buffers())
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors}).eval()


def _norm_and_activation(norm: Norm, channels: int) -> list[nn.Module]:
    return [norm(channels), nn.LeakyReLU(SLOPE)]


def _stage_widths(width: int, doublings: int) -> list[int]:
    return [width * 2**stage for stage in range(doublings)]


def _start_like_keras(network: nn.Module) -> None:
    """Initialize weights as Keras does (Glorot; uniform for layers, normal for embeddings), biases with 0.

    The linear maps of conditional norms stay 0, as they start.
    """
    of_norms = {
        id(layer)
        for norm in network.modules()
        if isinstance(norm, gk.blocks.ConditionalBatchNorm2d)
        for layer in norm.children()
    }
    for module in network.modules():
        if id(module) in of_norms:
            continue
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.xavier_normal_(module.weight)


class AcganGenerator(nn.Module):
    """Draw a picture from noise and one embedding per attribute.

    Args:
        size: Height and width of the picture.
        embedder: Returns one vector for the labels of a picture: the embeddings joined, or their product.
        form: What becomes of that vector: joined to the noise (``"joined"``, ``"product"``), multiplied with it
            (``"noise_product"``: they have the same length), or given to every batch norm (``"norms"``).
        latent_features: Length of the noise.
        width: Channels of the last layers; each earlier layer has twice as many.

    Shape:
        Latents ``(n, latent_features)`` and labels ``(n, attributes)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(
        self,
        *,
        size: int,
        embedder: gk.embedders.Embedder,
        form: EmbeddingForm = "joined",
        latent_features: int = LATENTS,
        width: int = 64,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        self.embedder = embedder
        self.form: EmbeddingForm = form
        joined = form in ("joined", "product")
        self.in_features = latent_features + (self.embedder.out_features if joined else 0)
        norm = batch_norm
        if form == "norms":
            norm = partial(conditional_batch_norm, condition_features=self.embedder.out_features)
        widths = _stage_widths(width, doublings)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose2d(self.in_features, widths[0], base)]
        layers += _norm_and_activation(norm, widths[0])
        for wide, narrow in itertools.pairwise(widths):
            layers += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1), *_norm_and_activation(norm, narrow)]
        layers += [nn.Conv2d(widths[-1], widths[-1], 3, 1, 1), *_norm_and_activation(norm, widths[-1])]
        layers += [nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1), nn.Tanh()]
        self.layers = gk.blocks.ConditionedSequential(*layers)
        _start_like_keras(self)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return one picture per row of latents."""
        vectors = self.embedder(labels)
        match self.form:
            case "joined" | "product":
                latents = torch.cat([latents, vectors], dim=1)
            case "noise_product":
                latents = latents * vectors
            case "norms":
                pass
        return self.layers(latents[:, :, None, None], vectors)


class AcganCritic(nn.Module):
    """Score a picture, and predict its class of each attribute.

    Args:
        size: Height and width of the picture.
        class_head: Builds the head that predicts the classes, from its number of input features.
        norm: Builds a norm from its number of channels.
        width: Channels of the first layer; each later one has twice as many.

    Shape:
        Pictures ``(n, 3, size, size)`` to scores ``(n,)`` and one tuple of logits ``(n, classes)``.
    """

    def __init__(
        self,
        *,
        size: int,
        class_head: Callable[[int], gk.blocks.ClassHead],
        norm: Norm = batch_norm,
        width: int = 64,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        widths = _stage_widths(width, doublings)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for narrow, wide in itertools.pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1), *_norm_and_activation(norm, wide)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        features = widths[-1] * base * base
        self.score = nn.Linear(features, 1)
        self.classes = class_head(features)
        _start_like_keras(self)

    def forward(self, images: torch.Tensor) -> gk.networks.CriticOutput:
        """Return scores and class logits."""
        features = self.layers(images)
        return gk.networks.CriticOutput(self.score(features).squeeze(1), self.classes(features))


def embedder_of(description: Description, options: Options) -> gk.embedders.Embedder:
    """Return what makes one vector of the labels of a picture."""
    match options.embedding_form:
        case "product":
            return gk.embedders.MultipliedLabelEmbedder(description.condition.classes, options.embedding)
        case "noise_product":
            return gk.embedders.MultipliedLabelEmbedder(description.condition.classes, LATENTS)
        case "joined" | "norms":
            return description.condition.label_embedder(options.embedding)


def networks(description: Description, options: Options) -> Blueprint:
    """Return report E's networks, for any attributes."""
    condition, size, width = description.condition, description.size, options.width

    def generator() -> nn.Module:
        embedder = embedder_of(description, options)
        return AcganGenerator(size=size, embedder=embedder, form=options.embedding_form, width=width)

    def critic() -> nn.Module:
        return AcganCritic(size=size, class_head=condition.class_head, width=width)

    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )
