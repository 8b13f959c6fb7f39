"""The pair of pix2pix: a U-Net, which colors gray pictures here, and a critic of patches."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from gankit._core import Images, Labels, Scores, check_at_least, check_batch, check_floating, layer_builder
from gankit.blocks import DepthConcatenation, PatchHead
from gankit.embedders import Embedder
from gankit.networks._arguments import check_halvable_images, embed, parameter_count, vector_length
from gankit.networks._parts import initialize_dcgan_

_LEAKY = partial(nn.LeakyReLU, 0.2)
_DROPOUT = partial(nn.Dropout, 0.5)
_WIDEST = 8  # the most channels of the U-Net, times its width
_MOST_DOUBLINGS = 3  # of the channels of the PatchGAN


class UNetColorizer(nn.Module):
    """Color gray pictures by pix2pix's U-Net; labels are joined to its innermost maps.

    4x4 convolutions of stride 2 halve the picture, with channels 1, 2, 4, 8, 8, ... times `width`. Transposed convolutions
    double it again; each takes the maps of its own size from the first half beside those of the layer before. There is no
    norm after the first and the last halving, nor after the last convolution. Dropout follows the norm in the inner
    doublings of full width, except the innermost: it is the only randomness of pix2pix.

    Weights are initialized from N(0, 0.02), gains of batch norms from N(1, 0.02), biases to 0; an embedder keeps its own
    initialization.

    Args:
        halvings: Number of halvings, at least 2; 6 reduce 64 x 64 pixels to one position, 8 reduce 256 x 256.
        width: Channels at half the resolution.
        in_channels: 1 for gray.
        image_channels: 3 for color.
        embedder: Turns labels into vectors; None for a network that chooses the colors itself.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for no norm.
        dropout: Builds a dropout layer; ``nn.Identity`` for no dropout. ``nn.Dropout`` works in training mode only;
            pix2pix also uses dropout when it generates, for which take `gankit.blocks.AlwaysOnDropout`.
        output: Builds the last activation, which should have the range of the data.

    Shape:
        - images: ``(n, in_channels, height, width)``, height and width divisible by ``2**halvings``.
        - labels: the embedder's input; leave it out without an embedder.
        - result: ``(n, image_channels, height, width)``.

    Raises:
        ValueError: A size is too small; `norm`, `dropout` or `output` is not a callable that builds a layer; images have
            other channels, or a height or width that ``2**halvings`` does not divide, or are not floating-point;
            `embedder` has no `out_features`; labels are missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import OneHotEmbedder
        >>> from gankit.networks import UNetColorizer
        >>> colorizer = UNetColorizer(halvings=4, width=4, embedder=OneHotEmbedder((12, 11)))
        >>> colorizer(torch.randn(2, 1, 32, 32), torch.tensor([[3, 0], [11, 10]])).shape
        torch.Size([2, 3, 32, 32])

    Reference:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR, arXiv:1611.07004),
        section 6.1 and the authors' code; the labels are gankit's addition. Only convolutions without a norm after them
        have a bias.
    """

    def __init__(
        self,
        *,
        halvings: int = 6,
        width: int = 64,
        in_channels: int = 1,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        dropout: Callable[[], nn.Module] = _DROPOUT,
        output: Callable[[], nn.Module] = nn.Tanh,
    ) -> None:
        super().__init__()
        for name, size in (("width", width), ("in_channels", in_channels), ("image_channels", image_channels)):
            check_at_least(name, size, 1)
        check_at_least("halvings", halvings, 2)
        norm, dropout = layer_builder("norm", norm), layer_builder("dropout", dropout)
        output = layer_builder("output", output)
        vectors = vector_length(embedder)
        self.in_channels = in_channels
        self.halvings = halvings
        self.embedder = embedder
        channels = [width * min(1 << step, _WIDEST) for step in range(halvings)]
        down: list[nn.Module] = [nn.Conv2d(in_channels, width, 4, stride=2, padding=1)]
        up: list[nn.Module] = []
        for step in range(1, halvings):
            inmost = step == halvings - 1
            normalize = nn.Identity() if inmost else norm(channels[step])
            down.append(_down(channels[step - 1], channels[step], normalize))
            below = channels[step] + (vectors if inmost else channels[step])
            last = dropout() if not inmost and channels[step - 1] == _WIDEST * width else nn.Identity()
            up.insert(0, _up(below, channels[step - 1], norm(channels[step - 1]), last))
        up.append(_up(2 * width, image_channels, nn.Identity(), output()))
        self.down = nn.ModuleList(down)
        self.join = DepthConcatenation(vectors) if vectors else None
        self.up = nn.ModuleList(up)
        initialize_dcgan_([*self.down.modules(), *self.up.modules()])

    def forward(self, images: Images, labels: Labels | None = None) -> Images:
        """Return each gray image in color."""
        check_halvable_images(images, self.in_channels, 1 << self.halvings)
        condition = embed(self.embedder, labels, images.shape[0])
        maps, passed = images, []
        for stage in self.down:
            maps = stage(maps)
            passed.append(maps)
        maps = passed.pop() if self.join is None else self.join(passed.pop(), condition)
        for stage in self.up:
            maps = stage(maps)
            if passed:
                maps = torch.cat((passed.pop(), maps), dim=1)
        return maps

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"halvings={self.halvings}, {parameter_count(self)}"


def _down(in_channels: int, out_channels: int, normalize: nn.Module) -> nn.Module:
    bias = isinstance(normalize, nn.Identity)
    convolution = nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
    return nn.Sequential(_LEAKY(), convolution, normalize)


def _up(in_channels: int, out_channels: int, normalize: nn.Module, last: nn.Module) -> nn.Module:
    bias = isinstance(normalize, nn.Identity)
    convolution = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
    return nn.Sequential(nn.ReLU(), convolution, normalize, last)


class PatchGANCritic(nn.Module):
    """PatchGAN: score every patch of an image separately; with three halvings a patch is 70 pixels wide.

    The layers are 4x4 convolutions with leaky ReLU: `halvings` of stride 2, one of stride 1, and one more to a map of
    scores. The first layer has no norm. Channels double from layer to layer, up to eight times `width`. There is no linear
    layer, so images may have any size from ``3 * 2**halvings`` up. For pairs of images, as in pix2pix, join both images as
    channels. For critics at several sizes use `gankit.blocks.MultiScale`.

    Args:
        image_channels: 3 for color, 1 for gray, 6 for pairs of color images.
        width: Channels of the first layer.
        halvings: Number of convolutions of stride 2; with 1 a patch is 16 pixels wide, with 2 it is 34, with 3 it is 70.
        norm: Builds a norm layer from its number of channels: ``nn.BatchNorm2d`` as in pix2pix, ``nn.InstanceNorm2d`` as
            in CycleGAN, ``nn.Identity`` or ``partial(nn.GroupNorm, 1)`` under a gradient penalty.
        activation: Builds an activation. Default: ``partial(nn.LeakyReLU, 0.2)``. With a gradient penalty and no norm
            take `gankit.blocks.LeakyReLU`, which saves a sixth of the step.

    Shape:
        - images: ``(n, image_channels, height, width)``.
        - result: ``(n, 1, height / 2**halvings - 2, width / 2**halvings - 2)``, rounded down: a map of scores.

    Raises:
        ValueError: A size is below 1; `norm` or `activation` is not a callable that builds a layer; images have other
            channels, are smaller than ``3 * 2**halvings``, or are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.networks import PatchGANCritic
        >>> PatchGANCritic(width=2)(torch.randn(3, 3, 256, 256)).shape
        torch.Size([3, 1, 30, 30])

    Reference:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR, arXiv:1611.07004),
        appendix 6.1.2. In the authors' code convolutions before a batch norm have no bias; here every convolution has
        one.
    """

    def __init__(
        self,
        *,
        image_channels: int = 3,
        width: int = 64,
        halvings: int = 3,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation: Callable[[], nn.Module] = _LEAKY,
    ) -> None:
        super().__init__()
        for name, size in (("image_channels", image_channels), ("width", width), ("halvings", halvings)):
            check_at_least(name, size, 1)
        norm, activation = layer_builder("norm", norm), layer_builder("activation", activation)
        self.image_channels = image_channels
        self.least = 3 << halvings
        channels = [width << min(step, _MOST_DOUBLINGS) for step in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(image_channels, width, 4, stride=2, padding=1), activation()]
        for step in range(1, halvings + 1):
            stride = 2 if step < halvings else 1
            layers.append(nn.Conv2d(channels[step - 1], channels[step], 4, stride=stride, padding=1))
            layers += [norm(channels[step]), activation()]
        self.body = nn.Sequential(*layers)
        self.head = PatchHead(channels[-1])

    def forward(self, images: Images) -> Scores:
        """Return the map of scores."""
        check_floating("images", images)
        if images.ndim != 4 or images.shape[1] != self.image_channels:
            raise ValueError(
                f"images must have shape (n, {self.image_channels}, height, width), got {tuple(images.shape)}"
            )
        check_batch("images", images)
        if min(images.shape[2:]) < self.least:
            raise ValueError(f"images must be at least {self.least} pixels high and wide, got {tuple(images.shape)}")
        return self.head(self.body(images))

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return parameter_count(self)
