"""The generator of DCGAN: a linear map to a small picture of many channels, then transposed convolutions."""

from collections.abc import Callable

import torch
from torch import nn

from gankit._core import Images, Labels, Latents, check_at_least, layer_builder
from gankit.blocks import ConditionedSequential
from gankit.embedders import Embedder
from gankit.networks._arguments import check_latents, count_doublings, embed, parameter_count, vector_length
from gankit.networks._initialization import initialize_dcgan_


class DCGANGenerator(nn.Module):
    """Draw images from latents, and from labels where there is an embedder.

    Latents, with the embedder's vector joined *after* them, go through a linear layer to ``base x base`` maps; each
    4x4 transposed convolution of stride 2 doubles the picture and halves the channels, from ``width * 2**(k - 1)`` down
    to `width`, the last one makes `image_channels`. Norm and activation stand before every convolution; the picture
    itself is not normalized, as Radford et al. advise.

    Weights start from N(0, 0.02), batch norms' gains from N(1, 0.02), biases at 0; an embedder keeps its own start.

    Args:
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        latent_features: Length of the latents.
        width: Channels at half the resolution; they double at every step toward the latents.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional generator.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for none.
        activation: Builds an activation.
        output: Builds the last activation; its range is that of the data: ``nn.Tanh`` for -1..1, ``nn.Sigmoid`` for
            0..1.
        base: Height and width of the first maps, such as 6 for 96 x 96 images.

    Shape:
        - latents: ``(n, latent_features)``, usually from N(0, 1).
        - labels: whatever the embedder takes; left out without an embedder.
        - result: ``(n, image_channels, resolution, resolution)``.

    Raises:
        ValueError: A size is below 1; `resolution` is not ``base * 2**k``; `norm`, `activation` or `output` is no
            callable that builds a layer; latents have another shape or are no floats; `embedder` has no `out_features`;
            labels are missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import OneHotEmbedder
        >>> from gankit.networks import DCGANGenerator
        >>> generator = DCGANGenerator(resolution=32, width=8, embedder=OneHotEmbedder((12, 11)))
        >>> generator(torch.randn(2, 100), torch.tensor([[3, 0], [11, 10]])).shape
        torch.Size([2, 3, 32, 32])

    Reference:
        Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks" (ICLR), figure 1. Differences: at 64 x 64 the figure starts with 1024 maps, the common
        code and this with 512 (``width=128`` for the figure); kernels are 4 x 4 as in the common code, not 5 x 5, so
        that strides divide them and fewer checkerboards appear; a convolution has a bias exactly where no norm follows,
        so the last one has one.
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
        """Return one image a row of `latents`."""
        check_latents(latents, self.latent_features)
        condition = embed(self.embedder, labels, latents.shape[0])
        joined = latents if condition is None else torch.cat((latents, condition), dim=1)
        maps = self.stem(joined).unflatten(1, (self.channels, self.base, self.base))
        return self.body(maps, condition)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, latent_features={self.latent_features}, {parameter_count(self)}"


def _double(in_channels: int, out_channels: int, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
