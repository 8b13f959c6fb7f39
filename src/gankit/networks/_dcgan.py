"""The pair of DCGAN: transposed convolutions up to the picture, strided convolutions down from it."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from gankit._core import Images, Labels, Latents, Scores, check_at_least, layer_builder
from gankit.blocks import ConditionedSequential
from gankit.embedders import Embedder
from gankit.networks._arguments import (
    check_images,
    check_latents,
    count_doublings,
    embed,
    parameter_count,
    vector_length,
)
from gankit.networks._parts import CriticEnd, CriticOutput, initialize_dcgan_

_LEAKY = partial(nn.LeakyReLU, 0.2)


class DCGANGenerator(nn.Module):
    """DCGAN's generator: generate images from latents and, if there is an embedder, from labels.

    A linear layer turns the latents, followed by the embedder's vector, into ``base x base`` maps. Each 4x4 transposed
    convolution of stride 2 doubles the picture and halves the channels, from ``width * 2**(k - 1)`` down to `width`; the
    last one makes `image_channels`. Norm and activation come before every convolution; the picture itself is not
    normalized, as Radford et al. advise.

    Weights are initialized from N(0, 0.02), gains of batch norms from N(1, 0.02), biases to 0; an embedder keeps its own
    initialization.

    Args:
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        latent_features: Length of the latents.
        width: Channels at half the resolution; they double at every step toward the latents.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional generator.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for no norm.
        activation: Builds an activation.
        output: Builds the last activation, which should have the range of the data: ``nn.Tanh`` for -1..1,
            ``nn.Sigmoid`` for 0..1.
        base: Height and width of the first maps, such as 6 for 96 x 96 images.
        condition_first: Join the embedder's vector before the latents, not after them: the same function with the first
            layer's inputs in another order.

    Shape:
        - latents: ``(n, latent_features)``, usually from N(0, 1).
        - labels: the embedder's input; leave it out without an embedder.
        - result: ``(n, image_channels, resolution, resolution)``.

    Raises:
        ValueError: A size is below 1; `resolution` is not ``base * 2**k``; `norm`, `activation` or `output` is not a
            callable that builds a layer; latents have another shape or are not floating-point; `embedder` has no
            `out_features`; labels are missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import OneHotEmbedder
        >>> from gankit.networks import DCGANGenerator
        >>> generator = DCGANGenerator(resolution=32, width=8, embedder=OneHotEmbedder((12, 11)))
        >>> generator(torch.randn(2, 100), torch.tensor([[3, 0], [11, 10]])).shape
        torch.Size([2, 3, 32, 32])

    Reference:
        Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks" (ICLR, arXiv:1511.06434), figure 1. Differences: at 64 x 64 the figure starts with 1024
        maps, the usual code and this one with 512 (``width=128`` gives the figure); kernels are 4 x 4 as in the usual
        code, not 5 x 5, a multiple of the stride, which gives fewer checkerboards; only convolutions without a norm
        after them have a bias, so the last one does.
    """

    def __init__(
        self,
        *,
        resolution: int = 64,
        latent_features: int = 100,
        width: int = 64,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation: Callable[[], nn.Module] = nn.ReLU,
        output: Callable[[], nn.Module] = nn.Tanh,
        base: int = 4,
        condition_first: bool = False,
    ) -> None:
        super().__init__()
        doublings = count_doublings(resolution, base)
        for name, size in (("latent_features", latent_features), ("width", width), ("image_channels", image_channels)):
            check_at_least(name, size, 1)
        norm, activation = layer_builder("norm", norm), layer_builder("activation", activation)
        output = layer_builder("output", output)
        self.resolution = resolution
        self.latent_features = latent_features
        self.base = base
        self.embedder = embedder
        self.condition_first = condition_first
        channels = width << (doublings - 1)
        self.channels = channels
        features = latent_features + vector_length(embedder)
        normalize = norm(channels)
        self.stem = nn.Linear(features, channels * base * base, bias=isinstance(normalize, nn.Identity))
        layers: list[nn.Module] = [normalize, activation()]
        for _ in range(doublings - 1):
            normalize = norm(channels // 2)
            layers += [_double(channels, channels // 2, isinstance(normalize, nn.Identity)), normalize, activation()]
            channels //= 2
        layers += [_double(channels, image_channels, True), output()]
        self.body = ConditionedSequential(*layers)
        initialize_dcgan_([self.stem, *layers])

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Return one image per row of `latents`."""
        check_latents(latents, self.latent_features)
        condition = embed(self.embedder, labels, latents.shape[0])
        joined = latents
        if condition is not None:
            joined = torch.cat((condition, latents) if self.condition_first else (latents, condition), dim=1)
        maps = self.stem(joined).unflatten(1, (self.channels, self.base, self.base))
        return self.body(maps, condition)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, latent_features={self.latent_features}, {parameter_count(self)}"


