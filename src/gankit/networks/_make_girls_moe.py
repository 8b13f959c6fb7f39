"""The pair of "Towards the Automatic Anime Characters Creation": a generator like SRResNet, a critic without norms."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from gankit._core import Images, Labels, Latents, Scores, check_at_least, layer_builder
from gankit.blocks import LeakyReLU, PostActivationBlock, PreActivationBlock, SRResNetBlock
from gankit.embedders import Embedder
from gankit.networks._arguments import (
    check_images,
    check_latents,
    count_doublings,
    count_positions,
    embed,
    parameter_count,
    vector_length,
)
from gankit.networks._parts import CriticEnd, CriticOutput, initialize_dcgan_


class MakeGirlsMoeGenerator(nn.Module):
    """Generate images by the layers of SRResNet: many residual blocks on small maps, then sub-pixel convolutions.

    A linear layer with norm and ReLU turns the latents, followed by the embedder's vector, into ``base x base`` maps of
    `width` channels. Residual blocks (convolution, norm, ReLU, convolution, norm, plus the input), norm and ReLU follow,
    and the maps from before the blocks are added. Each doubling is a 3x3 convolution to four times the channels, a pixel
    shuffle, norm and ReLU. The last layers are a 9x9 convolution and `output`.

    Weights of convolutions are initialized from N(0, 0.02), gains of batch norms from N(1, 0.02), their biases to 0; the
    linear layer and an embedder keep torch's initialization.

    Args:
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        latent_features: Length of the latents.
        width: Channels of all maps.
        blocks: Number of residual blocks.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional generator.
        norm: Builds a norm layer from its number of channels.
        output: Builds the last activation, which should have the range of the data.
        base: Height and width of the first maps: 16 for 128 x 128 images, 12 for 96, 8 for 64.
        pre_activation: Whether the residual blocks are `gankit.blocks.PreActivationBlock`, with norm and ReLU before each
            convolution, in place of `gankit.blocks.SRResNetBlock`. The norm and ReLU after the last block end both.

    Shape:
        - latents: ``(n, latent_features)``, usually from N(0, 1).
        - labels: the embedder's input; leave it out without an embedder.
        - result: ``(n, image_channels, resolution, resolution)``.

    Raises:
        ValueError: A size is below 1; `resolution` is not ``base * 2**k``; `norm` or `output` is not a callable that
            builds a layer; latents have another shape or are not floating-point; `embedder` has no `out_features`; labels
            are missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultiHotEmbedder
        >>> from gankit.networks import MakeGirlsMoeGenerator
        >>> generator = MakeGirlsMoeGenerator(resolution=32, base=8, width=4, blocks=2, embedder=MultiHotEmbedder(34))
        >>> generator(torch.randn(2, 128), torch.ones(2, 34)).shape
        torch.Size([2, 3, 32, 32])

    Reference:
        Jin et al. 2017, "Towards the Automatic Anime Characters Creation with Generative Adversarial Networks"
        (arXiv:1708.05509), figure 4, there at 128 x 128 with 34 tags. SRResNet: Ledig et al. 2017 (CVPR,
        arXiv:1609.04802). Every convolution has a bias, as in the programs that follow the paper.
    """

    def __init__(
        self,
        *,
        resolution: int = 128,
        latent_features: int = 128,
        width: int = 64,
        blocks: int = 16,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        output: Callable[[], nn.Module] = nn.Tanh,
        base: int = 16,
        pre_activation: bool = False,
    ) -> None:
        super().__init__()
        doublings = count_doublings(resolution, base)
        sizes = {"latent_features": latent_features, "width": width, "blocks": blocks, "image_channels": image_channels}
        for name, size in sizes.items():
            check_at_least(name, size, 1)
        norm, output = layer_builder("norm", norm), layer_builder("output", output)
        self.resolution = resolution
        self.latent_features = latent_features
        self.embedder = embedder
        features = latent_features + vector_length(embedder)
        first, unflatten = nn.Linear(features, width * base * base), nn.Unflatten(1, (width, base, base))
        self.stem = nn.Sequential(first, unflatten, norm(width), nn.ReLU())
        block = partial(PreActivationBlock, width) if pre_activation else SRResNetBlock
        self.blocks = nn.Sequential(*(block(width, norm=norm) for _ in range(blocks)), norm(width), nn.ReLU())
        self.up = nn.Sequential(*(layer for _ in range(doublings) for layer in _double(width, norm)))
        self.end = nn.Sequential(nn.Conv2d(width, image_channels, 9, padding=4), output())
        initialize_dcgan_(layer for part in (self.stem[2:], self.blocks, self.up, self.end) for layer in part.modules())

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Return one image per row of `latents`."""
        check_latents(latents, self.latent_features)
        condition = embed(self.embedder, labels, latents.shape[0])
        maps = self.stem(latents if condition is None else torch.cat((latents, condition), dim=1))
        return self.end(self.up(maps + self.blocks(maps)))

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, latent_features={self.latent_features}, {parameter_count(self)}"


