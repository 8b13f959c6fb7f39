"""The projecting shortcut works on the side of fewer pixels where that changes nothing, and keeps its order elsewhere."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from blocks.cases import fill_, maps
from hypothesis import given
from support.strategies import normal
from torch import nn
from torch.testing import assert_close

from gankit.blocks import (
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
    BilinearUpsample,
    BlurDownsample,
    BlurUpsample,
    MeanDownsample,
    NearestUpsample,
    NormAfterAdditionBlock,
    PostActivationBlock,
    PreActivationBlock,
    StridedDownsample,
    SubPixelUpsample,
    TransposedUpsample,
)

ORDERS = (
    PreActivationBlock,
    PostActivationBlock,
    NormAfterAdditionBlock,
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
)
every_order = pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
CHEAP: dict[str, Callable[[], nn.Module]] = {
    "nearest": NearestUpsample,
    "bilinear": BilinearUpsample,
    "blurred up": partial(BlurUpsample, 2),
    "mean": MeanDownsample,
    "blurred down": partial(BlurDownsample, 2),
}
# What learns or chooses does not trade places with a convolution.
OTHERS: dict[str, Callable[[], nn.Module]] = {
    "transposed": partial(TransposedUpsample, 3),
    "sub-pixel": partial(SubPixelUpsample, 3),
    "strided": partial(StridedDownsample, 5),
    "largest": partial(nn.MaxPool2d, 2),
}
UP = ("nearest", "bilinear", "blurred up", "transposed", "sub-pixel")


def make(order: Any, name: str) -> Any:
    resampling = (CHEAP | OTHERS)[name]()
    block = order(3, 5, **{"up" if name in UP else "down": resampling}).double()
    fill_(block, 3)
    return block


def sides_that_the_projection_sees(block: Any, x: torch.Tensor) -> list[int]:
    seen: list[int] = []
    block.shortcut.register_forward_hook(lambda _layer, inputs, _output: seen.append(inputs[0].shape[2]))
    block(x)
    return seen


@every_order
@pytest.mark.parametrize("name", [*CHEAP, *OTHERS])
def test_the_side_of_the_projection(order: Any, name: str) -> None:
    seen = sides_that_the_projection_sees(make(order, name), normal(1, 2, 3, 8, 6))
    if name in CHEAP:
        assert seen == [8 if name in UP else 4]
    else:
        assert seen == [16 if name in UP else 8]


@every_order
@pytest.mark.parametrize("name", [*CHEAP, *OTHERS])
def test_the_shortcut_is_up_then_projection_then_down(order: Any, name: str) -> None:
    block, x = make(order, name), normal(2, 2, 3, 8, 6)
    wanted = block.shortcut(block.up(x)) if name in UP else block.down(block.shortcut(x))
    assert_close(block._carried(x), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", CHEAP)
@given(x=maps(even=True))
def test_what_is_marked_trades_places_with_a_1x1_convolution(name: str, x: torch.Tensor) -> None:
    resampling, projection = CHEAP[name](), nn.Conv2d(x.shape[1], 4, 1).double()
    assert_close(resampling(projection(x)), projection(resampling(x)), rtol=1e-11, atol=1e-12)
