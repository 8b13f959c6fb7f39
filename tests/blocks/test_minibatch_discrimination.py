"""Minibatch discrimination: its definition, samples alike and apart, and where it starts."""

import numpy as np
import pytest
import torch
from blocks.cases import fill_, numpy_state
from blocks.promises import check_copies, check_derivatives, check_inputs_stay
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch.testing import assert_close

from gankit.blocks import MinibatchDiscrimination
from gankit.constraints import gradient_penalty

primes = st.sampled_from(PRIMES)


def filled(in_features: int, num_kernels: int, kernel_features: int, seed: int = 4) -> MinibatchDiscrimination:
    layer = MinibatchDiscrimination(in_features, num_kernels, kernel_features).double()
    fill_(layer, seed)
    return layer


@given(seed=seeds, samples=st.integers(1, 7), in_features=primes, num_kernels=primes, kernel_features=primes)
def test_equals_its_definition(
    seed: int, samples: int, in_features: int, num_kernels: int, kernel_features: int
) -> None:
    layer = filled(in_features, num_kernels, kernel_features, seed)
    features = normal(seed + 9, samples, in_features)
    kernels = numpy_state(layer)["project.weight"].reshape(num_kernels, kernel_features, in_features)
    wanted = np.zeros((samples, num_kernels))
    for i, x in enumerate(features.numpy()):
        for j, y in enumerate(features.numpy()):
            for b, kernel in enumerate(kernels):
                wanted[i, b] += 0 if i == j else np.exp(-np.abs(kernel @ x - kernel @ y).sum())
    result = layer(features)
    assert torch.equal(result[:, :in_features], features)
    assert_close(result[:, in_features:], torch.from_numpy(wanted), rtol=1e-10, atol=1e-12)


@given(seed=seeds)
def test_the_order_of_samples_is_carried_along(seed: int) -> None:
    layer, features = filled(3, 2, 5), normal(seed, 5, 3)
    order = torch.tensor([2, 0, 1, 4, 3])
    assert_close(layer(features[order]), layer(features)[order], rtol=1e-12, atol=1e-14)


def test_tells_samples_that_are_alike_from_samples_apart() -> None:
    layer = filled(3, 2, 5)
    apart, alike = normal(1, 4, 3), normal(1, 1, 3).expand(4, 3)
    assert_close(layer(alike)[:, 3:], torch.full((4, 2), 3.0, dtype=torch.float64))
    assert (layer(apart)[:, 3:] < 3).all()
    assert torch.equal(layer(100 * apart)[:, 3:].round(decimals=3), torch.zeros(4, 2, dtype=torch.float64))


def test_one_sample_has_nobody_near() -> None:
    assert torch.equal(filled(3, 2, 5)(normal(1, 1, 3))[:, 3:], torch.zeros(1, 2, dtype=torch.float64))


@pytest.mark.parametrize(("in_features", "kernel_features"), [(8, 5), (512, 5), (64, 16)])
def test_starts_where_it_can_learn(in_features: int, kernel_features: int) -> None:
    torch.manual_seed(1)
    layer = MinibatchDiscrimination(in_features, 100, kernel_features)
    closeness = layer(torch.randn(16, in_features))[:, in_features:].mean() / 15
    assert 0.25 < closeness.item() < 0.45  # exp(-1.13) = 0.32 at the mean distance


def test_first_and_second_derivatives() -> None:
    check_derivatives(filled(3, 2, 2), normal(1, 3, 3))


def test_samples_that_are_alike_have_finite_slopes() -> None:
    layer, features = filled(3, 2, 5), normal(1, 1, 3).repeat(4, 1).requires_grad_()
    (slope,) = torch.autograd.grad(layer(features).pow(2).sum(), features, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), features)
    assert slope.isfinite().all()
    assert second.isfinite().all()


def test_a_penalty_reaches_its_kernels() -> None:
    layer = filled(3, 2, 5)
    real, fake = normal(3, 4, 3), normal(4, 4, 3)
    gradient_penalty(lambda x: layer(x)[:, 3:].sum(dim=1), real, fake).backward()
    assert layer.project.weight.grad is not None
    assert layer.project.weight.grad.abs().min() > 0


def test_distances_stay_wide_under_autocast() -> None:
    layer, features = filled(16, 3, 5).float(), torch.randn(4, 16)
    with torch.autocast("cpu", torch.bfloat16):
        result = layer(features)
    assert result.dtype == torch.float32
    assert_close(result, layer(features), rtol=0.05, atol=0.05)


def test_half_precision_rounds_once() -> None:
    layer, features = filled(16, 3, 5).bfloat16(), normal(1, 4, 16).bfloat16()
    projected = layer.project(features).double().reshape(4, 1, 3, 5)
    distances = (projected - projected.transpose(0, 1)).abs().sum(dim=3)
    closeness = (-distances).exp().sum(dim=1) - 1
    result = layer(features)[:, 16:]
    assert result.dtype == torch.bfloat16
    assert torch.equal(result, closeness.bfloat16())


def test_keeps_its_inputs_copies_and_keys() -> None:
    layer, features = filled(3, 2, 5), normal(1, 4, 3)
    check_inputs_stay(layer, features)
    check_copies(layer, features, keys=["project.weight"])
    assert "num_kernels=2, kernel_features=5" in repr(layer)


def test_mistakes_are_named() -> None:
    layer = MinibatchDiscrimination(3, 2)
    cases = {
        "in_features must be at least 1, got 0": lambda: MinibatchDiscrimination(0, 2),
        "num_kernels must be at least 1, got 0": lambda: MinibatchDiscrimination(3, 0),
        "kernel_features must be at least 1, got 0": lambda: MinibatchDiscrimination(3, 2, 0),
        r"features must have shape \(n, 3\), got \(4, 5\)": lambda: layer(torch.zeros(4, 5)),
        "features must not be empty": lambda: layer(torch.zeros(0, 3)),
        "features must be a floating-point tensor": lambda: layer(torch.zeros(4, 3).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
