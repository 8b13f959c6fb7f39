"""The linear map and activation behind a text encoder."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, normal, scales, seeds
from torch import nn
from torch.testing import assert_close

from gankit.constraints import weight_penalty
from gankit.embedders import TextProjection

lengths = st.sampled_from(PRIMES)


@given(seed=seeds, samples=batch_sizes, inner=lengths, outer=lengths, scale=scales)
def test_equals_its_definition(seed: int, samples: int, inner: int, outer: int, scale: float) -> None:
    projection = TextProjection(inner, outer).double()
    vectors = normal(seed, samples, inner, scale=scale)
    before, version = vectors.clone(), vectors._version
    weight, bias = (parameter.detach().numpy() for parameter in projection.parameters())
    linear = vectors.numpy() @ weight.T + bias
    result = projection(vectors)
    assert result.shape == (samples, projection.out_features)
    assert_close(result.detach().numpy(), np.where(linear > 0, linear, 0.2 * linear), rtol=1e-9, atol=1e-12 * scale)
    assert torch.equal(vectors, before)
    assert vectors._version == version


@given(seed=seeds, samples=batch_sizes)
def test_samples_stay_apart(seed: int, samples: int) -> None:
    projection = TextProjection(5, 3).double()
    vectors = normal(seed, samples, 5)
    order = torch.arange(samples).flip(0)
    assert_close(projection(vectors[order]), projection(vectors)[order], rtol=1e-12, atol=1e-12)
    assert_close(projection(vectors[:1]), projection(vectors)[:1], rtol=1e-12, atol=1e-12)


def test_takes_any_activation() -> None:
    vectors = normal(0, 7, 5, dtype=torch.float32)
    plain = TextProjection(5, 3, activation=nn.Identity)
    assert torch.equal(plain(vectors), plain.linear(vectors))
    soft = TextProjection(5, 3, activation=partial(nn.Softplus, beta=2))
    assert torch.equal(soft(vectors), nn.functional.softplus(soft.linear(vectors), beta=2))


def test_gradients_of_both_orders() -> None:
    projection = TextProjection(5, 3, activation=nn.Softplus).double()
    vectors = normal(1, 2, 5).requires_grad_()
    assert torch.autograd.gradcheck(projection, vectors)
    assert torch.autograd.gradgradcheck(projection, vectors)


def test_its_weights_can_be_priced() -> None:
    projection = TextProjection(5, 3)
    weight_penalty(projection.linear.weight).backward()
    assert projection.linear.weight.grad is not None
    assert_close(projection.linear.weight.grad, 2 * projection.linear.weight.detach())
    assert projection.linear.bias.grad is None


def test_keys_copies_and_repr() -> None:
    projection = TextProjection(5, 3)
    vectors = normal(2, 2, 5, dtype=torch.float32)
    assert list(projection.state_dict()) == ["linear.weight", "linear.bias"]
    for other in (copy.deepcopy(projection), pickle.loads(pickle.dumps(projection))):
        assert torch.equal(other(vectors), projection(vectors))
        assert repr(other) == repr(projection)


def test_mistakes_are_named() -> None:
    projection = TextProjection(5, 3)
    cases = {
        "in_features must be at least 1, got 0": lambda: TextProjection(0, 3),
        "out_features must be a whole number, got 2.5": lambda: TextProjection(5, 2.5),  # type: ignore[arg-type]
        "activation must be a callable that builds a layer": lambda: TextProjection(5, 3, activation=nn.ReLU()),
        r"vectors must have shape \(n, 5\), got \(2, 3\)": lambda: projection(torch.ones(2, 3)),
        r"vectors must have shape \(n, 5\), got \(5,\)": lambda: projection(torch.ones(5)),
        "vectors must be a tensor, got list": lambda: projection(["blue hair"]),
        "vectors must be a floating-point tensor": lambda: projection(torch.ones(2, 5).long()),
        "vectors must not be empty": lambda: projection(torch.ones(0, 5)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def test_one_feature_is_enough() -> None:
    assert TextProjection(3, 1)(torch.ones(2, 3)).shape == (2, 1)
