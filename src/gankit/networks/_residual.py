"""The residual pair of WGAN-GP at 64 x 64, at any resolution."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from torch import nn

from gankit._core import Conditioned, Images, Labels, Latents, Scores, check_at_least, layer_builder
from gankit.blocks import (
    ConditionalBatchNorm2d,
    ConditionedSequential,
    MeanDownsample,
    NearestUpsample,
    PreActivationBlock,
    ProjectionHead,
)
from gankit.embedders import Embedder
from gankit.networks._arguments import (
    check_images,
    check_latents,
    count_doublings,
    embed,
    parameter_count,
    vector_length,
)
from gankit.networks._parts import CriticEnd, CriticOutput, initialize_block_, initialize_uniform_, scale_for_sum_

_LAYER_NORM = partial(nn.GroupNorm, 1)


class ResidualGenerator(nn.Module):
    """Generate images from latents by pre-activation residual blocks; labels act through conditional batch norm.

    A linear layer makes ``base x base`` maps of ``width * 2**(k - 1)`` channels. k blocks double the picture by repeating
    pixels, with channels 8, 8, 4, 2, 1 times `width` at 64 x 64 (k = 4). Norm, activation and a 3x3 convolution follow.
    The embedder's vector is not joined to the latents: it sets gain and shift of every norm.

    Weights are initialized by Glorot's uniform law, with gain 2**0.5 in the 3x3 convolutions, biases to 0, as in the
    authors' code; an embedder keeps its own initialization.

    Args:
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        latent_features: Length of the latents.
        width: Channels at the full resolution.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional generator.
        norm: Builds a norm layer from its number of channels. Default: batch norm, with an embedder conditional batch
            norm. With an embedder it must build layers that derive from `gankit.blocks.Conditioned`.
        activation: Builds an activation; it must not work in place.
        output: Builds the last activation, which should have the range of the data: ``nn.Tanh`` for -1..1,
            ``nn.Sigmoid`` for 0..1.
        base: Height and width of the first maps, such as 6 for 96 x 96 images.

    Shape:
        - latents: ``(n, latent_features)``, usually from N(0, 1).
        - labels: the embedder's input; leave it out without an embedder.
        - result: ``(n, image_channels, resolution, resolution)``.

    Raises:
        ValueError: A size is below 1; `resolution` is not ``base * 2**k``; `norm`, `activation` or `output` is not a
            callable that builds a layer, or the activation works in place; there is an embedder and `norm` takes no
            condition; latents have another shape or are not floating-point; `embedder` has no `out_features`; labels are
            missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import OneHotEmbedder
        >>> from gankit.networks import ResidualGenerator
        >>> generator = ResidualGenerator(resolution=32, width=4, embedder=OneHotEmbedder((12, 11)))
        >>> generator(torch.randn(2, 128), torch.tensor([[3, 0], [11, 10]])).shape
        torch.Size([2, 3, 32, 32])

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs" (NIPS, arXiv:1704.00028), appendix F and
        "GoodGenerator" in the authors' code for 64 x 64. Differences: the first convolution of a block has a bias (see
        `PreActivationBlock`); with an embedder the last norm is conditional too, while their class-conditional net for
        32 x 32 has a plain one.
    """

    def __init__(
        self,
        *,
        resolution: int = 64,
        latent_features: int = 128,
        width: int = 64,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        norm: Callable[[int], nn.Module] | None = None,
        activation: Callable[[], nn.Module] = nn.ReLU,
        output: Callable[[], nn.Module] = nn.Tanh,
        base: int = 4,
    ) -> None:
        super().__init__()
        doublings = count_doublings(resolution, base)
        for name, size in (("latent_features", latent_features), ("width", width), ("image_channels", image_channels)):
            check_at_least(name, size, 1)
        activation, output = layer_builder("activation", activation), layer_builder("output", output)
        self.resolution = resolution
        self.latent_features = latent_features
        self.base = base
        self.embedder = embedder
        norm = layer_builder("norm", _default_norm(embedder) if norm is None else norm)
        channels = [width << max(0, doublings - 1 - max(0, step - 1)) for step in range(doublings + 1)]
        self.channels = channels[0]
        self.stem = nn.Linear(latent_features, channels[0] * base * base)
        blocks = [
            PreActivationBlock(before, after, norm=norm, activation=activation, up=NearestUpsample())
            for before, after in pairwise(channels)
        ]
        last = nn.Conv2d(channels[-1], image_channels, 3, padding=1)
        self.body = ConditionedSequential(*blocks, norm(channels[-1]), activation(), last, output())
        if embedder is not None and not isinstance(blocks[0].norm2, Conditioned):
            raise ValueError(
                f"norm must build layers that take the condition, since there is an embedder, got {blocks[0].norm2!r}"
            )
        initialize_uniform_(self.stem, after_relu=False)
        initialize_uniform_(last, after_relu=True)
        for block in blocks:
            initialize_block_(block)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Return one image per row of `latents`."""
        check_latents(latents, self.latent_features)
        condition = embed(self.embedder, labels, latents.shape[0])
        maps = self.stem(latents).unflatten(1, (self.channels, self.base, self.base))
        return self.body(maps, condition)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, latent_features={self.latent_features}, {parameter_count(self)}"


