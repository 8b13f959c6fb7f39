"""The critic of patches of pix2pix and CycleGAN."""

from collections.abc import Callable
from functools import partial

from torch import nn

from gankit._core import Images, Scores, check_at_least, check_batch, check_floating, layer_builder
from gankit.blocks import PatchHead
from gankit.networks._arguments import parameter_count

_MOST_DOUBLINGS = 3
_ACTIVATION = partial(nn.LeakyReLU, 0.2)


class PatchGANCritic(nn.Module):
    """Score every patch of an image by itself; with three halvings a patch is 70 pixels wide.

    4x4 convolutions with leaky ReLU: `halvings` of stride 2, one of stride 1, and one more to a map of scores. The first
    layer has no norm. Channels double from layer to layer, up to eight times `width`. There is no linear layer, so images
    of any size from ``3 * 2**halvings`` up go in. A critic of pairs, as in pix2pix, takes both images joined as channels.
    For critics at several sizes put copies into `gankit.blocks.MultiScale`.

    Args:
        image_channels: 3 for color, 1 for gray, 6 for pairs of color images.
        width: Channels of the first layer.
        halvings: How many convolutions of stride 2 there are; 1 sees 16 pixels, 2 see 34, 3 see 70.
        norm: Builds a norm from its number of channels: ``nn.BatchNorm2d`` as in pix2pix, ``nn.InstanceNorm2d`` as in
            CycleGAN, ``nn.Identity`` or ``partial(nn.GroupNorm, 1)`` under a gradient penalty.
        activation: Builds an activation; by default ``partial(nn.LeakyReLU, 0.2)``. With a gradient penalty and no norm
            take `gankit.blocks.LeakyReLU`, which saves a sixth of the step.

    Shape:
        - images: ``(n, image_channels, height, width)``.
        - result: ``(n, 1, height / 2**halvings - 2, width / 2**halvings - 2)``, rounded down: a map of scores.

    Raises:
        ValueError: A size is below 1; `norm` or `activation` is no callable that builds a layer; images have other
            channels, are smaller than ``3 * 2**halvings``, or are no floats.

    Example:
        >>> import torch
        >>> from gankit.networks import PatchGANCritic
        >>> PatchGANCritic(width=2)(torch.randn(3, 3, 256, 256)).shape
        torch.Size([3, 1, 30, 30])

    Reference:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR), appendix 6.1.2. The
        authors' code leaves out biases before batch norm; here every convolution has one.
    """

    def __init__(
        self,
        *,
        image_channels: int = 3,
        width: int = 64,
        halvings: int = 3,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation: Callable[[], nn.Module] = _ACTIVATION,
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
