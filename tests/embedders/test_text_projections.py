"""Trained layers after a text encoder: a projection, and conditions drawn around a mean."""

import copy
import math
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
from gankit.embedders import ConditionDistribution, ConditioningAugmentation, TextProjection
from gankit.losses import conditioning_kl_loss

lengths = st.sampled_from(PRIMES)


@given(seed=seeds, samples=batch_sizes, inner=lengths, outer=lengths, scale=scales)
def test_projection_equals_its_definition(seed: int, samples: int, inner: int, outer: int, scale: float) -> None:
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


def test_projection_takes_any_activation() -> None:
    vectors = normal(0, 7, 5, dtype=torch.float32)
    plain = TextProjection(5, 3, activation=nn.Identity)
    assert torch.equal(plain(vectors), plain.linear(vectors))
    soft = TextProjection(5, 3, activation=partial(nn.Softplus, beta=2))
    assert torch.equal(soft(vectors), nn.functional.softplus(soft.linear(vectors), beta=2))


def test_projection_gradients_of_both_orders() -> None:
    projection = TextProjection(5, 3, activation=nn.Softplus).double()
    vectors = normal(1, 2, 5).requires_grad_()
    assert torch.autograd.gradcheck(projection, vectors)
    assert torch.autograd.gradgradcheck(projection, vectors)


def test_its_weights_can_be_penalized() -> None:
    projection = TextProjection(5, 3)
    weight_penalty(projection.linear.weight).backward()
    assert projection.linear.weight.grad is not None
    assert_close(projection.linear.weight.grad, 2 * projection.linear.weight.detach())
    assert projection.linear.bias.grad is None


def test_projection_keys_copies_and_repr() -> None:
    projection = TextProjection(5, 3)
    vectors = normal(2, 2, 5, dtype=torch.float32)
    assert list(projection.state_dict()) == ["linear.weight", "linear.bias"]
    for other in (copy.deepcopy(projection), pickle.loads(pickle.dumps(projection))):
        assert torch.equal(other(vectors), projection(vectors))
        assert repr(other) == repr(projection)


def test_projection_mistakes_are_named() -> None:
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


@given(seed=seeds, samples=batch_sizes, inner=lengths, outer=lengths)
def test_augmentation_equals_its_definition(seed: int, samples: int, inner: int, outer: int) -> None:
    augmentation = ConditioningAugmentation(inner, outer).double()
    vectors, noise = normal(seed, samples, inner), normal(seed + 1, samples, outer)
    before, versions = (vectors.clone(), noise.clone()), (vectors._version, noise._version)
    weight, bias = (parameter.detach().numpy() for parameter in augmentation.parameters())
    linear = vectors.numpy() @ weight.T + bias
    active = np.where(linear > 0, linear, 0.2 * linear)
    wanted = active[:, :outer] + np.sqrt(np.exp(active[:, outer:])) * noise.numpy()
    result = augmentation(vectors, noise=noise)
    assert result.shape == (samples, augmentation.out_features)
    assert_close(result.detach().numpy(), wanted, rtol=1e-9, atol=1e-12)
    assert torch.equal(vectors, before[0])
    assert torch.equal(noise, before[1])
    assert (vectors._version, noise._version) == versions


@given(seed=seeds, samples=batch_sizes)
def test_the_distribution_is_that_of_the_draw(seed: int, samples: int) -> None:
    augmentation = ConditioningAugmentation(5, 3).double()
    vectors = normal(seed, samples, 5)
    mean, log_variance = augmentation.distribution(vectors)
    assert torch.equal(augmentation(vectors, noise=torch.zeros(samples, 3).double()), mean)
    one = augmentation(vectors, noise=torch.ones(samples, 3).double())
    assert_close(2 * (one - mean).log(), log_variance, rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_a_draw_can_be_replayed(seed: int) -> None:
    augmentation = ConditioningAugmentation(5, 3)
    vectors = normal(seed, 7, 5, dtype=torch.float32)
    state = torch.get_rng_state()
    drawn = augmentation(vectors, rng=torch.Generator().manual_seed(seed))
    noise = torch.randn(7, 3, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(drawn, augmentation(vectors, noise=noise))
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(seed)
    assert torch.equal(augmentation(vectors), drawn)


def test_draws_have_the_moments_of_the_distribution() -> None:
    samples = 20_000
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[math.log(0.25), math.log(9.0)]])
    distribution = ConditionDistribution(mean.expand(samples, 2), log_variance.expand(samples, 2))
    drawn = distribution.sample(rng=torch.Generator().manual_seed(0))
    assert_close(drawn.mean(0), mean[0], rtol=0, atol=0.07)
    assert_close(drawn.var(0), torch.tensor([0.25, 9.0]), rtol=0.05, atol=0)
    assert abs(torch.corrcoef(drawn.T)[0, 1].item()) < 0.03


