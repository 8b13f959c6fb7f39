"""The residual block's first and second derivatives, by the input, the condition and every parameter."""

from functools import partial
from itertools import product

import pytest
import torch
from blocks.cases import CONDITION_FEATURES, DIRECTIONS, NORMS, make_block
from support.strategies import normal
from torch import nn

from gankit.blocks import BilinearUpsample, MeanDownsample, PreActivationBlock

SMOOTH = nn.Softplus
QUICK = [
    ("none", "same", True), ("none", "up", True), ("none", "down", True),
    ("batch", "up", True), ("batch", "same", False), ("layer", "down", True), ("layer", "same", True),
    ("conditional", "up", True),
]  # fmt: skip


def check_derivatives(block: PreActivationBlock, *, fast: bool) -> None:
    """Numerical first and second derivatives, by the input, the condition and every parameter."""
    # Three samples: with two, a batch norm's variance may come so close to 0 that differences drown in rounding.
    x = normal(11, 3, block.in_channels, 4, 2).requires_grad_()
    condition = normal(12, 3, CONDITION_FEATURES).requires_grad_()
    names, values = zip(*block.named_parameters(), strict=True)
    conditional = any(name.endswith("gain.weight") for name in names)
    # Running statistics must not move between the many calls, nor may the block that owns them.
    inputs = (x, *values, condition) if conditional else (x, *values)

    def call(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, rest, strict=False))
        buffers = {name: value.clone() for name, value in block.named_buffers()}
        given = rest[-1] if conditional else None
        return torch.func.functional_call(block, {**state, **buffers}, (x, given))

    assert torch.autograd.gradcheck(call, inputs, fast_mode=fast)
    assert torch.autograd.gradgradcheck(call, inputs, fast_mode=fast)


@pytest.mark.parametrize(("norm", "direction", "training"), QUICK)
def test_first_and_second_derivatives(norm: str, direction: str, training: bool) -> None:
    out_channels = 2 if direction == "same" else 3
    check_derivatives(make_block(2, out_channels, norm, direction, SMOOTH).train(training), fast=True)


ACTIVATIONS = {"relu": nn.ReLU, "leaky": partial(nn.LeakyReLU, 0.2), "silu": nn.SiLU, "softplus": nn.Softplus}


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("norm", "activation", "direction", "first"),
    [case for case in product(NORMS, ACTIVATIONS, DIRECTIONS, (False, True)) if not (case[2] == "up" and case[3])],
)
def test_all_first_and_second_derivatives(
    norm: str, activation: str, direction: str, first: bool, training: bool
) -> None:
    block = make_block(2, 3, norm, direction, ACTIVATIONS[activation], first=first, seed=5)
    check_derivatives(block.train(training), fast=True)


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "direction", "training"), QUICK)
def test_every_entry_of_the_first_and_second_derivatives(norm: str, direction: str, training: bool) -> None:
    out_channels = 2 if direction == "same" else 3
    check_derivatives(make_block(2, out_channels, norm, direction, SMOOTH).train(training), fast=False)


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("training", [True, False])
def test_instance_norm_and_bilinear_derivatives(direction: str, training: bool) -> None:
    torch.manual_seed(1)
    up = BilinearUpsample() if direction == "up" else None
    down = MeanDownsample() if direction == "down" else None
    block = PreActivationBlock(2, 3, norm=nn.InstanceNorm2d, activation=nn.SiLU, up=up, down=down).double()
    check_derivatives(block.train(training), fast=False)
