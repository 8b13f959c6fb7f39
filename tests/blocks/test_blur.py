"""The blur of resampling: the filter's numbers, and what it is beside other resampling."""

import numpy as np
import pytest
import torch
from blocks.cases import maps
from blocks.promises import check_layouts
from hypothesis import given, strategies as st
from support.strategies import normal
from torch.nn import functional
from torch.testing import assert_close

from gankit.blocks import BilinearUpsample, BlurDownsample, BlurUpsample

FILTERS = {1: (1, 3, 3, 1), 2: (1, 5, 10, 10, 5, 1), 3: (1, 7, 21, 35, 35, 21, 7, 1)}
some_passes = st.sampled_from(tuple(FILTERS))


@given(x=maps(even=True), passes=some_passes)
def test_down_weighs_by_the_binomial_filter(x: torch.Tensor, passes: int) -> None:
    taps = np.array(FILTERS[passes]) / sum(FILTERS[passes])
    wanted = x.numpy()
    for axis in (2, 3):
        size = wanted.shape[axis]
        # Mirrored beyond the border: ... 1 0 | 0 1 2 ... size-1 | size-1 ...
        order = np.arange(size)
        mirror = np.concatenate((order, order[::-1]))
        total = np.zeros_like(np.take(wanted, range(size // 2), axis))
        for i, tap in enumerate(taps):
            places = mirror[(2 * np.arange(size // 2) + i - passes) % (2 * size)]
            total += tap * np.take(wanted, places, axis)
        wanted = total
    assert_close(BlurDownsample(passes)(x), torch.from_numpy(wanted), rtol=1e-12, atol=1e-12)


@given(x=maps())
def test_up_with_one_pass_is_bilinear(x: torch.Tensor) -> None:
    assert_close(BlurUpsample()(x), BilinearUpsample()(x), rtol=1e-13, atol=1e-13)


@given(x=maps(), passes=some_passes)
def test_up_is_four_times_the_adjoint_of_down(x: torch.Tensor, passes: int) -> None:
    y = normal(int(x.numel()), x.shape[0], x.shape[1], 2 * x.shape[2], 2 * x.shape[3])
    up, down = (BlurUpsample(passes)(x) * y).sum(), (x * BlurDownsample(passes)(y)).sum()
    assert_close(up, 4 * down, rtol=1e-11, atol=1e-11)


def test_inside_the_picture_it_is_the_filter_of_stylegan_2() -> None:
    """Zeros, the filter as a convolution, every second pixel; borders aside."""
    x = normal(3, 2, 3, 12, 14)
    row = torch.tensor(FILTERS[1], dtype=torch.float64) / 8
    weight = torch.outer(row, row).expand(3, 1, 4, 4)
    wanted = functional.conv2d(x, weight, stride=2, padding=1, groups=3)
    assert_close(BlurDownsample()(x)[:, :, 1:-1, 1:-1], wanted[:, :, 1:-1, 1:-1], rtol=1e-13, atol=1e-13)
    stamped = functional.conv_transpose2d(x, 4 * weight, stride=2, padding=1, groups=3)
    assert_close(BlurUpsample()(x)[:, :, 1:-1, 1:-1], stamped[:, :, 1:-1, 1:-1], rtol=1e-13, atol=1e-13)


def test_the_finest_checkerboard_vanishes() -> None:
    sign = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(6)
    board = torch.outer(sign, sign)[None, None]
    inside = BlurDownsample()(board)[:, :, 1:-1, 1:-1]
    assert_close(inside, torch.zeros_like(inside), rtol=0, atol=1e-15)


@given(x=maps(even=True), passes=some_passes)
def test_layouts_agree_and_stay(x: torch.Tensor, passes: int) -> None:
    for module in (BlurUpsample(passes), BlurDownsample(passes)):
        check_layouts(module, x)


def test_a_single_pixel() -> None:
    x = normal(1, 2, 3, 1, 1)
    assert_close(BlurUpsample(3)(x), x.expand(-1, -1, 2, 2))


def test_mistakes_are_named_and_repr_says_the_passes() -> None:
    for module in (BlurUpsample, BlurDownsample):
        with pytest.raises(ValueError, match="passes must be at least 1, got 0"):
            module(0)
        with pytest.raises(ValueError, match=r"x must have shape \(n, channels, height, width\), got \(2, 3\)"):
            module()(torch.zeros(2, 3))
        assert repr(module(2)) == f"{module.__name__}(passes=2)"
    for size in ((3, 4), (4, 3)):
        with pytest.raises(ValueError, match=f"x must have an even height and width to be halved, got {size[0]} x"):
            BlurDownsample()(torch.zeros(2, 3, *size))
