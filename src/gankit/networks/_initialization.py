"""How the two families of networks start, as their authors' code has it."""

from collections.abc import Iterable
from math import sqrt

import torch
from torch import nn

from gankit.blocks import PreActivationBlock, ProjectionHead

_DCGAN_DEVIATION = 0.02


def initialize_dcgan_(layers: Iterable[nn.Module]) -> None:
    """Draw weights from N(0, 0.02) and the gains of batch norms from N(1, 0.02); set biases and shifts to 0.

    Radford, Metz and Chintala 2016, section 4, for the weights; the gains are those of their code. Other layers, such
    as a norm of the caller's, keep their own start.
    """
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, _DCGAN_DEVIATION)
            _zero_bias_(layer)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, _DCGAN_DEVIATION)
            nn.init.zeros_(layer.bias)


def initialize_block_(block: PreActivationBlock) -> None:
    """Draw a block's 3x3 convolutions by `initialize_uniform_` with gain 2**0.5, its 1x1 with gain 1."""
    initialize_uniform_(block.conv1, after_relu=True)
    initialize_uniform_(block.conv2, after_relu=True)
    if block.shortcut is not None:
        initialize_uniform_(block.shortcut, after_relu=False)


def initialize_uniform_(layer: nn.Linear | nn.Conv2d, *, after_relu: bool) -> None:
    """Draw weights from Glorot's uniform law, with gain 2**0.5 behind a ReLU; set the bias to 0.

    Gulrajani et al. 2017, in whose code the mean of fan-in and fan-out takes the place of He's fan-in.
    """
    nn.init.xavier_uniform_(layer.weight, sqrt(2.0) if after_relu else 1.0)
    _zero_bias_(layer)


def scale_for_sum_(head: ProjectionHead, positions: int) -> None:
    """Divide a projection's weights by the number of positions that its features are summed over.

    It then starts as a projection on their mean: positions agree much at the start, so their sum is large.
    """
    with torch.no_grad():
        head.linear.weight.div_(positions)
        head.project.weight.div_(positions)


def _zero_bias_(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
