"""The critic of the default recipe, and the small critic of details beside it."""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.default.layers import SLOPE, channels_of, started, widened, without_autocast
from examples.anime_faces.systems import base_and_doublings

FEATURES = 256  # at the end of the critic
MULTIPLES = (2, 4, 8, 12)
"""Channels in multiples of the width, from the picture inward; further stages repeat the last."""
BLOCK = 4  # pixels in a row of the blocks whose details are seen
DETAIL_CHANNELS = (32, 48, 64)
DETAIL_FEATURES = 128


class _Down(nn.Module):
    """Halve the height and width: a strided convolution, plus a pooled projection."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = started(nn.Conv2d(before, after, 4, stride=2, padding=1))
        self.pool = gk.blocks.MeanDownsample()
        self.shortcut = started(nn.Conv2d(before, after, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of both branches, scaled so that the variance stays the same."""
        residual = functional.leaky_relu(self.convolution(x), SLOPE)
        return (residual + self.shortcut(self.pool(x))) * 0.5**0.5


class Waves(nn.Module):
    """The waves of each block of 4 x 4 pixels, all about equally strong.

    A discrete cosine transform turns a block into its mean, which is left out, and 15 waves, which become channels. The
    standard deviation of a wave falls with the power 1.5 of its frequency (in rendered faces, within a factor of 2), so each is
    multiplied by that.

    Shape:
        Pictures ``(n, 3, size, size)`` to ``(n, 45, size / 4, size / 4)``, float32.
    """

    def __init__(self) -> None:
        super().__init__()
        places = torch.arange(BLOCK, dtype=torch.float64)
        waves = torch.cos(torch.outer(places, places + 0.5) * math.pi / BLOCK) * math.sqrt(2.0 / BLOCK)
        waves[0] *= math.sqrt(0.5)
        both = torch.einsum("ai,bj->abij", waves, waves).flatten(2).flatten(0, 1)[1:]
        frequencies = torch.cartesian_prod(places, places).norm(dim=1)[1:]
        both *= frequencies[:, None] ** 1.5
        layer = torch.block_diag(both, both, both).float()  # each color by itself
        self.basis: torch.Tensor
        self.register_buffer("basis", layer[:, :, None, None], persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the waves; in float32, since small differences of pixels are what they are about."""
        with without_autocast(images):
            blocks = functional.pixel_unshuffle(widened(images), BLOCK)
            return functional.conv2d(blocks, self.basis.to(blocks.dtype))


class DetailCritic(nn.Module):
    """A small critic that scores pictures by their details alone.

    The critic of whole pictures sees details too, but R1 limits its gradient by the same amount for every pixel pattern, and
    details have small amplitudes: they change its scores little. Here R1 is taken with respect to `Waves`, in which details
    are as strong as everything else.

    Args:
        size: Height and width of the picture, a multiple of 4.
        classes: Number of classes of each attribute; empty without labels.
        group: Pictures of one condition in a batch, of which the critic sees how much they differ.

    Shape:
        What `waves` returns, and labels ``(n, attributes)``, to scores ``(n,)``.
    """

    def __init__(self, *, size: int, classes: tuple[int, ...], group: int) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        self.waves = Waves()
        channels = [DETAIL_CHANNELS[min(stage, len(DETAIL_CHANNELS) - 1)] for stage in range(doublings - 1)]
        layers: list[nn.Module] = [
            started(nn.Conv2d(3 * (BLOCK**2 - 1), channels[0], 3, padding=1)),
            nn.LeakyReLU(SLOPE),
        ]
        for before, after in pairwise(channels):
            layers += [started(nn.Conv2d(before, after, 3, stride=2, padding=1)), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(
            *layers,
            *_end(channels[-1], base, DETAIL_FEATURES, group),
        )
        self.one_hot = gk.embedders.OneHotEmbedder(classes) if classes else None
        self.score = _score_head(DETAIL_FEATURES, classes)

    def forward(self, waves: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Return one score per picture."""
        return _scores(self.score, self.one_hot, widened(self.body(waves)), labels)


def _end(channels: int, base: int, features: int, group: int) -> tuple[nn.Module, ...]:
    """Return the layers from the last maps to features, with the deviation within a condition as one more map."""
    return (
        # R1 differentiates the root of the variance twice, so something larger than usual is added inside.
        gk.blocks.MinibatchStandardDeviation(group, epsilon=1e-4),
        started(nn.Conv2d(channels + 1, channels, 3, padding=1)),
        nn.LeakyReLU(SLOPE),
        nn.Flatten(),
        started(nn.Linear(channels * base**2, features)),
        nn.LeakyReLU(SLOPE),
    )


def _scores(
    head: nn.Module, one_hot: gk.embedders.OneHotEmbedder | None, features: torch.Tensor, labels: torch.Tensor | None
) -> torch.Tensor:
    """Return the scores of features: with labels from a projection of the condition, else from a linear layer."""
    with without_autocast(features):
        if one_hot is None:
            return head(features).squeeze(1)
        # Scaled: otherwise the projection would change the score sixteen times as fast as the rest.
        return head(features, one_hot(labels) / math.sqrt(features.shape[1]))


def _score_head(features: int, classes: tuple[int, ...]) -> nn.Module:
    return _started_head(
        gk.blocks.ProjectionHead(features, sum(classes)) if classes else nn.Linear(features, 1), features
    )


def _started_head(head: nn.Module, features: int) -> nn.Module:
    for name, parameter in head.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=0.3 / math.sqrt(features))
    return head


class DefaultCritic(nn.Module):
    """Score a picture by itself, by its group and by its condition, and predict its classes.

    Args:
        size: Height and width of the picture.
        classes: Number of classes of each attribute; empty without labels.
        width: Half the channels of the first layer; inner stages have multiples of it.
        group: Pictures of one condition in a batch, of which the critic sees how much they differ.
        details: Have a critic of details too.

    Attributes:
        details: The critic of details that is trained beside it; None for pictures of fewer than 16 pixels.

    Shape:
        Pictures ``(n, 3, size, size)`` and labels ``(n, attributes)`` to scores ``(n,)`` and logits of each attribute.
    """

    def __init__(self, *, size: int, classes: tuple[int, ...], width: int, group: int, details: bool = True) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        channels = channels_of(MULTIPLES, width, doublings)
        self.body = nn.Sequential(
            started(nn.Conv2d(3, channels[0], 4, stride=2, padding=1)),
            nn.LeakyReLU(SLOPE),
            *(_Down(before, after) for before, after in pairwise(channels)),
            *_end(channels[-1], base, FEATURES, group),
        )
        self.one_hot = gk.embedders.OneHotEmbedder(classes) if classes else None
        self.score = _score_head(FEATURES, classes)
        self.classes = _started_head(gk.blocks.ClassHead(FEATURES, classes), FEATURES) if classes else None
        self.details = DetailCritic(size=size, classes=classes, group=group) if details and doublings > 1 else None

    def forward(self, images: torch.Tensor, labels: torch.Tensor | None = None) -> gk.networks.CriticOutput:
        """Return scores first, then the class logits."""
        features = widened(self.body(images))
        scores = _scores(self.score, self.one_hot, features, labels)
        if self.classes is None:
            return gk.networks.CriticOutput(scores, ())
        with without_autocast(images):
            return gk.networks.CriticOutput(scores, self.classes(features))
