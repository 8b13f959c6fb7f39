"""Resampling without parameters: inverses, adjoints, the blur's filter, borders, layouts, second-order work."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from blocks import oracles
from blocks.cases import maps
from blocks.promises import check_layouts
from hypothesis import given, strategies as st
from support.flops import Flops
from support.strategies import normal
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from gankit.blocks import BilinearUpsample, BlurDownsample, BlurUpsample, MeanDownsample, NearestUpsample

UPSAMPLES = (NearestUpsample(), BilinearUpsample())

DEFINED = (*UPSAMPLES, MeanDownsample())

ALL = (*DEFINED, BlurUpsample(2), BlurDownsample(2))


def name_of(module: nn.Module) -> str:
    return type(module).__name__


ORACLES: dict[str, Callable[[oracles.Array], oracles.Array]] = {
    "NearestUpsample": oracles.repeat_pixels,
    "BilinearUpsample": oracles.interpolate_pixels,
    "MeanDownsample": oracles.mean_of_pixels,
}


@pytest.mark.parametrize("module", DEFINED, ids=name_of)
@given(x=maps(even=True))
def test_equals_its_definition(module: nn.Module, x: torch.Tensor) -> None:
    assert_close(module(x), torch.from_numpy(ORACLES[name_of(module)](x.numpy())), rtol=1e-13, atol=1e-13)


@given(x=maps())
def test_the_mean_undoes_the_repetition_exactly(x: torch.Tensor) -> None:
    assert torch.equal(MeanDownsample()(NearestUpsample()(x)), x)


@given(x=maps(), y=maps())
def test_repetition_is_four_times_the_adjoint_of_the_mean(x: torch.Tensor, y: torch.Tensor) -> None:
    y = normal(int(y.numel()), x.shape[0], x.shape[1], 2 * x.shape[2], 2 * x.shape[3])
    assert_close((NearestUpsample()(x) * y).sum(), 4 * (x * MeanDownsample()(y)).sum(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("module", ALL, ids=name_of)
@given(x=maps(even=True))
def test_keeps_the_mean_of_the_picture(module: nn.Module, x: torch.Tensor) -> None:
    assert_close(module(x).mean(dim=(2, 3)), x.mean(dim=(2, 3)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("module", ALL, ids=name_of)
@given(x=maps(even=True))
def test_constants_stay_constant_to_the_border(module: nn.Module, x: torch.Tensor) -> None:
    constant = x[:, :, :1, :1].expand_as(x)
    result = module(constant)
    assert_close(result, x[:, :, :1, :1].expand_as(result), rtol=1e-14, atol=0)


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("module", ALL, ids=name_of)
@given(x=maps(even=True))
def test_commutes_with_mirroring(module: nn.Module, axis: int, x: torch.Tensor) -> None:
    assert_close(module(x.flip(axis)), module(x).flip(axis), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("module", ALL, ids=name_of)
@given(x=maps(even=True))
def test_is_linear(module: nn.Module, x: torch.Tensor) -> None:
    y = x.roll(1, 0) ** 2
    assert_close(module(2 * x - 3 * y), 2 * module(x) - 3 * module(y), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("module", ALL, ids=name_of)
@given(x=maps(even=True))
def test_layouts_agree_and_survive_the_backward_pass(module: nn.Module, x: torch.Tensor) -> None:
    plain = x.clone().requires_grad_()
    last = x.clone(memory_format=torch.channels_last).requires_grad_()
    results = module(plain), module(last)
    assert torch.equal(*results)
    assert results[1].is_contiguous(memory_format=torch.channels_last)
    weight = torch.ones_like(results[0]).cumsum(0)
    gradients = [
        torch.autograd.grad(result, leaf, weight.to(memory_format=layout))[0]
        for result, leaf, layout in zip(
            results, (plain, last), (torch.contiguous_format, torch.channels_last), strict=True
        )
    ]
    assert_close(gradients[0], gradients[1], rtol=1e-13, atol=1e-13)
    assert gradients[1].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("module", ALL, ids=name_of)
def test_first_and_second_derivatives(module: nn.Module) -> None:
    x = normal(3, 2, 2, 4, 6).requires_grad_()
    assert torch.autograd.gradcheck(module, x, fast_mode=True)
    # The module is linear: with the cube the second derivative is not zero.
    assert torch.autograd.gradgradcheck(lambda x: module(x**3), x, fast_mode=True)


@pytest.mark.parametrize("module", ALL, ids=name_of)
def test_slices_of_larger_tensors_are_taken(module: nn.Module) -> None:
    x = normal(5, 2, 6, 8, 10)
    assert_close(module(x[:, ::2, 2:6, 1:7]), module(x[:, ::2, 2:6, 1:7].clone()))


@pytest.mark.parametrize("module", [MeanDownsample(), BlurDownsample()], ids=name_of)
@pytest.mark.parametrize("size", [(3, 4), (4, 3), (1, 1)])
def test_an_odd_size_is_named(module: nn.Module, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"x must have an even height and width .* got {size[0]} x {size[1]}"):
        module(torch.zeros(2, 3, *size))


@pytest.mark.parametrize("module", ALL, ids=name_of)
def test_anything_but_a_batch_of_maps_is_refused(module: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(n, channels, height, width\), got \(3, 4, 4\)"):
        module(torch.zeros(3, 4, 4))
    with pytest.raises(ValueError, match="x must not be empty"):
        module(torch.zeros(0, 3, 4, 4))
    with pytest.raises(ValueError, match="x must be a floating-point tensor"):
        module(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))


def test_the_mean_saves_the_second_order_work_of_torchs_pooling() -> None:
    x = normal(7, 2, 3, 8, 8)

    def penalty_step(pool: nn.Module) -> tuple[int, list[torch.Tensor]]:
        torch.manual_seed(0)
        critic = nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1), pool, nn.Conv2d(5, 7, 3, padding=1), pool, nn.Conv2d(7, 1, 2)
        ).double()
        points = x.clone().requires_grad_()
        with Flops() as counter:
            (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
            # The gradient of a linear critic does not depend on biases: their gradients are zeros.
            gradients = torch.autograd.grad(
                slope.pow(2).sum(), list(critic.parameters()), allow_unused=True, materialize_grads=True
            )
        return counter.total, list(gradients)

    (ours, our_gradients), (torchs, torchs_gradients) = penalty_step(MeanDownsample()), penalty_step(nn.AvgPool2d(2))
    assert_close(our_gradients, torchs_gradients, rtol=1e-12, atol=1e-13)
    assert ours < 0.8 * torchs


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
    """Padding with zeros, the filter as a convolution, every second pixel; equal except at the borders."""
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
