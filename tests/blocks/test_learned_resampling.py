"""Learned resampling: definitions in numpy, initialization, derivatives, and errors."""

import copy
import pickle

import pytest
import torch
from blocks import oracles
from blocks.cases import channels_last, fill_, maps, numpy_state
from hypothesis import given
from support.strategies import normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import (
    MeanDownsample,
    NearestUpsample,
    PooledConv2d,
    StridedDownsample,
    SubPixelUpsample,
    TransposedUpsample,
    UpsampledConv2d,
)

CLASSES = (TransposedUpsample, SubPixelUpsample, StridedDownsample)
UPSAMPLES = (TransposedUpsample, SubPixelUpsample)
every_class = pytest.mark.parametrize("kind", CLASSES)


def expected(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    state = numpy_state(module)
    weight, bias = state["convolution.weight"], state["convolution.bias"]
    if isinstance(module, TransposedUpsample):
        return torch.from_numpy(oracles.convolve_transposed(x.numpy(), weight, bias, stride=2, padding=1))
    if isinstance(module, StridedDownsample):
        return torch.from_numpy(oracles.convolve(x.numpy(), weight, bias, stride=2, padding=1))
    maps = oracles.convolve(x.numpy(), weight, bias, padding=1)
    n, channels, height, width = x.shape
    pixels = maps.reshape(n, channels, 2, 2, height, width)
    return torch.from_numpy(pixels.transpose(0, 1, 4, 2, 5, 3).reshape(n, channels, 2 * height, 2 * width))


@every_class
@given(x=maps(even=True), seed=seeds)
def test_equals_its_definition(kind: type[nn.Module], x: torch.Tensor, seed: int) -> None:
    module = kind(x.shape[1]).double()
    fill_(module, seed)
    assert_close(module(x), expected(module, x), rtol=1e-10, atol=1e-10)


@given(x=maps())
def test_sub_pixels_start_equal(x: torch.Tensor) -> None:
    module = SubPixelUpsample(x.shape[1]).double()
    fine = module(x)
    assert_close(fine, NearestUpsample()(fine[:, :, ::2, ::2]), rtol=1e-13, atol=1e-13)
    first = nn.functional.conv2d(x, module.convolution.weight[::4], padding=1)
    assert_close(fine[:, :, ::2, ::2], first)


@every_class
def test_the_start_keeps_the_variance(kind: type[nn.Module]) -> None:
    torch.manual_seed(1)
    result = kind(64)(torch.randn(4, 64, 32, 32))[:, :, 2:-2, 2:-2]
    assert 0.8 < result.var().item() < 1.25


@pytest.mark.parametrize("kind", UPSAMPLES)
def test_new_layers_have_no_checkerboard(kind: type[nn.Module]) -> None:
    """The four pixels that come from one have the same variance; with a 3x3 kernel of stride 2 it is 1, 2, 2 and 4."""
    torch.manual_seed(1)
    result = kind(64)(torch.randn(4, 64, 32, 32))[:, :, 2:-2, 2:-2]
    variances = torch.stack([result[:, :, i::2, j::2].var() for i in (0, 1) for j in (0, 1)])
    assert variances.max() / variances.min() < 1.15


@every_class
def test_first_and_second_derivatives(kind: type[nn.Module]) -> None:
    module = kind(2).double()
    x = normal(3, 2, 2, 2, 4).requires_grad_()
    names, values = zip(*module.named_parameters(), strict=True)

    def call(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, dict(zip(names, rest, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *values), fast_mode=True)
    assert torch.autograd.gradgradcheck(call, (x, *values), fast_mode=True)


@every_class
@given(x=maps(even=True))
def test_layouts_agree(kind: type[nn.Module], x: torch.Tensor) -> None:
    module = kind(x.shape[1]).double()
    last = channels_last(copy.deepcopy(module))(x.contiguous(memory_format=torch.channels_last))
    assert_close(last, module(x), rtol=1e-10, atol=1e-10)


@every_class
def test_state_copies_and_pickles(kind: type[nn.Module]) -> None:
    module, x = kind(3), torch.randn(2, 3, 4, 6)
    assert list(module.state_dict()) == ["convolution.weight", "convolution.bias"]
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(x), module(x))


@every_class
def test_mistakes_are_named(kind: type[nn.Module]) -> None:
    with pytest.raises(ValueError, match="channels must be at least 1, got 0"):
        kind(0)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 3, height, width\), got \(2, 5, 4, 4\)"):
        kind(3)(torch.zeros(2, 5, 4, 4))
    with pytest.raises(ValueError, match="x must be a floating-point tensor"):
        kind(3)(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))


