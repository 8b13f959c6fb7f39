"""Spatial replication: every position holds the vector, and nothing is copied."""

import pytest
import torch
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, normal, seeds
from torch.testing import assert_close

from gankit.blocks import SpatialReplication

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


def test_copies_and_keys() -> None:
    check_copies(SpatialReplication(2, 3), normal(1, 3, 5), keys=[])
    assert repr(SpatialReplication(2, 3)) == "SpatialReplication(2, 3)"


def test_one_position_starts_a_generator() -> None:
    start = torch.nn.Sequential(SpatialReplication(1, 1), torch.nn.ConvTranspose2d(5, 3, 4))
    latents = torch.randn(2, 5)
    assert_close(start(latents), start[1](latents.reshape(2, 5, 1, 1)))


def test_mistakes_are_named() -> None:
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
