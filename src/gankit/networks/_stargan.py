"""The pair of StarGAN: a generator that changes attributes of pictures, and a critic that also predicts them."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from gankit._core import Images, Labels, check_at_least
from gankit.blocks import DepthConcatenation, LeakyReLU
from gankit.embedders import Embedder
from gankit.networks._arguments import (
    check_halvable_images,
    check_images,
    count_positions,
    embed,
    parameter_count,
    vector_length,
)
from gankit.networks._parts import CriticOutput

_SLOPE = 0.01


class StarGANGenerator(nn.Module):
    """StarGAN's generator: change images so that they have the attributes that the labels name.

    The labels' vector is joined to the picture at every pixel. A 7x7 convolution makes `width` maps, two 4x4 convolutions
    of stride 2 make four times as many at a quarter of the height and width, and residual blocks follow at that size. Two
    transposed convolutions, a 7x7 convolution and tanh return to the size of the picture. Instance norm and ReLU follow
    each convolution except the last.

    Names and shapes of the state are those of the authors' code, so their files can be loaded:
    ``generator.load_state_dict(torch.load("200000-G.ckpt", weights_only=True))``.

    Args:
        embedder: Turns labels into vectors; ``MultiHotEmbedder(5)`` for the authors' five face attributes,
            ``OneHotEmbedder(8)`` for their eight expressions.
        width: Channels at the full resolution.
        blocks: Number of residual blocks.
        image_channels: 3 for color, 1 for gray.

    Shape:
        - images: ``(n, image_channels, height, width)`` in -1..1, with any height and width divisible by 4.
        - labels: the embedder's input: the attributes that the result should have.
        - result: as `images`.

    Raises:
        ValueError: A size is below 1; images have another shape, or a height or width that 4 does not divide, or are not
            floating-point; `embedder` has no `out_features`; labels are missing, or refused by the embedder.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultiHotEmbedder
        >>> from gankit.networks import StarGANGenerator
        >>> generator = StarGANGenerator(embedder=MultiHotEmbedder(5), width=4)
        >>> generator(torch.randn(2, 3, 32, 32), torch.tensor([[1, 0, 0, 0, 1], [0, 1, 0, 1, 1]])).shape
        torch.Size([2, 3, 32, 32])

    Reference:
        Choi et al. 2018, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation"
        (CVPR, arXiv:1711.09020), table 4. As in the authors' code the padding is zeros: instance norm removes a
        constant from a map, so the vector acts only through the borders. Difference: their norms track running
        statistics, and in evaluation mode these would be used and change the results much; their own program never
        calls ``eval()``. Here every picture is normalized by its own statistics in both modes; running statistics of a
        loaded file are kept unchanged.
    """

    def __init__(self, *, embedder: Embedder, width: int = 64, blocks: int = 6, image_channels: int = 3) -> None:
        super().__init__()
        for name, size in (("width", width), ("blocks", blocks), ("image_channels", image_channels)):
            check_at_least(name, size, 1)
        vectors = vector_length(embedder, required=True)
        self.image_channels = image_channels
        self.embedder = embedder
        self.join = DepthConcatenation(vectors)
        layers = [nn.Conv2d(image_channels + vectors, width, 7, padding=3, bias=False), *_tail(width)]
        for wide in (2 * width, 4 * width):
            layers += [nn.Conv2d(wide // 2, wide, 4, stride=2, padding=1, bias=False), *_tail(wide)]
        layers += [_ResidualBlock(4 * width) for _ in range(blocks)]
        for narrow in (2 * width, width):
            layers += [nn.ConvTranspose2d(2 * narrow, narrow, 4, stride=2, padding=1, bias=False), *_tail(narrow)]
        layers += [nn.Conv2d(width, image_channels, 7, padding=3, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, images: Images, labels: Labels) -> Images:
        """Return each image, changed to have the attributes of its labels."""
        check_halvable_images(images, self.image_channels, 4)
        return self.main(self.join(images, embed(self.embedder, labels, images.shape[0])))

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return parameter_count(self)


class _OwnStatistics(nn.InstanceNorm2d):
    """Instance norm by each picture's own statistics in both modes; running statistics are only kept in the state."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True, track_running_stats=True)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  torch's name of the argument
        return functional.instance_norm(input, weight=self.weight, bias=self.bias, eps=self.eps)


class _ResidualBlock(nn.Module):
    """Convolution, norm, ReLU, convolution, norm; then the input is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.main = nn.Sequential(first, *_tail(channels), second, _OwnStatistics(channels))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + self.main(maps)


def _tail(channels: int) -> list[nn.Module]:
    return [_OwnStatistics(channels), nn.ReLU()]


class StarGANCritic(nn.Module):
    """Score patches of images, and predict the attributes of each image.

    Each 4x4 convolution of stride 2 halves the picture and doubles the channels, with leaky ReLU after it and no norm.
    From the last maps a 3x3 convolution computes one score per position, and a convolution of their size the logits.

    Names and shapes of the state are those of the authors' code, so their files can be loaded. The activations are
    `gankit.blocks.LeakyReLU`, which save a sixth of a step with StarGAN's gradient penalty.

    Args:
        resolution: Height and width of the images, divisible by ``2**halvings``.
        num_classes: Number of logits: attributes for `gankit.losses.multi_label_loss`, or classes for
            `gankit.losses.class_loss`.
        width: Channels at half the resolution; they double at every halving.
        halvings: Number of convolutions of stride 2.
        image_channels: 3 for color, 1 for gray.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - result: a `CriticOutput`, scores ``(n, 1, side, side)`` with ``side = resolution / 2**halvings``, and one
          tensor of logits ``(n, num_classes)``.

    Raises:
        ValueError: A size is below 1; ``2**halvings`` does not divide `resolution`; images have another shape or are
            not floating-point.

    Example:
        >>> import torch
        >>> from gankit.networks import StarGANCritic
        >>> scores, (logits,) = StarGANCritic(width=2)(torch.randn(3, 3, 128, 128))
        >>> scores.shape, logits.shape
        (torch.Size([3, 1, 2, 2]), torch.Size([3, 5]))

    Reference:
        Choi et al. 2018, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation"
        (CVPR, arXiv:1711.09020), table 5. The slope 0.01 of the leaky ReLU and the missing biases of the two heads are
        those of their code.
    """

    def __init__(
        self,
        *,
        resolution: int = 128,
        num_classes: int = 5,
        width: int = 64,
        halvings: int = 6,
        image_channels: int = 3,
    ) -> None:
        super().__init__()
        positions = count_positions(resolution, halvings)
        for name, size in (("num_classes", num_classes), ("width", width), ("image_channels", image_channels)):
            check_at_least(name, size, 1)
        self.resolution = resolution
        self.image_channels = image_channels
        channels = [image_channels, *(width << step for step in range(halvings))]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), LeakyReLU(_SLOPE)]
        self.main = nn.Sequential(*layers)
        self.conv1 = nn.Conv2d(channels[-1], 1, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels[-1], num_classes, positions, bias=False)

    def forward(self, images: Images) -> CriticOutput:
        """Return a map of scores and the logits of each image."""
        check_images(images, self.image_channels, self.resolution)
        maps = self.main(images)
        return CriticOutput(self.conv1(maps), (self.conv2(maps).flatten(1),))

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"