def _double(channels: int, norm: Callable[[int], nn.Module]) -> list[nn.Module]:
    return [nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2), norm(channels), nn.ReLU()]


class MakeGirlsMoeCritic(nn.Module):
    """Score images and predict their tags by residual blocks without norms, which suits a gradient penalty.

    A 4x4 convolution of stride 2 makes `width` maps. Each further stage is two residual blocks (convolution, leaky ReLU,
    convolution, plus the input, leaky ReLU) and a 4x4 convolution of stride 2 that doubles the channels. From the
    flattened last maps one linear layer computes the score and one the classes.

    The activations are `gankit.blocks.LeakyReLU`, which save a sixth of a step with a gradient penalty. Weights are
    initialized from N(0, 0.02), biases to 0.

    Args:
        resolution: Height and width of the images, divisible by ``2**halvings``.
        width: Channels at half the resolution; they double at every stage.
        halvings: Number of convolutions of stride 2; 6 reduce 128 x 128 pixels to 2 x 2, 5 reduce 96 x 96 pixels to
            3 x 3.
        num_classes: Number of classes of each attribute to predict, as in `gankit.blocks.ClassHead`; empty for none. For
            34 tags that do not exclude each other take ``34`` and `gankit.losses.multi_label_loss`.
        image_channels: 3 for color, 1 for gray.
        pre_activation: Whether the residual blocks are `gankit.blocks.PreActivationBlock`, whose activations come before
            each convolution and not after the sum. Each convolution of stride 2 then has its activation before it, which
            ends the blocks, and the last one has one after it too.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - result: scores ``(n,)``; with `num_classes` a `CriticOutput` of scores and logits.

    Raises:
        ValueError: A size is below 1; ``2**halvings`` does not divide `resolution`; images have another shape or are
            not floating-point.

    Example:
        >>> import torch
        >>> from gankit.networks import MakeGirlsMoeCritic
        >>> scores, (tags,) = MakeGirlsMoeCritic(resolution=32, halvings=4, width=2, num_classes=34)(torch.randn(3, 3, 32, 32))
        >>> scores.shape, tags.shape
        (torch.Size([3]), torch.Size([3, 34]))

    Reference:
        Jin et al. 2017, "Towards the Automatic Anime Characters Creation with Generative Adversarial Networks"
        (arXiv:1708.05509), figure 5: ten blocks, five stages of two. Programs that follow it differ in the kernels of
        stride 2 (3x3 or 4x4), the slope and the number of blocks per stage; here kernels are 4x4, a multiple of the
        stride, and the slope is 0.2.
    """

    def __init__(
        self,
        *,
        resolution: int = 128,
        width: int = 32,
        halvings: int = 6,
        num_classes: int | Sequence[int] = (),
        image_channels: int = 3,
        pre_activation: bool = False,
    ) -> None:
        super().__init__()
        side = count_positions(resolution, halvings)
        check_at_least("width", width, 1)
        check_at_least("image_channels", image_channels, 1)
        self.resolution = resolution
        self.image_channels = image_channels
        block = PreActivationBlock if pre_activation else PostActivationBlock
        layers: list[nn.Module] = [nn.Conv2d(image_channels, width, 4, stride=2, padding=1)]
        channels = width
        for _ in range(halvings - 1):
            blocks = [block(channels, channels, norm=nn.Identity, activation=LeakyReLU) for _ in range(2)]
            layers += [*blocks, LeakyReLU()] if pre_activation else [LeakyReLU(), *blocks]
            layers += [nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1)]
            channels *= 2
        self.body = nn.Sequential(*layers, LeakyReLU())
        self.end = CriticEnd(channels, side * side, None, num_classes)
        initialize_dcgan_(self.modules())

    def forward(self, images: Images) -> Scores | CriticOutput:
        """Return one score per image and, with class heads, the logits of its classes."""
        check_images(images, self.image_channels, self.resolution)
        return self.end(self.body(images), None)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"