def _default_norm(embedder: Embedder | None) -> Callable[[int], nn.Module]:
    if embedder is None:
        return nn.BatchNorm2d
    return partial(ConditionalBatchNorm2d, condition_features=vector_length(embedder))


class ResidualCritic(nn.Module):
    """Score images by pre-activation residual blocks with layer norm, as WGAN-GP does.

    A 3x3 convolution makes `width` maps. k blocks halve the picture by means, with channels 2, 4, 8, 8 times `width` at
    64 x 64 (k = 4). One linear layer computes the score from the flattened last maps. Layer norm is over channels,
    height and width together, with one gain and one shift per channel: ``nn.GroupNorm(1, channels)``. It keeps samples
    independent, as a gradient penalty needs.

    With an embedder a `ProjectionHead` computes the score from the maps summed over positions; with `num_classes` a
    `ClassHead` takes the flattened maps. Both may be combined.

    Weights are initialized by Glorot's uniform law, with gain 2**0.5 in the blocks' 3x3 convolutions, biases to 0, as in
    the authors' code. Weights of the projection are divided by the number of positions over which it sums, so that at
    first it is a projection on the mean, with scores of the same size as those of the linear layer. An embedder keeps its
    own initialization.

    Args:
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        width: Channels at the full resolution.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional critic.
        num_classes: Number of classes of each attribute to predict; empty for none.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for no norm. Default: layer norm,
            ``partial(nn.GroupNorm, 1)``. Under a gradient penalty it must not be a batch norm, which couples the samples.
        activation: Builds an activation; it must not work in place.
        base: Height and width of the last maps, such as 6 for 96 x 96 images.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - labels: the embedder's input; leave it out without an embedder.
        - result: scores ``(n,)``; with `num_classes` a `CriticOutput` of scores and logits.

    Raises:
        ValueError: A size is below 1; `resolution` is not ``base * 2**k``; `norm` or `activation` is not a callable that
            builds a layer, or the activation works in place; images have another shape or are not floating-point;
            `embedder` has no `out_features`; labels are missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.networks import ResidualCritic
        >>> critic = ResidualCritic(resolution=32, width=4, num_classes=(12, 11))
        >>> scores, (hair, eyes) = critic(torch.randn(2, 3, 32, 32))
        >>> scores.shape, hair.shape, eyes.shape
        (torch.Size([2]), torch.Size([2, 12]), torch.Size([2, 11]))

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs" (NIPS, arXiv:1704.00028), appendix F and
        "GoodDiscriminator" in the authors' code for 64 x 64. As there, the linear layer follows the last block directly
        (SNGAN and BigGAN have a ReLU between them). Difference: the first convolution of a block has a bias.
    """

    def __init__(
        self,
        *,
        resolution: int = 64,
        width: int = 64,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        num_classes: int | Sequence[int] = (),
        norm: Callable[[int], nn.Module] = _LAYER_NORM,
        activation: Callable[[], nn.Module] = nn.ReLU,
        base: int = 4,
    ) -> None:
        super().__init__()
        doublings = count_doublings(resolution, base)
        for name, size in (("width", width), ("image_channels", image_channels)):
            check_at_least(name, size, 1)
        self.resolution = resolution
        self.image_channels = image_channels
        self.embedder = embedder
        channels = [width << min(step, doublings - 1) for step in range(doublings + 1)]
        blocks = [
            PreActivationBlock(before, after, norm=norm, activation=activation, down=MeanDownsample())
            for before, after in pairwise(channels)
        ]
        stem = nn.Conv2d(image_channels, width, 3, padding=1)
        self.body = ConditionedSequential(stem, *blocks)
        condition_features = vector_length(embedder) or None
        self.end = CriticEnd(channels[-1], base * base, condition_features, num_classes)
        for layer in (stem, *self.end.linear_layers()):
            initialize_uniform_(layer, after_relu=False)
        for block in blocks:
            initialize_block_(block)
        if isinstance(self.end.score, ProjectionHead):
            scale_for_sum_(self.end.score, base * base)

    def forward(self, images: Images, labels: Labels | None = None) -> Scores | CriticOutput:
        """Return one score per image and, with class heads, the logits of its classes."""
        check_images(images, self.image_channels, self.resolution)
        condition = embed(self.embedder, labels, images.shape[0])
        return self.end(self.body(images, condition), condition)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"