def test_draws_in_evaluation_too() -> None:
    augmentation, vectors = ConditioningAugmentation(5, 3).eval(), normal(0, 2, 5, dtype=torch.float32)
    assert not torch.equal(augmentation(vectors), augmentation(vectors))


def test_augmentation_takes_any_activation() -> None:
    vectors = normal(0, 7, 5, dtype=torch.float32)
    published = ConditioningAugmentation(5, 3, activation=nn.ReLU)
    assert all((part >= 0).all() for part in published.distribution(vectors))
    plain = ConditioningAugmentation(5, 3, activation=nn.Identity)
    assert torch.equal(torch.cat(plain.distribution(vectors), dim=1), plain.linear(vectors))


def test_the_kl_loss_keeps_the_variance_above_zero() -> None:
    augmentation = ConditioningAugmentation(5, 3)
    with torch.no_grad():
        augmentation.linear.weight.zero_()
        augmentation.linear.bias.copy_(torch.tensor([2.0, 0, -1, 3, 0, -5]))
    vectors = normal(0, 7, 5, dtype=torch.float32)
    before = conditioning_kl_loss(*augmentation.distribution(vectors))
    before.backward()
    assert augmentation.linear.bias.grad is not None
    assert torch.equal(augmentation.linear.bias.grad.sign(), torch.tensor([1.0, 0, -1, 1, 0, -1]))


def test_augmentation_gradients_of_both_orders() -> None:
    augmentation = ConditioningAugmentation(5, 3, activation=nn.Identity).double()
    vectors, noise = normal(1, 2, 5).requires_grad_(), normal(2, 2, 3)
    assert torch.autograd.gradcheck(lambda x: augmentation(x, noise=noise), vectors)
    assert torch.autograd.gradgradcheck(lambda x: augmentation(x, noise=noise), vectors)


def test_augmentation_keys_copies_and_repr() -> None:
    augmentation = ConditioningAugmentation(5, 3)
    vectors, noise = normal(2, 2, 5, dtype=torch.float32), normal(3, 2, 3, dtype=torch.float32)
    assert list(augmentation.state_dict()) == ["linear.weight", "linear.bias"]
    for other in (copy.deepcopy(augmentation), pickle.loads(pickle.dumps(augmentation))):
        assert torch.equal(other(vectors, noise=noise), augmentation(vectors, noise=noise))
        assert repr(other) == repr(augmentation)


def test_augmentation_mistakes_are_named() -> None:
    augmentation, vectors = ConditioningAugmentation(5, 3), torch.ones(2, 5)
    rng = torch.Generator()
    cases = {
        "in_features must be at least 1, got 0": lambda: ConditioningAugmentation(0, 3),
        "out_features must be at least 1, got -1": lambda: ConditioningAugmentation(5, -1),
        "activation must be a callable that builds a layer": (
            lambda: ConditioningAugmentation(5, 3, activation=nn.ReLU())
        ),
        r"vectors must have shape \(n, 5\), got \(2, 3\)": lambda: augmentation(torch.ones(2, 3)),
        "vectors must be a tensor, got list": lambda: augmentation.distribution(["blue hair"]),  # type: ignore[arg-type]
        "vectors must be a floating-point tensor": lambda: augmentation(torch.ones(2, 5).long()),
        "vectors must not be empty": lambda: augmentation(torch.ones(0, 5)),
        "noise and rng must not both be given": lambda: augmentation(vectors, noise=torch.ones(2, 3), rng=rng),
        "noise and the condition must have the same shape": lambda: augmentation(vectors, noise=torch.ones(1, 3)),
        "noise must be a floating-point tensor": lambda: augmentation(vectors, noise=torch.ones(2, 3).long()),
        r"log_variance and mean must have the same shape, got \(3,\) and \(2, 3\)": (
            lambda: ConditionDistribution(torch.ones(2, 3), torch.ones(3)).sample()
        ),
        "log_variance must be a tensor, got float": lambda: ConditionDistribution(vectors, 0.0).sample(),  # type: ignore[arg-type]
        "mean must be a floating-point tensor": lambda: ConditionDistribution(vectors.long(), vectors).sample(),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def test_a_draw_in_float64_has_all_its_digits() -> None:
    mean = torch.zeros(3, 2, dtype=torch.float64)
    drawn = ConditionDistribution(mean, mean).sample(rng=torch.Generator().manual_seed(3))
    # Few float32 numbers are drawn in float64 and rounded, so that only the last digits differ.
    assert torch.equal(drawn, torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))


def test_noise_is_drawn_where_the_condition_is() -> None:
    mean = torch.zeros(3, 2, device="meta")
    assert ConditionDistribution(mean, mean).sample().device == mean.device
