"""The convolution blocks under test, with every norm, activation, mode and resampling that they support."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import torch
from blocks.cases import fill_
from support.strategies import normal
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gankit.blocks import (
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
    BilinearUpsample,
    BlurDownsample,
    BlurUpsample,
    BottleneckBlock,
    ConvolutionBlock,
    LeakyReLU,
    MeanDownsample,
    NearestUpsample,
    NormAfterAdditionBlock,
    PostActivationBlock,
    PreActivationBlock,
    ReLU,
    SRResNetBlock,
    Step,
    StridedDownsample,
    SubPixelUpsample,
    TransposedUpsample,
)

Case = tuple[str, str, str, str, bool]
Norm = Callable[[int], nn.Module]
Activation = Callable[[], nn.Module]
IN, OUT = 2, 4

NORMS: dict[str, Norm] = {
    "none": nn.Identity,
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=True),
    "group": partial(nn.GroupNorm, 2),
    "layer": partial(nn.GroupNorm, 1),
    "spectral": nn.Identity,  # no layer of its own: it wraps the convolutions
}
ACTIVATIONS: dict[str, Activation] = {"relu": ReLU, "leaky": LeakyReLU, "silu": nn.SiLU, "softplus": nn.Softplus}
UP: dict[str, Callable[[], nn.Module]] = {
    "up": NearestUpsample,
    "bilinear up": BilinearUpsample,
    "blurred up": BlurUpsample,
    "transposed up": partial(TransposedUpsample, IN),
    "sub-pixel up": partial(SubPixelUpsample, IN),
}
DOWN: dict[str, Callable[[], nn.Module]] = {
    "down": MeanDownsample,
    "blurred down": BlurDownsample,
    "strided down": partial(StridedDownsample, OUT),
}
DIRECTIONS = ("same", "identity", *UP, *DOWN)  # "same" keeps the size, "identity" the channels too
ORDERS = {
    "post-activation": PostActivationBlock,
    "norm after addition": NormAfterAdditionBlock,
    "activation before addition": ActivationBeforeAdditionBlock,
    "activation first": ActivationFirstBlock,
    "pre-activation": PreActivationBlock,
    "activated shortcut": partial(PreActivationBlock, activated_shortcut=True),
}
CONVOLUTIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "same": partial(nn.Conv2d, kernel_size=3, padding=1),
    "up": partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1),
    "down": partial(nn.Conv2d, kernel_size=4, stride=2, padding=1),
}
STEPS = {
    "convolution first": (Step.CONVOLUTION, Step.NORM, Step.DROPOUT, Step.ACTIVATION),
    "convolution last": (Step.NORM, Step.ACTIVATION, Step.DROPOUT, Step.CONVOLUTION),
}
KINDS = (*ORDERS, "first", "srresnet", "bottleneck", *STEPS)


def is_defined(case: Case) -> bool:
    kind, norm, _, direction, _ = case
    if kind == "srresnet":
        return direction == "identity"
    if kind == "bottleneck":
        return direction == "identity" and norm in ("none", "spectral")
    if kind == "first":  # its shortcut is pooled before the projection: only layers for any number of channels
        return direction in ("same", "identity", "down", "blurred down")
    return kind in ORDERS or direction in CONVOLUTIONS


def build(case: Case) -> nn.Module:
    kind, norm_name, activation_name, direction, training = case
    norm, activation = NORMS[norm_name], ACTIVATIONS[activation_name]
    up = UP[direction]() if direction in UP else None
    down = DOWN[direction]() if direction in DOWN else None
    out = IN if direction == "identity" else OUT
    if kind in ORDERS:
        block = ORDERS[kind](IN, out, norm=norm, activation=activation, up=up, down=down)
    elif kind == "first":
        block = PreActivationBlock(IN, out, norm=norm, activation=activation, down=down, first=True)
    elif kind == "srresnet":
        block = SRResNetBlock(IN, norm=norm, activation=activation)
    elif kind == "bottleneck":
        block = BottleneckBlock(IN, 2, activation=activation)
    else:
        block = ConvolutionBlock(
            IN, OUT, convolution=CONVOLUTIONS[direction], norm=norm, activation=activation, order=STEPS[kind]
        )
    fill_(block.double(), 7)
    if norm_name == "spectral":
        torch.manual_seed(7)
        for layer in [module for module in block.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]:
            spectral_norm(layer)
    return block.train(training)


CASES = [case for case in product(KINDS, NORMS, ACTIVATIONS, DIRECTIONS, (True, False)) if is_defined(case)]


def input_of(case: Case) -> torch.Tensor:
    """A batch that the block takes, of 4 x 4 pixels if the block halves it."""
    side = 4 if case[3] in DOWN else 2
    return normal(11, 3, IN, side, side)


def name_of(case: Case) -> str:
    return ", ".join((*case[:4], "train" if case[4] else "eval"))


def covering_cases(cases: Sequence[Case]) -> list[Case]:
    """Choose cases, greedily, until every option that occurs in any case occurs in a chosen one."""
    missing = {pair for case in cases for pair in enumerate(case)}
    chosen: list[Case] = []
    while missing:
        best = max(cases, key=lambda case: len(set(enumerate(case)) & missing))
        chosen.append(best)
        missing -= set(enumerate(best))
    return chosen
