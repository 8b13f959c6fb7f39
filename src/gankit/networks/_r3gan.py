"""The pair of R3GAN: modern residual networks without norms."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import torch
from torch import nn

from gankit._core import Images, Labels, Latents, Scores, check_at_least
from gankit.blocks import BlurDownsample, BlurUpsample, BottleneckBlock
from gankit.embedders import Embedder
from gankit.networks._arguments import check_images, check_latents, embed, parameter_count, vector_length

_EXPANSION = 2
_FACES_64 = (768, 768, 768, 768, 384)


def _bottlenecks(width: int, group_channels: int, blocks: int, stages: int) -> list[nn.Module]:
    """Build the blocks of one stage."""
    groups = _EXPANSION * width // group_channels
    return [BottleneckBlock(width, groups, expansion=_EXPANSION, depth=blocks * stages) for _ in range(blocks)]


def _initialize_variance_(layer: nn.Linear | nn.Conv2d) -> None:
    """Draw the weights of a layer without bias from N(0, 1 / fan-in)."""
    nn.init.normal_(layer.weight, 0.0, 1 / sqrt(layer.weight[0].numel()))


def _change_channels(before: int, after: int) -> list[nn.Module]:
    """Build a 1x1 convolution if the numbers of channels differ, otherwise nothing."""
    if before == after:
        return []
    layer = nn.Conv2d(before, after, 1, bias=False)
    _initialize_variance_(layer)
    return [layer]


def _check_stages(widths: Sequence[int], blocks: int, group_channels: int, base: int) -> None:
    """Refuse sizes below 1, and widths that groups of `group_channels` do not divide."""
    for name, size in (("blocks", blocks), ("group_channels", group_channels), ("base", base)):
        check_at_least(name, size, 1)
    if not isinstance(widths, Sequence):
        raise ValueError(f"widths must be a sequence of whole numbers, one per stage, got {widths!r}")
    if not widths:
        raise ValueError("widths must have at least one entry, got none")
    for width in widths:
        check_at_least("widths", width, 1)
        if _EXPANSION * width % group_channels:
            raise ValueError(
                f"widths must be such that group_channels={group_channels} divides 2 * width, "
                f"got width {width} in {tuple(widths)}"
            )


class R3GANGenerator(nn.Module):
    """Generate images by residual bottlenecks without norms, each stage at twice the resolution of the one before.

    A linear layer turns the latents, followed by the embedder's vector, into one number per channel, which scales that
    channel's learned ``base x base`` map. A stage changes the channels by a 1x1 convolution if they differ, doubles the
    picture by `gankit.blocks.BlurUpsample`, and has `blocks` bottlenecks: 1x1 to twice the channels, 3x3 in groups, 1x1
    back, plus the input. A 1x1 convolution makes the colors, whose range is not bounded.

    Weights are initialized from normal distributions that keep the variance, divided in the bottlenecks by the fourth root
    of their number. The last convolution of each bottleneck starts at 0, so a new network is linear in its latents. An
    embedder keeps its own initialization.

    Args:
        widths: Channels of each stage, from the smallest maps to the largest, whose side is ``base * 2**(stages - 1)``.
        latent_features: Length of the latents.
        blocks: Number of bottlenecks in each stage.
        group_channels: Channels in each group of the 3x3 convolutions; must divide twice each width.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional generator.
        base: Height and width of the first maps, such as 6 for 96 x 96 images.

    Shape:
        - latents: ``(n, latent_features)``, usually from N(0, 1).
        - labels: the embedder's input; leave it out without an embedder.
        - result: ``(n, image_channels, resolution, resolution)``, unbounded.

    Raises:
        ValueError: A size is below 1; `group_channels` does not divide twice each width; latents have another shape or
            are not floating-point; `embedder` has no `out_features`; labels are missing with an embedder, given without
            one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.networks import R3GANGenerator
        >>> generator = R3GANGenerator(widths=(24, 24, 24, 16), group_channels=8)
        >>> generator(torch.randn(2, 64)).shape
        torch.Size([2, 3, 32, 32])

    Reference:
        Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline" (NeurIPS, arXiv:2501.05441),
        configuration E, and the authors' code, whose settings for faces at 64 x 64 are the defaults. Differences: when
        the picture is doubled its borders are mirrored, not padded with zeros; all layers run in the dtype of the
        parameters, while their code runs the larger stages in bfloat16: use autocast for that.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = _FACES_64,
        latent_features: int = 64,
        blocks: int = 2,
        group_channels: int = 16,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        base: int = 4,
    ) -> None:
        super().__init__()
        _check_stages(widths, blocks, group_channels, base)
        check_at_least("latent_features", latent_features, 1)
        check_at_least("image_channels", image_channels, 1)
        self.latent_features = latent_features
        self.resolution = base << (len(widths) - 1)
        self.embedder = embedder
        features = latent_features + vector_length(embedder)
        self.stem = nn.Linear(features, widths[0], bias=False)
        self.basis = nn.Parameter(torch.randn(widths[0], base, base))
        layers = _bottlenecks(widths[0], group_channels, blocks, len(widths))
        for before, after in pairwise(widths):
            layers += [*_change_channels(before, after), BlurUpsample()]
            layers += _bottlenecks(after, group_channels, blocks, len(widths))
        last = nn.Conv2d(widths[-1], image_channels, 1, bias=False)
        self.body = nn.Sequential(*layers, last)
        _initialize_variance_(self.stem)
        _initialize_variance_(last)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Return one image per row of `latents`."""
        check_latents(latents, self.latent_features)
        condition = embed(self.embedder, labels, latents.shape[0])
        joined = latents if condition is None else torch.cat((latents, condition), dim=1)
        return self.body(self.stem(joined)[:, :, None, None] * self.basis)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, latent_features={self.latent_features}, {parameter_count(self)}"


class R3GANCritic(nn.Module):
    """Score images by residual bottlenecks without norms, each stage at half the resolution of the one before.

    A 1x1 convolution makes ``widths[0]`` maps. A stage has `blocks` bottlenecks, halves the picture by
    `gankit.blocks.BlurDownsample`, and changes the channels by a 1x1 convolution if they differ. After the last stage a
    convolution of the size of the maps reduces each channel to one number, and a linear layer computes the score. With an
    embedder the linear layer makes a vector, and the score is its dot product with the vector of the labels, divided by
    the root of their length.

    Weights are initialized as in `R3GANGenerator`.

    Args:
        widths: Channels of each stage, from the largest maps, whose side is ``base * 2**(stages - 1)``, to the smallest.
        blocks: Number of bottlenecks in each stage.
        group_channels: Channels in each group of the 3x3 convolutions; must divide twice each width.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional critic.
        base: Height and width of the last maps, such as 6 for 96 x 96 images.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - labels: the embedder's input; leave it out without an embedder.
        - result: scores ``(n,)``.

    Raises:
        ValueError: A size is below 1; `group_channels` does not divide twice each width; images have another shape or
            are not floating-point; `embedder` has no `out_features`; labels are missing with an embedder, given without
            one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import LabelEmbedder
        >>> from gankit.networks import R3GANCritic
        >>> critic = R3GANCritic(widths=(16, 24, 24, 24), group_channels=8, embedder=LabelEmbedder((12, 11), 32))
        >>> critic(torch.randn(2, 3, 32, 32), torch.tensor([[3, 0], [11, 10]])).shape
        torch.Size([2])

    Reference:
        Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline" (NeurIPS, arXiv:2501.05441),
        configuration E, and the authors' code, whose settings for faces at 64 x 64 are the defaults. Differences: those
        of `R3GANGenerator`; in their code the label vectors are initialized small, here the product is divided.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = _FACES_64[::-1],
        blocks: int = 2,
        group_channels: int = 16,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        base: int = 4,
    ) -> None:
        super().__init__()
        _check_stages(widths, blocks, group_channels, base)
        check_at_least("image_channels", image_channels, 1)
        self.image_channels = image_channels
        self.resolution = base << (len(widths) - 1)
        self.embedder = embedder
        first = nn.Conv2d(image_channels, widths[0], 1, bias=False)
        layers = [first, *_bottlenecks(widths[0], group_channels, blocks, len(widths))]
        for before, after in pairwise(widths):
            layers += [BlurDownsample(), *_change_channels(before, after)]
            layers += _bottlenecks(after, group_channels, blocks, len(widths))
        basis = nn.Conv2d(widths[-1], widths[-1], base, groups=widths[-1], bias=False)
        self.body = nn.Sequential(*layers, basis, nn.Flatten())
        self.score = nn.Linear(widths[-1], vector_length(embedder) or 1, bias=False)
        for layer in (first, basis, self.score):
            _initialize_variance_(layer)

    def forward(self, images: Images, labels: Labels | None = None) -> Scores:
        """Return one score per image, with an embedder given its labels."""
        check_images(images, self.image_channels, self.resolution)
        condition = embed(self.embedder, labels, images.shape[0])
        vectors = self.score(self.body(images))
        if condition is None:
            return vectors.squeeze(1)
        return (vectors * condition).sum(dim=1) / sqrt(condition.shape[1])

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"
