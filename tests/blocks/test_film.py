"""FiLM: the identity at the start, its definition afterwards, on vectors and on maps."""

import numpy as np
import pytest
import torch
from blocks.cases import fill_, maps
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_layouts, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch.testing import assert_close

from gankit.blocks import Conditioned, FiLM
from gankit.constraints import gradient_penalty


@st.composite
def cases(draw: st.DrawFn) -> tuple[FiLM, torch.Tensor, torch.Tensor]:
    """A float64 layer, an input of rank 2, 3 or 4, and a condition."""
    features, seed = draw(st.sampled_from(PRIMES)), draw(seeds)
    x = draw(st.one_of(maps(), maps().map(lambda x: x[..., 0]), maps().map(lambda x: x[..., 0, 0])))
    return FiLM(x.shape[1], features).double(), x, normal(seed, x.shape[0], features)


def filled(channels: int, features: int) -> FiLM:
    layer = FiLM(channels, features).double()
    fill_(layer, 4)
    return layer


@given(case=cases(), seed=seeds)
def test_equals_its_definition(case: tuple[FiLM, torch.Tensor, torch.Tensor], seed: int) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    state = {name: value.numpy() for name, value in layer.state_dict().items()}
    wanted = np.empty_like(x.numpy())
    for i, vector in enumerate(condition.numpy()):
        gain = 1 + state["gain.weight"] @ vector + state["gain.bias"]
        shift = state["shift.weight"] @ vector + state["shift.bias"]
        for channel in range(x.shape[1]):
            wanted[i, channel] = gain[channel] * x[i, channel].numpy() + shift[channel]
    assert_close(layer(x, condition), torch.from_numpy(wanted), rtol=1e-11, atol=1e-11)


@given(case=cases())
def test_starts_as_the_identity(case: tuple[FiLM, torch.Tensor, torch.Tensor]) -> None:
    layer, x, condition = case
    assert torch.equal(layer(x, condition), x)


def test_learns_its_condition_from_the_start() -> None:
    layer = FiLM(2, 3)
    layer(torch.randn(4, 2, 3, 3), torch.randn(4, 3)).pow(3).sum().backward()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert (parameter.grad != 0).all()


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 2, 3)])
def test_first_and_second_derivatives(shape: tuple[int, ...]) -> None:
    check_derivatives(filled(2, 3), normal(1, *shape), normal(2, 3, 3))


def test_keeps_samples_apart_inputs_and_layouts() -> None:
    layer, x, condition = filled(3, 2), normal(1, 5, 3, 4, 2), normal(2, 5, 2)
    check_samples_apart(layer, x, condition)
    check_inputs_stay(layer, x, condition)
    check_layouts(layer, x, condition)


def test_stands_in_a_critic_under_a_penalty() -> None:
    layer, condition = filled(3, 2), normal(2, 5, 2)
    real, fake = normal(3, 5, 3, 4, 2), normal(4, 5, 3, 4, 2)
    gradient_penalty(lambda x: layer(x, condition).pow(2).sum(dim=(1, 2, 3)), real, fake).backward()
    assert layer.gain.weight.grad is not None
    assert layer.gain.weight.grad.abs().min() > 0


def test_copies_pickles_and_keys() -> None:
    layer = filled(3, 2)
    assert isinstance(layer, Conditioned)
    keys = ["gain.weight", "gain.bias", "shift.weight", "shift.bias"]
    check_copies(layer, normal(1, 2, 3, 4, 5), normal(2, 2, 2), keys=keys)


def test_mistakes_are_named() -> None:
    layer = FiLM(3, 2)
    cases = {
        "channels must be at least 1, got 0": lambda: FiLM(0, 2),
        "condition_features must be at least 1, got 0": lambda: FiLM(3, 0),
        r"condition must be given, of shape \(4, 2\)": lambda: layer(torch.zeros(4, 3)),
        r"condition must have shape \(4, 2\), got \(1, 2\)": lambda: layer(torch.zeros(4, 3), torch.zeros(1, 2)),
        r"x must have shape \(n, 3, ...\), got \(4, 5\)": lambda: layer(torch.zeros(4, 5), torch.zeros(4, 2)),
        r"x must have shape \(n, 3, ...\), got \(3,\)": lambda: layer(torch.zeros(3), torch.zeros(4, 2)),
        "x must not be empty": lambda: layer(torch.zeros(0, 3), torch.zeros(0, 2)),
        "x must be a floating-point tensor": lambda: layer(torch.zeros(4, 3).long(), torch.zeros(4, 2)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
