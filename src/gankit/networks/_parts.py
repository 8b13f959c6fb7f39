"""Parts of several networks: the last layers of a critic, and the initialization of weights."""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

import torch
from torch import nn

from gankit._core import Condition, Scores
from gankit.blocks import ClassHead, PreActivationBlock, ProjectionHead

_DCGAN_DEVIATION = 0.02


class CriticOutput(NamedTuple):
    """The result of a critic with class heads: scores first, then the logits of the classes.

    A critic without class heads returns a plain tensor of scores, so read `scores` only if the critic was built with
    `num_classes`.

    Attributes:
        scores: ``(n,)``, or the map of a critic that scores patches, ``(n, 1, height, width)``.
        classes: Logits ``(n, num_classes[attribute])``, one tensor per attribute.

    Example:
        >>> import torch
        >>> from gankit.networks import DCGANCritic
        >>> scores, (hair, eyes) = DCGANCritic(resolution=8, width=2, num_classes=(12, 11))(torch.randn(3, 3, 8, 8))
        >>> scores.shape, hair.shape, eyes.shape
        (torch.Size([3]), torch.Size([3, 12]), torch.Size([3, 11]))
    """

    scores: Scores
    classes: tuple[torch.Tensor, ...]


class CriticEnd(nn.Module):
    """Score the critic's last maps: flattened if there is no condition, otherwise summed over positions."""

    def __init__(
        self, channels: int, positions: int, condition_features: int | None, num_classes: int | Sequence[int]
    ) -> None:
        super().__init__()
        flat = channels * positions
        self.score = nn.Linear(flat, 1) if condition_features is None else ProjectionHead(channels, condition_features)
        wanted = not isinstance(num_classes, Sequence) or len(num_classes) > 0
        self.classes = ClassHead(flat, num_classes) if wanted else None

    def forward(self, maps: torch.Tensor, condition: Condition | None) -> Scores | CriticOutput:
        if condition is not None:
            scores = self.score(maps.sum(dim=(2, 3)), condition)
            return scores if self.classes is None else CriticOutput(scores, self.classes(maps.flatten(1)))
        # Flattening copies channels-last maps, so it is done once for both layers.
        flat = maps.flatten(1)
        scores = self.score(flat).squeeze(1)
        return scores if self.classes is None else CriticOutput(scores, self.classes(flat))

    def linear_layers(self) -> list[nn.Linear]:
        """Return the layers to initialize."""
        return [layer for layer in self.modules() if isinstance(layer, nn.Linear)]


def initialize_dcgan_(layers: Iterable[nn.Module]) -> None:
    """Draw weights from N(0, 0.02) and the gains of batch norms from N(1, 0.02); set biases and shifts to 0.

    Radford, Metz and Chintala 2016, section 4, for the weights; the gains are those of their code. Other layers, such
    as the user's norms, keep their own initialization.
    """
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, _DCGAN_DEVIATION)
            _zero_bias_(layer)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, _DCGAN_DEVIATION)
            nn.init.zeros_(layer.bias)


def initialize_block_(block: PreActivationBlock) -> None:
    """Initialize a block's 3x3 convolutions by `initialize_uniform_` with gain 2**0.5, its 1x1 convolution with gain 1."""
    initialize_uniform_(block.conv1, after_relu=True)
    initialize_uniform_(block.conv2, after_relu=True)
    if block.shortcut is not None:
        initialize_uniform_(block.shortcut, after_relu=False)


def initialize_uniform_(layer: nn.Linear | nn.Conv2d, *, after_relu: bool) -> None:
    """Draw weights from Glorot's uniform law, with gain 2**0.5 after a ReLU; set the bias to 0.

    Gulrajani et al. 2017; their code uses the mean of fan-in and fan-out instead of He's fan-in.
    """
    nn.init.xavier_uniform_(layer.weight, sqrt(2.0) if after_relu else 1.0)
    _zero_bias_(layer)


def scale_for_sum_(head: ProjectionHead, positions: int) -> None:
    """Divide the weights of a projection by the number of positions over which its features are summed.

    A new head then computes a projection on the mean. In a new network the positions are similar, so their sum is large.
    """
    with torch.no_grad():
        head.linear.weight.div_(positions)
        head.project.weight.div_(positions)


def _zero_bias_(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
