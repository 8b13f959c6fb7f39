"""First and second derivatives of every convolution block, with every norm, activation, mode and resampling."""

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
import torch
from blocks.cases import channels_last, fill_
from support.pairwise import pairwise_cases
from support.strategies import normal
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.testing import assert_close

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
DIRECTIONS = ("same", *UP, *DOWN)
ORDERS = {
    "post-activation": PostActivationBlock,
    "norm after addition": NormAfterAdditionBlock,
    "activation before addition": ActivationBeforeAdditionBlock,
    "activation first": ActivationFirstBlock,
    "pre-activation": PreActivationBlock,
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
        return direction == "same"
    if kind == "bottleneck":
        return direction == "same" and norm in ("none", "spectral")
    if kind == "first":  # its shortcut is pooled before the projection: only what takes any channels
        return direction in ("same", "down", "blurred down")
    return kind in ORDERS or direction in CONVOLUTIONS


def build(case: Case) -> nn.Module:
    kind, norm_name, activation_name, direction, training = case
    norm, activation = NORMS[norm_name], ACTIVATIONS[activation_name]
    up = UP[direction]() if direction in UP else None
    down = DOWN[direction]() if direction in DOWN else None
    if kind in ORDERS:
        block = ORDERS[kind](IN, OUT, norm=norm, activation=activation, up=up, down=down)
    elif kind == "first":
        block = PreActivationBlock(IN, OUT, norm=norm, activation=activation, down=down, first=True)
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
PAIRS = pairwise_cases(CASES)
PLAIN = [case for case in CASES if case[3] in ("same", "up", "down")]


def check(case: Case) -> None:
    block = build(case)
    side = 4 if case[3] in DOWN or case[3] == "down" else 2
    x = normal(11, 3, IN, side, side)
    _check_derivatives(block, x, weights=not (case[1] == "spectral" and case[4]))
    before, version = x.clone(), x._version
    # Statistics move with every call in training; what is compared starts from the same ones.
    state = {key: value.clone() for key, value in block.state_dict().items()}
    plain = block(x)
    assert torch.equal(x, before)
    assert x._version == version
    block.load_state_dict(state)
    last = channels_last(block)(x.contiguous(memory_format=torch.channels_last))
    assert_close(last, plain, rtol=1e-8, atol=1e-8)


def _check_derivatives(block: nn.Module, x: torch.Tensor, *, weights: bool) -> None:
    """By the input and, where the block is a function of them alone, by the weights.

    In training spectral norm is not: its estimate moves with the weights, and no gradient goes through the estimate.
    """
    names, values = zip(*block.named_parameters(), strict=True) if weights else ((), ())

    def call(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        buffers = {name: value.clone() for name, value in block.named_buffers()}
        return torch.func.functional_call(block, {**dict(zip(names, rest, strict=True)), **buffers}, (x,))

    inputs = (x.clone().requires_grad_(), *values)
    assert torch.autograd.gradcheck(call, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, inputs, fast_mode=True)


def name_of(case: Case) -> str:
    return ", ".join((*case[:4], "train" if case[4] else "eval"))


@pytest.mark.parametrize("case", PAIRS, ids=name_of)
def test_every_pair_of_choices(case: Case) -> None:
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", PLAIN, ids=name_of)
def test_every_combination(case: Case) -> None:
    check(case)


def test_every_choice_is_among_the_pairs() -> None:
    assert len(PAIRS) < len(CASES) / 10
    for place, choices in enumerate((KINDS, NORMS, ACTIVATIONS, DIRECTIONS, (True, False))):
        assert {case[place] for case in PAIRS} == set(choices)
