"""The residual critic of WGAN-GP at 64 x 64, at any resolution."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from torch import nn

from gankit._core import Images, Labels, Scores, check_at_least
from gankit.blocks import ConditionedSequential, MeanDownsample, PreActivationBlock, ProjectionHead
from gankit.embedders import Embedder
from gankit.networks._arguments import check_images, count_doublings, embed, parameter_count, vector_length
from gankit.networks._critic_end import CriticEnd
from gankit.networks._critic_output import CriticOutput
from gankit.networks._initialization import initialize_block_, initialize_uniform_, scale_for_sum_

_LAYER_NORM = partial(nn.GroupNorm, 1)


class ResidualCritic(nn.Module):
    """Score images by pre-activation residual blocks with layer norm, as WGAN-GP does.

    A 3x3 convolution makes `width` maps; k blocks halve the picture by means, with channels 2, 4, 8, 8 times `width` at
    64 x 64 (k = 4); the last maps are flattened into one linear layer. Layer norm is over channels, height and width
    together, with a gain and a shift a channel: ``nn.GroupNorm(1, channels)``. It keeps the samples apart, as a
    gradient penalty needs.

    With an embedder the score is that of a `ProjectionHead` over the maps summed over positions; with `num_classes` a
    `ClassHead` reads the flattened maps beside it. Both may be had together.

    Weights start by Glorot's uniform law, with gain 2**0.5 in the blocks' 3x3 convolutions, biases at 0, as in the
    authors' code; those of the projection, which reads a sum over positions, are divided by their number, so that it
    starts as one on their mean and its scores are of the size of the flattened layer's. An embedder keeps its own start.

    Args:
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        width: Channels at the full resolution.
        image_channels: 3 for color, 1 for gray.
        embedder: Turns labels into vectors; None for an unconditional critic.
        num_classes: Classes of each attribute to guess; empty for none.
        norm: Builds a norm layer from its number of channels; by default layer norm,
            ``partial(nn.GroupNorm, 1)``; ``nn.Identity`` for none. Under a gradient penalty it must not be a batch norm,
            which couples the samples.
        activation: Builds an activation; it must not work in place.
        base: Height and width of the last maps, such as 6 for 96 x 96 images.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - labels: whatever the embedder takes; left out without an embedder.
        - result: scores ``(n,)``; with `num_classes` a `CriticOutput` of scores and logits.

    Raises:
        ValueError: A size is below 1; `resolution` is not ``base * 2**k``; `norm` or `activation` is no callable that
            builds a layer, or the activation works in place; images have another shape or are no floats; `embedder` has
            no `out_features`; labels are missing with an embedder, given without one, or refused by it.

    Example:
        >>> import torch
        >>> from gankit.networks import ResidualCritic
        >>> critic = ResidualCritic(resolution=32, width=4, num_classes=(12, 11))
        >>> scores, (hair, eyes) = critic(torch.randn(2, 3, 32, 32))
        >>> scores.shape, hair.shape, eyes.shape
        (torch.Size([2]), torch.Size([2, 12]), torch.Size([2, 11]))

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs" (NIPS), appendix F and "GoodDiscriminator" in the
        authors' code for 64 x 64: nothing stands between the last block and the linear layer there, nor here (SNGAN and
        BigGAN end with a ReLU). Difference: the blocks' first convolution keeps its bias.
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
        """Return one score an image, and the logits of its classes where there are class heads."""
        check_images(images, self.image_channels, self.resolution)
        condition = embed(self.embedder, labels, images.shape[0])
        return self.end(self.body(images, condition), condition)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"
