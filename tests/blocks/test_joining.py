"""Constant maps of vectors, alone and joined to other maps."""

import pytest
import torch
from blocks.cases import maps
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_layouts, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import Conditioned, ConditionedSequential, DepthConcatenation, SpatialReplication
from gankit.constraints import gradient_penalty

sizes = st.sampled_from(PRIMES)


@given(seed=seeds, samples=batch_sizes, features=sizes, height=sizes, width=sizes)
def test_every_position_holds_the_vector(seed: int, samples: int, features: int, height: int, width: int) -> None:
    vectors = normal(seed, samples, features)
    maps = SpatialReplication(height, width)(vectors)
    assert maps.shape == (samples, features, height, width)
    for i in range(height):
        for j in range(width):
            assert torch.equal(maps[:, :, i, j], vectors)


def test_shares_the_memory_of_the_vectors() -> None:
    vectors = normal(1, 2, 3)
    assert SpatialReplication(5, 7)(vectors).data_ptr() == vectors.data_ptr()


def test_derivatives_samples_and_inputs() -> None:
    module, vectors = SpatialReplication(2, 3), normal(1, 3, 5)
    weight = normal(2, 2, 3)
    check_derivatives(module, vectors, call=lambda module, vectors: module(vectors).pow(3) * weight)
    check_samples_apart(module, vectors)
    check_inputs_stay(module, vectors)


def test_replication_copies_and_keys() -> None:
    check_copies(SpatialReplication(2, 3), normal(1, 3, 5), keys=[])
    assert repr(SpatialReplication(2, 3)) == "SpatialReplication(2, 3)"


def test_one_position_starts_a_generator() -> None:
    start = torch.nn.Sequential(SpatialReplication(1, 1), torch.nn.ConvTranspose2d(5, 3, 4))
    latents = torch.randn(2, 5)
    assert_close(start(latents), start[1](latents.reshape(2, 5, 1, 1)))


def test_replication_mistakes_are_named() -> None:
    module = SpatialReplication(2, 3)
    cases = {
        "height must be at least 1, got 0": lambda: SpatialReplication(0, 3),
        "width must be at least 1, got 0": lambda: SpatialReplication(3, 0),
        r"vectors must have shape \(n, features\), got \(3,\)": lambda: module(torch.zeros(3)),
        r"vectors must have shape \(n, features\), got \(3, 2, 1, 1\)": lambda: module(torch.zeros(3, 2, 1, 1)),
        "vectors must not be empty": lambda: module(torch.zeros(0, 3)),
        "vectors must be a floating-point tensor": lambda: module(torch.zeros(4, 3).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


@given(x=maps(), features=st.sampled_from(PRIMES), seed=seeds)
def test_joins_constant_channels_after_those_of_the_map(x: torch.Tensor, features: int, seed: int) -> None:
    condition = normal(seed, len(x), features)
    result = DepthConcatenation(features)(x, condition)
    assert result.shape == (len(x), x.shape[1] + features, *x.shape[2:])
    assert torch.equal(result[:, : x.shape[1]], x)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            assert torch.equal(result[:, x.shape[1] :, i, j], condition)


def test_first_and_second_derivatives() -> None:
    weight = normal(3, 5, 2, 3)
    check_derivatives(
        DepthConcatenation(2),
        normal(1, 4, 3, 2, 3),
        normal(2, 4, 2),
        call=lambda module, x, condition: module(x, condition).pow(3) * weight,
    )


def test_keeps_samples_apart_inputs_and_layouts() -> None:
    module, x, condition = DepthConcatenation(2), normal(1, 5, 3, 4, 2), normal(2, 5, 2)
    check_samples_apart(module, x, condition)
    check_inputs_stay(module, x, condition)
    check_layouts(module, x, condition)


def test_a_map_of_one_channel_stays_contiguous() -> None:
    result = DepthConcatenation(2)(normal(1, 5, 1, 4, 2), normal(2, 5, 2))
    assert result.is_contiguous()


def test_a_critic_compares_picture_and_condition_under_a_penalty_on_both() -> None:
    torch.manual_seed(1)
    critic = ConditionedSequential(
        DepthConcatenation(2), nn.Conv2d(5, 7, 1), nn.Softplus(), nn.Conv2d(7, 1, 2), nn.Flatten(0)
    ).double()
    real, fake = ((normal(seed, 4, 3, 2, 2), normal(seed + 1, 4, 2)) for seed in (3, 5))
    gradient_penalty(lambda pair: critic(*pair), real, fake).backward()
    convolution = critic[1]
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.weight.grad is not None
    assert convolution.weight.grad[:, 3:].abs().min() > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("given", [torch.int64, torch.float64])
def test_takes_the_dtype_of_the_map(dtype: torch.dtype, given: torch.dtype) -> None:
    condition = torch.tensor([[0, 1]], dtype=given)
    result = DepthConcatenation(2)(torch.zeros(1, 3, 2, 2, dtype=dtype), condition)
    assert result.dtype == dtype
    assert torch.equal(result[0, 3:, 1, 1], condition[0].to(dtype))


def test_concatenation_copies_and_keys() -> None:
    module = DepthConcatenation(2)
    assert isinstance(module, Conditioned)
    check_copies(module, normal(1, 5, 3, 4, 2), normal(2, 5, 2), keys=[])
    assert repr(module) == "DepthConcatenation(2)"


def test_concatenation_mistakes_are_named() -> None:
    module = DepthConcatenation(2)
    cases = {
        "condition_features must be at least 1, got 0": lambda: DepthConcatenation(0),
        r"condition must be given, of shape \(4, 2\)": lambda: module(torch.zeros(4, 3, 2, 2)),
        r"condition must have shape \(4, 2\), got \(4, 3\)": lambda: module(torch.zeros(4, 3, 2, 2), torch.zeros(4, 3)),
        r"x must have shape \(n, channels, height, width\)": lambda: module(torch.zeros(4, 3), torch.zeros(4, 2)),
        "x must not be empty": lambda: module(torch.zeros(0, 3, 4, 4), torch.zeros(0, 2)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
