"""A network as a list of its layers, to be compared with the list in a paper or a program."""

import torch
from torch import nn

from gankit.blocks import LeakyReLU
from gankit.networks import layer_table

Line = tuple[object, ...]
RELU: Line = ("ReLU",)
LEAKY: Line = ("LeakyReLU", 0.2)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def lines_of(network: nn.Module, *inputs: torch.Tensor) -> list[Line]:
    """Every layer in the order of its call, without those that have neither parameters nor an effect on the result."""
    layers = dict(network.named_modules())
    return [
        line for row in layer_table(network, *inputs).rows if (line := _line(layers[row.name], row.output)) is not None
    ]


def _line(layer: nn.Module, output: tuple[int, ...]) -> Line | None:
    name = type(layer).__name__
    match layer:
        case nn.Conv2d() | nn.ConvTranspose2d():
            sizes = (layer.kernel_size[0], layer.stride[0], layer.padding[0])
            return (name, layer.in_channels, layer.out_channels, *sizes, layer.bias is not None, output[2])
        case nn.Linear():
            return (name, layer.in_features, layer.out_features, layer.bias is not None)
        case nn.BatchNorm2d():
            return (name, layer.num_features, layer.eps, layer.momentum, layer.weight is not None)
        case nn.LeakyReLU() | LeakyReLU():
            return (name, layer.negative_slope)
        case nn.Embedding():
            return (name, layer.num_embeddings, layer.embedding_dim)
        case _:
            return (name,) if name in ("ReLU", "Tanh", "Sigmoid") else None


def convolution(before: int, after: int, kernel: int, stride: int, side: int, *, bias: bool = True) -> Line:
    """A convolution whose result has `side` pixels; padding keeps the size, or halves it."""
    return ("Conv2d", before, after, kernel, stride, (kernel - 1) // 2, bias, side)


def doubling(before: int, after: int, side: int, *, bias: bool = True) -> Line:
    """The 4x4 transposed convolution of stride 2, whose result has `side` pixels."""
    return ("ConvTranspose2d", before, after, 4, 2, 1, bias, side)


def norm(channels: int, epsilon: float = 1e-5, momentum: float = 0.1) -> Line:
    return ("BatchNorm2d", channels, epsilon, momentum, True)
