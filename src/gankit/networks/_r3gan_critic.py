"""The critic of R3GAN: its generator in reverse."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

from torch import nn

from gankit._core import Images, Labels, Scores, check_at_least
from gankit.blocks import BlurDownsample
from gankit.embedders import Embedder
from gankit.networks._arguments import check_images, embed, parameter_count, vector_length
from gankit.networks._r3gan_parts import bottlenecks, change_channels, check_stages, initialize_variance_

_FACES_64 = (384, 768, 768, 768, 768)


class R3GANCritic(nn.Module):
    """Score images by residual bottlenecks without norms, each stage at half the resolution of the one before.

    A 1x1 convolution makes ``widths[0]`` maps. A stage has `blocks` bottlenecks, halves the picture smoothly, and changes
    the channels by a 1x1 convolution where they differ; after the last stage a convolution of the picture's size weighs
    each channel on its own, and a linear layer reads the score. With an embedder the linear layer makes a vector, and the
    score is its dot product with the label's, over the root of their length.

    Weights start as those of `R3GANGenerator`; an embedder keeps its own start.

    Args:
        widths: Channels of each stage, from the largest picture, ``base * 2**(stages - 1)``, to the smallest.
        blocks: Bottlenecks in each stage.
        group_channels: Channels in each group of the 3x3 convolutions; it divides twice each width.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional critic.
        base: Height and width of the last maps, such as 6 for 96 x 96 images.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - labels: whatever the embedder takes; left out without an embedder.
        - result: scores ``(n,)``.

    Raises:
        ValueError: A size is below 1; `group_channels` does not divide twice each width; images have another shape or
            are no floats; `embedder` has no `out_features`; labels are missing with an embedder, given without one, or
            refused by it.

    Example:
        >>> import torch
        >>> from gankit.embedders import LabelEmbedder
        >>> from gankit.networks import R3GANCritic
        >>> critic = R3GANCritic(widths=(16, 24, 24, 24), group_channels=8, embedder=LabelEmbedder((12, 11), 32))
        >>> critic(torch.randn(2, 3, 32, 32), torch.tensor([[3, 0], [11, 10]])).shape
        torch.Size([2])

    Reference:
        Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline" (NeurIPS), configuration E, and the
        authors' code, whose settings for faces at 64 x 64 are the defaults. Differences: those of `R3GANGenerator`; their
        label vectors start small by themselves, ours are divided after the product.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = _FACES_64,
        blocks: int = 2,
        group_channels: int = 16,
        image_channels: int = 3,
        embedder: Embedder | None = None,
        base: int = 4,
    ) -> None:
        super().__init__()
        check_stages(widths, blocks, group_channels, base)
        check_at_least("image_channels", image_channels, 1)
        self.image_channels = image_channels
        self.resolution = base << (len(widths) - 1)
        self.embedder = embedder
        first = nn.Conv2d(image_channels, widths[0], 1, bias=False)
        layers = [first, *bottlenecks(widths[0], group_channels, blocks, len(widths))]
        for before, after in pairwise(widths):
            layers += [BlurDownsample(), *change_channels(before, after)]
            layers += bottlenecks(after, group_channels, blocks, len(widths))
        basis = nn.Conv2d(widths[-1], widths[-1], base, groups=widths[-1], bias=False)
        self.body = nn.Sequential(*layers, basis, nn.Flatten())
        self.score = nn.Linear(widths[-1], vector_length(embedder) or 1, bias=False)
        for layer in (first, basis, self.score):
            initialize_variance_(layer)

    def forward(self, images: Images, labels: Labels | None = None) -> Scores:
        """Return one score an image, under its labels where there is an embedder."""
        check_images(images, self.image_channels, self.resolution)
        condition = embed(self.embedder, labels, images.shape[0])
        vectors = self.score(self.body(images))
        if condition is None:
            return vectors.squeeze(1)
        return (vectors * condition).sum(dim=1) / sqrt(condition.shape[1])

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"
