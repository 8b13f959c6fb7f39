"""The pairs of networks: generators of latents and labels, critics of pictures and labels, whether they use labels or not."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

import gankit as gk
from benchmarks.failures.faces import SIZE
from examples.anime_faces.data.render import HAIR_COLORS

LATENTS = 32
CLASSES = len(HAIR_COLORS)
Pair = tuple[nn.Module, nn.Module]

no_norm = nn.Identity
batch_norm = nn.BatchNorm2d
layer_norm = partial(nn.GroupNorm, 1)


class WithoutLabels(nn.Module):
    """A network that is given labels and does not use them.

    Args:
        network: A network of one input.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return what the network makes of its input."""
        del labels
        return self.network(inputs)


class WithLabels(nn.Module):
    """A network that is given one-hot labels as the ids of classes that embedders take.

    Args:
        network: A network of an input and ids ``(n, 1)``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return what the network makes of its input and the labels."""
        return self.network(inputs, labels.argmax(1, keepdim=True))


def dcgan(
    norm: Callable[[int], nn.Module] = no_norm,
    generator_norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    width: int = 24,
) -> Pair:
    """Return DCGAN's networks without labels; `norm` is that of the critic."""
    return _generator(None, width, generator_norm), WithoutLabels(_critic(None, norm, width))


def conditional(critic_sees: bool = True, width: int = 24) -> Pair:
    """Return DCGAN's networks with labels for the generator, and for the critic if it is to see them."""
    critic = _critic(gk.embedders.OneHotEmbedder((CLASSES,)) if critic_sees else None, no_norm, width)
    generator = _generator(gk.embedders.OneHotEmbedder((CLASSES,)), width)
    return generator, WithLabels(critic) if critic_sees else WithoutLabels(critic)


def _generator(
    embedder: gk.embedders.Embedder | None, width: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d
) -> nn.Module:
    network = gk.networks.DCGANGenerator(
        resolution=SIZE, latent_features=LATENTS, width=width, embedder=embedder, norm=norm
    )
    return WithoutLabels(network) if embedder is None else WithLabels(network)


def _critic(embedder: gk.embedders.Embedder | None, norm: Callable[[int], nn.Module], width: int) -> nn.Module:
    return gk.networks.DCGANCritic(
        resolution=SIZE, width=width, embedder=embedder, norm=norm, activation=partial(gk.blocks.LeakyReLU, 0.2)
    )


def upsampled(transposed: bool, width: int = 24) -> Pair:
    """Return a generator that doubles pictures by 3x3 transposed convolutions, or by repeated pixels and a convolution."""
    steps: list[nn.Module] = [nn.Linear(LATENTS, 4 * width * 16), nn.Unflatten(1, (4 * width, 4, 4))]
    for before, after in ((4 * width, 2 * width), (2 * width, width), (width, 3)):
        steps += [nn.BatchNorm2d(before), nn.ReLU(), *_doubled(before, after, transposed)]
    return WithoutLabels(nn.Sequential(*steps, nn.Tanh())), WithoutLabels(_critic(None, no_norm, width))


def _doubled(before: int, after: int, transposed: bool) -> list[nn.Module]:
    if transposed:
        return [nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)]
    return [gk.blocks.NearestUpsample(), nn.Conv2d(before, after, 3, padding=1)]
