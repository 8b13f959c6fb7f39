"""The orders of He et al. 2016, figure 4: definitions, differences, and where the shortcut's projection works."""

import copy
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from blocks import oracles
from blocks.cases import CONDITION_FEATURES, DIRECTIONS, NORMS, channels_last, fill_, maps, numpy_state
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
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

ORDERS = (PostActivationBlock, NormAfterAdditionBlock, ActivationBeforeAdditionBlock, ActivationFirstBlock)

every_order = pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)

Case = tuple[Any, torch.Tensor, torch.Tensor, str, str]


def make(order: Any, in_channels: int, out_channels: int, norm: str = "none", direction: str = "same") -> Any:
    up = NearestUpsample() if direction == "up" else None
    down = MeanDownsample() if direction == "down" else None
    block = order(in_channels, out_channels, norm=NORMS[norm], up=up, down=down).double()
    fill_(block, 3)
    return block


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A block in train or eval mode, an input, a condition, and the names of its norm and its direction."""
    norm, direction = draw(st.sampled_from(tuple(NORMS))), draw(st.sampled_from(DIRECTIONS))
    x = draw(maps(even=direction == "down"))
    block = make(
        draw(st.sampled_from(ORDERS)), x.shape[1], draw(st.sampled_from((x.shape[1], *PRIMES))), norm, direction
    )
    fill_(block, draw(seeds))
    condition = normal(draw(seeds), x.shape[0], CONDITION_FEATURES)
    return block.train(draw(st.booleans())), x, condition, norm, direction


def expected(case: Case) -> torch.Tensor:
    block, x, condition, norm_name, direction = case
    state = numpy_state(block)
    norm = {
        "none": oracles.no_norm,
        "batch": oracles.batch_norm(state, training=block.training),
        "layer": oracles.layer_norm(state),
        "conditional": oracles.conditional_batch_norm(state, condition.numpy(), training=block.training),
    }[norm_name]
    relu = oracles.relu
    up = oracles.repeat_pixels if direction == "up" else lambda maps: maps
    down = oracles.mean_of_pixels if direction == "down" else lambda maps: maps

    def conv(part: str, maps: oracles.Array) -> oracles.Array:
        weight = state[f"{part}.weight"]
        return oracles.convolve(maps, weight, state[f"{part}.bias"], padding=weight.shape[2] // 2)

    def ends(h: oracles.Array) -> oracles.Array:
        return down(conv("conv2", relu(norm(conv("conv1", up(h)), "norm1"))))

    maps = x.numpy()
    carried = down(conv("shortcut", up(maps))) if "shortcut.weight" in state else maps
    result = {
        PostActivationBlock: lambda: relu(carried + norm(ends(maps), "norm2")),
        NormAfterAdditionBlock: lambda: relu(norm(carried + ends(maps), "norm2")),
        ActivationBeforeAdditionBlock: lambda: carried + relu(norm(ends(maps), "norm2")),
        ActivationFirstBlock: lambda: carried + norm(ends(relu(maps)), "norm2"),
    }[type(block)]()
    return torch.from_numpy(result)


@given(case=cases())
def test_equals_its_definition(case: Case) -> None:
    block, x, condition = case[:3]
    wanted = expected(case)
    assert_close(block(x, condition), wanted, rtol=1e-10, atol=1e-10)


@given(case=cases())
def test_never_changes_its_input(case: Case) -> None:
    block, x, condition = case[:3]
    before, versions = (x.clone(), condition.clone()), (x._version, condition._version)
    block(x, condition)
    assert torch.equal(x, before[0])
    assert torch.equal(condition, before[1])
    assert (x._version, condition._version) == versions


@given(case=cases())
def test_layouts_agree(case: Case) -> None:
    block, x, condition = case[:3]
    plain = block(x, condition)
    last = channels_last(copy.deepcopy(block))(x.contiguous(memory_format=torch.channels_last), condition)
    assert_close(last, plain, rtol=1e-8, atol=1e-8)
    assert last.is_contiguous(memory_format=torch.channels_last)


@given(case=cases())
def test_samples_stay_apart_without_batch_statistics(case: Case) -> None:
    block, x, condition, norm, _ = case
    if norm in ("batch", "conditional"):
        block.eval()
    apart = torch.cat([block(x[i : i + 1], condition[i : i + 1]) for i in range(len(x))])
    assert_close(block(x, condition), apart, rtol=1e-9, atol=1e-9)


@every_order
@given(x=maps())
def test_a_residual_of_zeros_leaves_the_shortcut(order: Any, x: torch.Tensor) -> None:
    block = make(order, x.shape[1], x.shape[1])
    for parameter in block.conv2.parameters():
        nn.init.zeros_(parameter)
    activated = order in (PostActivationBlock, NormAfterAdditionBlock)
    assert torch.equal(block(x), x.relu() if activated else x)
    assert (x < 0).any()


@given(x=maps())
def test_without_a_norm_the_activation_may_come_first_or_in_full_pre_activation(x: torch.Tensor) -> None:
    ours = make(ActivationFirstBlock, x.shape[1], 5)
    full = PreActivationBlock(x.shape[1], 5).double()
    full.load_state_dict(ours.state_dict())
    assert torch.equal(ours(x), full(x))


@every_order
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_hidden_channels_shortcuts_and_keys(order: Any, direction: str) -> None:
    block = make(order, 3, 5, "batch", direction)
    assert block.conv1.out_channels == (3 if direction == "down" else 5)
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert list(block.state_dict()) == [
        *("conv1.weight", "conv1.bias", *(f"norm1.{key}" for key in norm)),
        *("conv2.weight", "conv2.bias", *(f"norm2.{key}" for key in norm)),
        *("shortcut.weight", "shortcut.bias"),
    ]
    assert (make(order, 3, 3, direction=direction).shortcut is None) == (direction == "same")


@every_order
def test_copies_and_pickles_compute_the_same(order: Any) -> None:
    block, x = make(order, 3, 5, "batch", "up").eval(), normal(1, 2, 3, 4, 6)
    for other in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        assert torch.equal(other(x), block(x))
    assert repr(block).startswith(f"{order.__name__}(\n  3, 5\n")


@every_order
def test_eight_fresh_blocks_keep_the_variance(order: Any) -> None:
    torch.manual_seed(2)
    row = nn.Sequential(*(order(32, 32) for _ in range(8)))
    with torch.no_grad():
        x = torch.randn(16, 32, 8, 8)
        # A block that ends with a ReLU halves the mean square at first: the square is compared after that.
        before = x.relu() if order in (PostActivationBlock, NormAfterAdditionBlock) else x
        assert 0.25 <= row(x).square().mean() / before.square().mean() <= 4


@every_order
def test_mistakes_are_named(order: Any) -> None:
    x = torch.zeros(2, 3, 4, 4)
    cases = {
        "in_channels must be at least 1, got 0": lambda: order(0, 3),
        "out_channels must be at least 1, got -1": lambda: order(3, -1),
        "norm must be a callable that builds a layer .* got None": lambda: order(3, 3, norm=None),
        "activation must be a callable that builds a layer, .* got the finished layer ReLU": (
            lambda: order(3, 3, activation=nn.ReLU())
        ),
        "activation must not work in place, got ReLU": lambda: order(3, 3, activation=partial(nn.ReLU, inplace=True)),
        "up must be left out with down": lambda: order(3, 3, up=NearestUpsample(), down=MeanDownsample()),
        r"x must have shape \(n, 3, height, width\), got \(2, 5, 4, 4\)": lambda: order(3, 3)(torch.zeros(2, 5, 4, 4)),
        "x must have an even height and width": lambda: order(3, 3, down=MeanDownsample())(torch.zeros(2, 3, 5, 4)),
        r"condition must be given, of shape \(2, 3\)": lambda: order(3, 3, norm=NORMS["conditional"])(x),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


ALL_ORDERS = (
    PreActivationBlock,
    PostActivationBlock,
    NormAfterAdditionBlock,
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
)

all_orders = pytest.mark.parametrize("order", ALL_ORDERS, ids=lambda order: order.__name__)

CHEAP: dict[str, Callable[[], nn.Module]] = {
    "nearest": NearestUpsample,
    "bilinear": BilinearUpsample,
    "blurred up": partial(BlurUpsample, 2),
    "mean": MeanDownsample,
    "blurred down": partial(BlurDownsample, 2),
}

# A layer with weights, or one that takes a maximum, does not swap places with a convolution.
OTHERS: dict[str, Callable[[], nn.Module]] = {
    "transposed": partial(TransposedUpsample, 3),
    "sub-pixel": partial(SubPixelUpsample, 3),
    "strided": partial(StridedDownsample, 5),
    "largest": partial(nn.MaxPool2d, 2),
}

UP = ("nearest", "bilinear", "blurred up", "transposed", "sub-pixel")


def make_resampling(order: Any, name: str) -> Any:
    resampling = (CHEAP | OTHERS)[name]()
    block = order(3, 5, **{"up" if name in UP else "down": resampling}).double()
    fill_(block, 3)
    return block


def sides_that_the_projection_sees(block: Any, x: torch.Tensor) -> list[int]:
    seen: list[int] = []
    block.shortcut.register_forward_hook(lambda _layer, inputs, _output: seen.append(inputs[0].shape[2]))
    block(x)
    return seen


@all_orders
@pytest.mark.parametrize("name", [*CHEAP, *OTHERS])
def test_the_side_of_the_projection(order: Any, name: str) -> None:
    seen = sides_that_the_projection_sees(make_resampling(order, name), normal(1, 2, 3, 8, 6))
    if name in CHEAP:
        assert seen == [8 if name in UP else 4]
    else:
        assert seen == [16 if name in UP else 8]


@all_orders
@pytest.mark.parametrize("name", [*CHEAP, *OTHERS])
def test_the_shortcut_is_up_then_projection_then_down(order: Any, name: str) -> None:
    block, x = make_resampling(order, name), normal(2, 2, 3, 8, 6)
    wanted = block.shortcut(block.up(x)) if name in UP else block.down(block.shortcut(x))
    assert_close(block._carried(x), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", CHEAP)
@given(x=maps(even=True))
def test_what_is_marked_trades_places_with_a_1x1_convolution(name: str, x: torch.Tensor) -> None:
    resampling, projection = CHEAP[name](), nn.Conv2d(x.shape[1], 4, 1).double()
    assert_close(resampling(projection(x)), projection(resampling(x)), rtol=1e-11, atol=1e-12)
