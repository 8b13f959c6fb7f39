"""The divergence of conditioning augmentation: oracle, an integral, its minimum, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, sample_pairs, seeds

from gankit.losses import conditioning_kl_loss


@given(pair=sample_pairs())
def test_it_equals_the_oracle(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    mean, log_variance = pair
    m, v = mean.numpy(), log_variance.numpy()
    expected = sum(0.5 * np.sum(m[i] ** 2 + np.exp(v[i]) - 1 - v[i]) for i in range(len(m))) / len(m)
    loss = conditioning_kl_loss(mean, log_variance)
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert loss.shape == ()


@pytest.mark.parametrize(("mean", "log_variance"), [(0.7, 0.0), (-1.3, -0.8), (0.2, 1.1)])
def test_it_is_the_integral_that_defines_the_divergence(mean: float, log_variance: float) -> None:
    x, step = np.linspace(-30, 30, 200_001, retstep=True)
    variance = np.exp(log_variance)
    log_density = -0.5 * ((x - mean) ** 2 / variance + np.log(2 * np.pi * variance))
    log_standard = -0.5 * (x**2 + np.log(2 * np.pi))
    integral = np.sum(np.exp(log_density) * (log_density - log_standard)) * step
    one = torch.full((2, 3), mean, dtype=torch.float64), torch.full((2, 3), log_variance, dtype=torch.float64)
    assert conditioning_kl_loss(*one).item() == pytest.approx(3 * integral, rel=1e-8)


def test_torch_says_the_same() -> None:
    mean, log_variance = normal(0, 5, 7), normal(1, 5, 7)
    own = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = torch.distributions.kl_divergence(own, standard).sum(dim=1).mean()
    torch.testing.assert_close(conditioning_kl_loss(mean, log_variance), expected, rtol=1e-12, atol=1e-12)


@given(pair=sample_pairs())
def test_it_is_never_negative_and_zero_at_the_standard_normal_alone(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    mean, log_variance = pair
    zeros = torch.zeros_like(mean)
    assert conditioning_kl_loss(mean, log_variance) > 0
    assert conditioning_kl_loss(zeros, zeros).item() == 0.0


@given(seed=seeds, cut=st.integers(1, 10))
def test_a_batch_costs_the_weighted_mean_of_its_parts(seed: int, cut: int) -> None:
    mean, log_variance = normal(seed, 11, 3), normal(seed + 1, 11, 3)
    first = conditioning_kl_loss(mean[:cut], log_variance[:cut])
    rest = conditioning_kl_loss(mean[cut:], log_variance[cut:])
    torch.testing.assert_close(conditioning_kl_loss(mean, log_variance), (cut * first + (11 - cut) * rest) / 11)


def test_a_variance_near_one_keeps_its_small_price() -> None:
    log_variance = torch.full((1, 1), 1e-3)
    assert conditioning_kl_loss(torch.zeros(1, 1), log_variance).item() == pytest.approx(2.5e-7, rel=1e-3)


def test_gradients_are_the_mean_and_half_of_what_the_variance_is_above_one() -> None:
    mean, log_variance = normal(0, 5, 3).requires_grad_(), normal(1, 5, 3).requires_grad_()
    conditioning_kl_loss(mean, log_variance).backward()
    torch.testing.assert_close(mean.grad, mean.detach() / 5)
    torch.testing.assert_close(log_variance.grad, (log_variance.detach().exp() - 1) / 10)
    assert torch.autograd.gradcheck(conditioning_kl_loss, (mean, log_variance))


@given(
    seed=seeds,
    side=st.booleans(),
    row=st.integers(0, 4),
    value=st.sampled_from((torch.nan, torch.inf, -torch.inf)),
)
def test_what_is_not_finite_never_becomes_finite(seed: int, *, side: bool, row: int, value: float) -> None:
    pair = normal(seed, 5, 3), normal(seed + 1, 5, 3)
    pair[side][row, 1] = value
    assert not conditioning_kl_loss(*pair).isfinite()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_priced_in_float32(dtype: torch.dtype) -> None:
    mean, log_variance = torch.full((2, 3), 300.0, dtype=dtype), torch.zeros(2, 3, dtype=dtype)
    loss = conditioning_kl_loss(mean, log_variance)
    assert loss.dtype == torch.float32
    assert loss.item() == 1.5 * 300.0**2
    pair = normal(0, 5, 3).to(dtype), normal(1, 5, 3).to(dtype)
    torch.testing.assert_close(
        conditioning_kl_loss(*pair), conditioning_kl_loss(*(one.float() for one in pair)), rtol=0, atol=0
    )


def test_inputs_stay_as_they_are() -> None:
    mean, log_variance = normal(0, 5, 3), normal(1, 5, 3)
    before = mean.clone(), log_variance.clone()
    conditioning_kl_loss(mean, log_variance)
    assert torch.equal(mean, before[0])
    assert torch.equal(log_variance, before[1])
    assert mean._version == log_variance._version == 0


@pytest.mark.parametrize(
    ("mean", "log_variance", "match"),
    [
        (torch.ones(2, 3), torch.ones(2), r"log_variance and mean must have the same shape, got \(2,\) and \(2, 3\)"),
        (torch.ones(0, 3), torch.ones(0, 3), "mean must not be empty"),
        (torch.tensor(1.0), torch.tensor(1.0), "mean must have a batch axis"),
        (torch.ones(2, 3).long(), torch.ones(2, 3), "mean must be a floating-point tensor"),
        (torch.ones(2, 3), torch.ones(2, 3).long(), "log_variance must be a floating-point tensor"),
        (None, torch.ones(2, 3), "mean must be a tensor, got NoneType"),
    ],
)
def test_mistakes_are_named(mean: Any, log_variance: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        conditioning_kl_loss(mean, log_variance)