def test_an_odd_size_is_named() -> None:
    with pytest.raises(ValueError, match="x must have an even height and width to be halved, got 4 x 5"):
        StridedDownsample(3)(torch.zeros(2, 3, 4, 5))


FUSED = (UpsampledConv2d, PooledConv2d)
every_fused = pytest.mark.parametrize("kind", FUSED)


def in_two_steps(module: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    if isinstance(module, UpsampledConv2d):
        x = NearestUpsample()(x)
    maps = nn.functional.conv2d(x, module.weight, module.bias, padding=1)
    return maps if isinstance(module, UpsampledConv2d) else MeanDownsample()(maps)


@every_fused
@pytest.mark.parametrize("bias", [True, False])
@given(x=maps(even=True), seed=seeds)
def test_fused_equals_both_steps(
    kind: type[UpsampledConv2d | PooledConv2d], bias: bool, x: torch.Tensor, seed: int
) -> None:
    module = kind(x.shape[1], 5, bias=bias).double()
    fill_(module, seed)
    assert (module.bias is not None) == bias
    assert_close(module(x), in_two_steps(module, x), rtol=1e-10, atol=1e-10)
    last = channels_last(copy.deepcopy(module))(x.contiguous(memory_format=torch.channels_last))
    assert_close(last, module(x), rtol=1e-10, atol=1e-10)


@every_fused
def test_fused_equals_the_oracle(kind: type[UpsampledConv2d | PooledConv2d]) -> None:
    module, x = kind(3, 2).double(), normal(5, 2, 3, 4, 6)
    fill_(module, 7)
    state = numpy_state(module)
    pixels = x.numpy()
    if kind is UpsampledConv2d:
        pixels = pixels.repeat(2, axis=2).repeat(2, axis=3)
    expected = oracles.convolve(pixels, state["weight"], state["bias"], padding=1)
    if kind is PooledConv2d:
        expected = expected.reshape(2, 2, 2, 2, 3, 2).mean(axis=(3, 5))
    assert_close(module(x), torch.from_numpy(expected), rtol=1e-10, atol=1e-10)


@every_fused
def test_fused_derivatives(kind: type[UpsampledConv2d | PooledConv2d]) -> None:
    module = kind(2, 3).double()
    x = normal(3, 2, 2, 2, 4).requires_grad_()

    def call(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, {"weight": weight, "bias": bias}, (x,))

    assert module.bias is not None
    inputs = (x, module.weight, module.bias)
    assert torch.autograd.gradcheck(call, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, inputs, fast_mode=True)


@every_fused
def test_a_plain_convolution_loads(kind: type[UpsampledConv2d | PooledConv2d]) -> None:
    plain, module = nn.Conv2d(3, 5, 3, padding=1), kind(3, 5)
    module.load_state_dict(plain.state_dict())
    assert torch.equal(module.weight, plain.weight)
    plain.load_state_dict(module.state_dict())
    assert repr(module).removeprefix(kind.__name__) == repr(plain).removeprefix("Conv2d")


@every_fused
def test_mistakes_of_fused_are_named(kind: type[UpsampledConv2d | PooledConv2d]) -> None:
    with pytest.raises(ValueError, match="in_channels must be at least 1, got 0"):
        kind(0, 3)
    with pytest.raises(ValueError, match="out_channels must be at least 1, got 0"):
        kind(3, 0)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 3, height, width\), got \(2, 5, 4, 4\)"):
        kind(3, 2)(torch.zeros(2, 5, 4, 4))
    with pytest.raises(ValueError, match="x must be a floating-point tensor"):
        kind(3, 2)(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))


def test_a_pooled_convolution_names_an_odd_size() -> None:
    with pytest.raises(ValueError, match="x must have an even height and width to be halved, got 4 x 5"):
        PooledConv2d(3, 2)(torch.zeros(2, 3, 4, 5))
