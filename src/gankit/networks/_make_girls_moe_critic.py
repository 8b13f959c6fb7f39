"""The critic of "Towards the Automatic Anime Characters Creation": residual blocks without norms, and tags to guess."""

from collections.abc import Sequence

from torch import nn

from gankit._core import Images, Scores, check_at_least
from gankit.blocks import LeakyReLU, PostActivationBlock
from gankit.networks._arguments import check_images, count_positions, parameter_count
from gankit.networks._critic_end import CriticEnd
from gankit.networks._critic_output import CriticOutput
from gankit.networks._initialization import initialize_dcgan_


class MakeGirlsMoeCritic(nn.Module):
    """Score images, and guess their tags, by residual blocks without any norm, which a gradient penalty likes.

    A 4x4 convolution of stride 2 makes `width` maps; each further stage is two residual blocks (convolution, leaky ReLU,
    convolution, plus the input, leaky ReLU) and a 4x4 convolution of stride 2 that doubles the channels. The last maps are
    flattened into one linear layer for the score and one for the classes.

    The activations are `gankit.blocks.LeakyReLU`, which save a sixth of a step with a gradient penalty. Weights start
    from N(0, 0.02), biases at 0.

    Args:
        resolution: Height and width of the images, divisible by ``2**halvings``.
        width: Channels at half the resolution; they double at every stage.
        halvings: How many convolutions of stride 2 there are; with 6, 128 x 128 pixels end at 2 x 2;
            96 x 96 pixels take 5 and end at 3 x 3.
        num_classes: Classes of each attribute to guess, as `ClassHead` has them; ``34`` for 34 tags that need not exclude
            each other, which `gankit.losses.multi_label_loss` prices; empty for none.
        image_channels: 3 for color, 1 for gray.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - result: scores ``(n,)``; with `num_classes` a `CriticOutput` of scores and logits.

    Raises:
        ValueError: A size is below 1; ``2**halvings`` does not divide `resolution`; images have another shape or are no
            floats.

    Example:
        >>> import torch
        >>> from gankit.networks import MakeGirlsMoeCritic
        >>> scores, (tags,) = MakeGirlsMoeCritic(resolution=32, halvings=4, width=2, num_classes=34)(torch.randn(3, 3, 32, 32))
        >>> scores.shape, tags.shape
        (torch.Size([3]), torch.Size([3, 34]))

    Reference:
        Jin et al. 2017, "Towards the Automatic Anime Characters Creation with Generative Adversarial Networks"
        (arXiv 1708.05509), figure 5: ten blocks, five stages of two. Programs that follow it disagree about kernels of
        stride 2 (3x3 or 4x4), slopes and how many blocks a stage has; here kernels are 4x4, which strides divide, and the
        slope is 0.2.
    """

    def __init__(
        self,
        *,
        resolution: int = 128,
        width: int = 32,
        halvings: int = 6,
        num_classes: int | Sequence[int] = (),
        image_channels: int = 3,
    ) -> None:
        super().__init__()
        side = count_positions(resolution, halvings)
        check_at_least("width", width, 1)
        check_at_least("image_channels", image_channels, 1)
        self.resolution = resolution
        self.image_channels = image_channels
        layers: list[nn.Module] = [nn.Conv2d(image_channels, width, 4, stride=2, padding=1), LeakyReLU()]
        channels = width
        for _ in range(halvings - 1):
            layers += [_block(channels), _block(channels)]
            layers += [nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1), LeakyReLU()]
            channels *= 2
        self.body = nn.Sequential(*layers)
        self.end = CriticEnd(channels, side * side, None, num_classes)
        initialize_dcgan_(self.modules())

    def forward(self, images: Images) -> Scores | CriticOutput:
        """Return one score an image, and the logits of its classes where there are class heads."""
        check_images(images, self.image_channels, self.resolution)
        return self.end(self.body(images), None)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"


def _block(channels: int) -> PostActivationBlock:
    return PostActivationBlock(channels, channels, norm=nn.Identity, activation=LeakyReLU)