def _double(in_channels: int, out_channels: int, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)


class DCGANCritic(nn.Module):
    """DCGAN's critic (discriminator): score images, optionally given their labels, and optionally predict classes.

    Each 4x4 convolution of stride 2 halves the picture and doubles the channels, from `width` up to
    ``width * 2**(k - 1)`` at ``base x base``; norm (none after the first) and activation follow. One linear layer
    computes the score from the flattened last maps, the same function as a convolution of their size without padding.
    Scores are logits: there is no sigmoid.

    With an embedder a `ProjectionHead` computes the score from the maps summed over positions; with `num_classes` a
    `ClassHead` takes the flattened maps. Both may be combined.

    Weights are initialized as in `DCGANGenerator`.

    Args:
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        width: Channels at half the resolution; they double at every step.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional critic.
        num_classes: Number of classes of each attribute to predict; empty for none.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for no norm. Under a gradient penalty it
            must not be a batch norm, which couples the samples: take ``partial(nn.GroupNorm, 1)`` or no norm.
        activation: Builds an activation. Default: ``partial(nn.LeakyReLU, 0.2)``. With a gradient penalty and no norm
            take `gankit.blocks.LeakyReLU`, which saves a sixth of the step.
        base: Height and width of the last maps, such as 6 for 96 x 96 images.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - labels: the embedder's input; leave it out without an embedder.
        - result: scores ``(n,)``; with `num_classes` a `CriticOutput` of scores and logits.

    Raises:
        ValueError: A size is below 1; `resolution` is not ``base * 2**k``; `norm` or `activation` is not a callable that
            builds a layer; images have another shape or are not floating-point; `embedder` has no `out_features`; labels
            are missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import OneHotEmbedder
        >>> from gankit.networks import DCGANCritic
        >>> critic = DCGANCritic(resolution=32, width=8, embedder=OneHotEmbedder((12, 11)))
        >>> critic(torch.randn(2, 3, 32, 32), torch.tensor([[3, 0], [11, 10]])).shape
        torch.Size([2])

    Reference:
        Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks" (ICLR, arXiv:1511.06434), section 3; projection: Miyato and Koyama 2018
        (arXiv:1802.05637); class heads: Odena, Olah and Shlens 2017 (arXiv:1610.09585). Only convolutions without a
        norm after them have a bias; in the usual code no convolution has one.
    """

    def __init__(
        self,
        *,
        resolution: int = 64,
        width: int = 64,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        num_classes: int | Sequence[int] = (),
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation: Callable[[], nn.Module] = _LEAKY,
        base: int = 4,
    ) -> None:
        super().__init__()
        doublings = count_doublings(resolution, base)
        for name, size in (("width", width), ("image_channels", image_channels)):
            check_at_least(name, size, 1)
        norm, activation = layer_builder("norm", norm), layer_builder("activation", activation)
        self.resolution = resolution
        self.image_channels = image_channels
        self.embedder = embedder
        channels = width
        layers: list[nn.Module] = [_halve(image_channels, channels, bias=True), activation()]
        for _ in range(doublings - 1):
            normalize = norm(2 * channels)
            layers += [_halve(channels, 2 * channels, isinstance(normalize, nn.Identity)), normalize, activation()]
            channels *= 2
        self.body = ConditionedSequential(*layers)
        condition_features = vector_length(embedder) or None
        self.end = CriticEnd(channels, base * base, condition_features, num_classes)
        initialize_dcgan_([*layers, *self.end.linear_layers()])

    def forward(self, images: Images, labels: Labels | None = None) -> Scores | CriticOutput:
        """Return one score per image and, with class heads, the logits of its classes."""
        check_images(images, self.image_channels, self.resolution)
        condition = embed(self.embedder, labels, images.shape[0])
        return self.end(self.body(images, condition), condition)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"


def _halve(in_channels: int, out_channels: int, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
