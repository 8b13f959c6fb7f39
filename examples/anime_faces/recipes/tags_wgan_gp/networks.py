"""The two networks of report C: at 64x64 with width 64 those of its program, but for a layer in the critic that compares."""

import itertools
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.tags_wgan_gp.options import Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

LATENTS = 100
SLOPE = 0.2
EPSILON = 1e-3  # added to the variance, the default of TensorFlow's layers


def layer_norm(channels: int) -> nn.Module:
    """Normalize each picture by itself, over all channels and positions."""
    return nn.GroupNorm(1, channels)


def shifting_batch_norm(channels: int, *, running: bool = True) -> nn.Module:
    """Normalize over the batch, then shift without a gain, as TensorFlow's layers do by default.

    With `running`, running statistics are used in evaluation mode; without, every batch is normalized by its own statistics.
    """
    norm = nn.BatchNorm2d(channels, eps=EPSILON, track_running_stats=running)
    norm.register_parameter("weight", None)
    return norm


def own_batch_norm(channels: int) -> nn.Module:
    """Normalize every batch by its own statistics, also in evaluation mode, as the program of report C does."""
    return shifting_batch_norm(channels, running=False)


class TagsGenerator(nn.Module):
    """Draw a picture from noise joined with a vector of tags.

    Args:
        size: Height and width of the picture.
        embedder: Checks the tags; says how many there are.
        latent_features: Length of the noise.
        width: Channels before the last layer; each earlier layer has twice as many.
        norm: Builds a norm layer from its number of channels.

    Shape:
        Latents ``(n, latent_features)`` and tags ``(n, tags)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(
        self,
        *,
        size: int,
        embedder: gk.embedders.MultiHotEmbedder,
        latent_features: int = LATENTS,
        width: int = 128,
        norm: Callable[[int], nn.Module] = shifting_batch_norm,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        widths = [width * 2**stage for stage in range(doublings)][::-1]
        self.embedder = embedder
        self.stem = nn.Linear(latent_features + embedder.out_features, widths[0] * base * base)
        layers: list[nn.Module] = [nn.Unflatten(1, (widths[0], base, base)), norm(widths[0]), nn.ReLU()]
        for wide, narrow in itertools.pairwise(widths):
            layers += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1), norm(narrow), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1), nn.Tanh())
        _start(self)

    def forward(self, latents: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        """Return one picture per row of latents."""
        return self.layers(self.stem(torch.cat([latents, self.embedder(tags)], dim=1)))


class TagsCritic(nn.Module):
    """Score a picture against a vector of tags, which are extra channels of its last feature map.

    With a linear layer alone after them, as in the report, the score is one of the picture plus one of the tags. Its gradient
    with respect to the picture is the same for all tags, so that no picture fits some tags better than others. `compares` puts
    a 1x1 convolution between, as GAN-CLS has.

    Args:
        size: Height and width of the picture.
        tags: Length of the tag vector.
        width: Channels of the first layer; each later one has twice as many.
        norm: Builds a norm layer from its number of channels; the first layer has none.
        compares: Whether a 1x1 convolution with norm and leaky ReLU comes after the tags.

    Shape:
        Pictures ``(n, 3, size, size)`` and tags ``(n, tags)`` to scores ``(n,)``.
    """

    def __init__(
        self,
        *,
        size: int,
        tags: int,
        width: int = 64,
        norm: Callable[[int], nn.Module] = layer_norm,
        compares: bool = True,
    ) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        widths = [width * 2**stage for stage in range(doublings)]
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for narrow, wide in itertools.pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1), norm(wide), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        joined = widths[-1] + tags
        compared = [nn.Conv2d(joined, widths[-1], 1), norm(widths[-1]), nn.LeakyReLU(SLOPE)] if compares else []
        self.compared = nn.Sequential(*compared)
        self.score = nn.Linear((widths[-1] if compares else joined) * base * base, 1)
        _start(self)

    def forward(self, images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        """Return one score per picture, given its tags."""
        features = self.layers(images)
        everywhere = tags[:, :, None, None].expand(-1, -1, *features.shape[2:]).to(features.dtype)
        return self.score(self.compared(torch.cat([features, everywhere], dim=1)).flatten(1)).squeeze(1)


def networks(description: Description, options: Options) -> Blueprint:
    """Return report C's networks, with the norms of its program if `options.literal`.

    Batch norm couples pictures, so that the corrected critic has it only without a gradient penalty.
    """
    size, width = description.size, options.width
    generator_norm = own_batch_norm if options.literal else shifting_batch_norm
    critic_norm = layer_norm if options.constraint == "gp" and not options.literal else generator_norm

    def generator() -> nn.Module:
        embedder = description.condition.multi_hot()
        return TagsGenerator(size=size, embedder=embedder, width=2 * width, norm=generator_norm)

    def critic() -> nn.Module:
        tags, compares = sum(description.classes), options.joined == "compared"
        return TagsCritic(size=size, tags=tags, width=width, norm=critic_norm, compares=compares)

    return Blueprint(
        makers={"generator": generator, "critic": critic},
        latents=partial(gk.latents.uniform_latents, features=LATENTS),
    )


def _start(network: nn.Module) -> None:
    """Initialize convolutions from N(0, 0.02), linear layers by Glorot's uniform rule, biases with 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
