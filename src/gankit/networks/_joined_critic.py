"""A critic that joins the condition to its last maps as further channels, as text-to-image critics do."""

from collections.abc import Callable
from functools import partial

from torch import nn

from gankit._core import Images, Labels, Scores, check_at_least, layer_builder
from gankit.blocks import ConditionedSequential, DepthConcatenation
from gankit.embedders import Embedder
from gankit.networks._arguments import check_images, count_doublings, embed, parameter_count, vector_length
from gankit.networks._parts import initialize_dcgan_

_LEAKY = partial(nn.LeakyReLU, 0.2)


class JoinedCritic(nn.Module):
    """Score images given their labels, whose vector is joined to the last maps at every position.

    The layers before are those of `DCGANCritic`: 4x4 convolutions of stride 2, from `width` channels up to
    ``width * 2**(k - 1)`` at ``base x base``, with norm (none after the first) and activation. Then the labels' vector is
    joined, a 1x1 convolution to `mixing` channels combines picture and vector at every position, and one linear layer
    computes the score from all maps. With ``mixing=0`` the linear layer takes the joined maps: then the vector only *adds*
    a term to the score that does not depend on the picture, so the critic cannot see whether the two fit.

    Weights are initialized from N(0, 0.02), gains of batch norms from N(1, 0.02), biases to 0; an embedder keeps its own
    initialization.

    Args:
        embedder: Turns labels into vectors: `gankit.embedders.MultiHotEmbedder` for tags, `gankit.embedders.TextProjection`
            for vectors of texts.
        resolution: Height and width of the images, ``base * 2**k`` with k at least 1.
        width: Channels at half the resolution; they double at every step.
        mixing: Channels of the 1x1 convolution after the join; 0 for no such convolution.
        image_channels: 3 for color, 1 for gray.
        norm: As in `DCGANCritic`.
        activation: As in `DCGANCritic`.
        base: Height and width of the last maps, such as 6 for 96 x 96 images.

    Shape:
        - images: ``(n, image_channels, resolution, resolution)``.
        - labels: the embedder's input.
        - result: scores ``(n,)``.

    Raises:
        ValueError: A size is below 1, or `mixing` below 0; `resolution` is not ``base * 2**k``; `norm` or `activation`
            is not a callable that builds a layer; images have another shape or are not floating-point; `embedder` has no
            `out_features`; labels are missing, or refused by the embedder.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultiHotEmbedder
        >>> from gankit.networks import JoinedCritic
        >>> critic = JoinedCritic(embedder=MultiHotEmbedder(23), resolution=32, width=4, mixing=16)
        >>> critic(torch.randn(2, 3, 32, 32), torch.ones(2, 23)).shape
        torch.Size([2])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (ICML, arXiv:1605.05396), section 4.1 and
        figure 2, with 512 channels of mixing. Only convolutions without a norm after them have a bias.
    """

    def __init__(
        self,
        *,
        embedder: Embedder,
        resolution: int = 64,
        width: int = 64,
        mixing: int = 512,
        image_channels: int = 3,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation: Callable[[], nn.Module] = _LEAKY,
        base: int = 4,
    ) -> None:
        super().__init__()
        doublings = count_doublings(resolution, base)
        for name, size, least in (("width", width, 1), ("mixing", mixing, 0), ("image_channels", image_channels, 1)):
            check_at_least(name, size, least)
        norm, activation = layer_builder("norm", norm), layer_builder("activation", activation)
        vectors = vector_length(embedder, required=True)
        self.resolution = resolution
        self.image_channels = image_channels
        self.embedder = embedder
        layers: list[nn.Module] = [nn.Conv2d(image_channels, width, 4, stride=2, padding=1), activation()]
        channels = width
        for _ in range(doublings - 1):
            normalize = norm(2 * channels)
            bias = isinstance(normalize, nn.Identity)
            layers += [nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1, bias=bias), normalize, activation()]
            channels *= 2
        layers.append(DepthConcatenation(vectors))
        channels += vectors
        if mixing:
            normalize = norm(mixing)
            bias = isinstance(normalize, nn.Identity)
            layers += [nn.Conv2d(channels, mixing, 1, bias=bias), normalize, activation()]
            channels = mixing
        self.body = ConditionedSequential(*layers)
        self.score = nn.Linear(channels * base * base, 1)
        initialize_dcgan_([*layers, self.score])

    def forward(self, images: Images, labels: Labels) -> Scores:
        """Return one score per image, given its labels."""
        check_images(images, self.image_channels, self.resolution)
        maps = self.body(images, embed(self.embedder, labels, images.shape[0]))
        return self.score(maps.flatten(1)).squeeze(1)

    def extra_repr(self) -> str:
        """Describe the network in `repr`."""
        return f"resolution={self.resolution}, {parameter_count(self)}"
