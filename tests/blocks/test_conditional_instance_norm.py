"""Conditional instance norm: plain at the start, its definition afterwards, one sample at a time in both modes."""

import pytest
import torch
from blocks import oracles
from blocks.cases import fill_, maps, numpy_state
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_layouts, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import ConditionalInstanceNorm2d, Conditioned, PreActivationBlock


@st.composite
def cases(draw: st.DrawFn) -> tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor]:
    """A float64 layer in train or eval mode, an input and a condition."""
    x, features, seed = draw(maps()), draw(st.sampled_from(PRIMES)), draw(seeds)
    layer = ConditionalInstanceNorm2d(x.shape[1], features).double().train(draw(st.booleans()))
    return layer, x, normal(seed, x.shape[0], features)


def filled(channels: int, features: int) -> ConditionalInstanceNorm2d:
    layer = ConditionalInstanceNorm2d(channels, features).double()
    fill_(layer, 4)
    return layer


@given(case=cases(), seed=seeds)
def test_equals_its_definition(case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor], seed: int) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    state = numpy_state(layer)
    normalized = oracles.normalize(x.numpy(), (2, 3))
    for i, vector in enumerate(condition.numpy()):
        gain, shift = 1 + state["gain.weight"] @ vector, state["shift.weight"] @ vector
        normalized[i] = gain[:, None, None] * normalized[i] + shift[:, None, None]
    assert_close(layer(x, condition), torch.from_numpy(normalized), rtol=1e-10, atol=1e-10)


@given(case=cases())
def test_starts_as_plain_instance_norm(case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor]) -> None:
    layer, x, condition = case
    assert_close(layer(x, condition), nn.InstanceNorm2d(x.shape[1])(x), rtol=1e-11, atol=1e-11)


@given(case=cases(), seed=seeds)
def test_modes_are_equal_and_samples_apart(
    case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor], seed: int
) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    assert torch.equal(layer.train()(x, condition), layer.eval()(x, condition))
    check_samples_apart(layer, x, condition)


@given(case=cases(), seed=seeds)
def test_the_condition_decides(case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor], seed: int) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    assert not torch.allclose(layer(x, condition), layer(x, condition + 1))


def test_learns_its_condition_from_the_start() -> None:
    layer = ConditionalInstanceNorm2d(2, 3)
    layer(torch.randn(4, 2, 3, 3), torch.randn(4, 3)).pow(3).sum().backward()
    for linear in (layer.gain, layer.shift):
        assert linear.weight.grad is not None
        assert (linear.weight.grad != 0).all()


@pytest.mark.parametrize("training", [True, False])
def test_first_and_second_derivatives(training: bool) -> None:
    check_derivatives(filled(2, 3).train(training), normal(1, 3, 2, 2, 3), normal(2, 3, 3))


def test_keeps_inputs_and_layouts() -> None:
    layer, x, condition = filled(3, 2), normal(1, 5, 3, 4, 2), normal(2, 5, 2)
    check_inputs_stay(layer, x, condition)
    check_layouts(layer, x, condition)


@pytest.mark.parametrize("size", [(1, 5), (5, 1)])
def test_takes_maps_of_one_row_or_column(size: tuple[int, int]) -> None:
    result = filled(3, 2)(normal(1, 4, 3, *size), torch.zeros(4, 2, dtype=torch.float64))
    assert_close(result.mean(dim=(2, 3)), torch.zeros(4, 3, dtype=torch.float64), rtol=0, atol=1e-12)


def test_serves_a_residual_block_as_its_norm() -> None:
    block = PreActivationBlock(3, 5, norm=lambda channels: ConditionalInstanceNorm2d(channels, 2)).double()
    fill_(block, 3)
    x, condition = normal(1, 2, 3, 4, 5), normal(2, 2, 2)
    assert not torch.allclose(block(x, condition), block(x, condition + 1))


def test_copies_pickles_and_keys() -> None:
    layer = filled(3, 2)
    assert isinstance(layer, Conditioned)
    check_copies(layer, normal(1, 2, 3, 4, 5), normal(2, 2, 2), keys=["gain.weight", "shift.weight"])


def test_mistakes_are_named() -> None:
    layer = ConditionalInstanceNorm2d(3, 2)
    x = torch.zeros(4, 3, 5, 5)
    cases = {
        "num_features must be at least 1, got 0": lambda: ConditionalInstanceNorm2d(0, 2),
        "condition_features must be at least 1, got 0": lambda: ConditionalInstanceNorm2d(3, 0),
        r"condition must be given, of shape \(4, 2\)": lambda: layer(x),
        r"condition must have shape \(4, 2\), got \(1, 2\)": lambda: layer(x, torch.zeros(1, 2)),
        r"x must have shape \(n, 3, height, width\), got \(4, 5, 3, 3\)": (
            lambda: layer(torch.zeros(4, 5, 3, 3), torch.zeros(4, 2))
        ),
        r"x must have more than one position .* got shape \(4, 3, 1, 1\)": (
            lambda: layer(torch.zeros(4, 3, 1, 1), torch.zeros(4, 2))
        ),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
