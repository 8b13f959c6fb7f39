"""The critic of StarGAN: a map of scores, and the domain of the picture."""

from itertools import pairwise

from torch import nn

from gankit._core import Images, check_at_least
from gankit.blocks import LeakyReLU
from gankit.networks._arguments import check_images, count_positions, parameter_count
from gankit.networks._critic_output import CriticOutput

_SLOPE = 0.01


class StarGANCritic(nn.Module):
    """Score patches of images, and guess the attributes of each image.

    Each 4x4 convolution of stride 2 halves the picture and doubles the channels, with leaky ReLU after it and no norm. A
    3x3 convolution reads one score a position of the last maps, a convolution of their size the logits.

    Names and shapes of the state are those of the authors' code, so that their files load. The activations are
    `gankit.blocks.LeakyReLU`, which save a sixth of a step with StarGAN's gradient penalty.

    Args:
        resolution: Height and width of the images, divisible by ``2**halvings``.
        num_classes: How many logits: attributes for `gankit.losses.multi_label_loss`, or classes for
            `gankit.losses.class_loss`.
        width: Channels at half the resolution; they double at every halving.
        halvings: How many convolutions of stride 2 there are.
        image_channels: 3 for color, 1 for gray.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - result: a `CriticOutput`, scores ``(n, 1, side, side)`` with ``side = resolution / 2**halvings``, and one
          tensor of logits ``(n, num_classes)``.

    Raises:
        ValueError: A size is below 1; ``2**halvings`` does not divide `resolution`; images have another shape or are no
            floats.

    Example:
        >>> import torch
        >>> from gankit.networks import StarGANCritic
        >>> scores, (logits,) = StarGANCritic(width=2)(torch.randn(3, 3, 128, 128))
        >>> scores.shape, logits.shape
        (torch.Size([3, 1, 2, 2]), torch.Size([3, 5]))

    Reference:
        Choi et al. 2018, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation"
        (CVPR), table 5. The slope 0.01 of the leaky ReLU and the missing biases of the two heads are those of their code.
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
