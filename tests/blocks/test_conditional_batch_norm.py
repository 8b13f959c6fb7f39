"""Conditional batch norm: plain at the start, its definition afterwards, its double backward."""

import copy
import pickle

import pytest
import torch
from blocks import oracles
from blocks.cases import fill_, maps, numpy_state
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import ConditionalBatchNorm2d, Conditioned


@st.composite
def cases(draw: st.DrawFn) -> tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor]:
    """A float64 layer in train or eval mode, an input and a condition."""
    x, features, seed = draw(maps()), draw(st.sampled_from(PRIMES)), draw(seeds)
    layer = ConditionalBatchNorm2d(x.shape[1], features).double().train(draw(st.booleans()))
    return layer, x, normal(seed, x.shape[0], features)


@given(case=cases(), seed=seeds)
def test_equals_its_definition(case: tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor], seed: int) -> None:
    layer, x, condition = case
    row = nn.Sequential(layer)
    fill_(row, seed)
    norm = oracles.conditional_batch_norm(numpy_state(row), condition.numpy(), training=layer.training)
    wanted = torch.from_numpy(norm(x.numpy(), "0"))
    assert_close(layer(x, condition), wanted, rtol=1e-10, atol=1e-10)


@given(case=cases())
def test_starts_as_plain_batch_norm(case: tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor]) -> None:
    layer, x, condition = case
    plain = nn.BatchNorm2d(x.shape[1]).double().train(layer.training)
    assert torch.equal(layer(x, condition), plain(x))
    assert_close(layer.normalize.running_var, plain.running_var)
    assert_close(layer.normalize.running_mean, plain.running_mean)


@given(case=cases(), seed=seeds)
def test_the_condition_decides(case: tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor], seed: int) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    assert not torch.allclose(layer(x, condition), layer(x, condition + 1))


def test_is_marked_as_conditioned() -> None:
    assert isinstance(ConditionalBatchNorm2d(3, 2), Conditioned)


@pytest.mark.parametrize("training", [True, False])
def test_first_and_second_derivatives(training: bool) -> None:
    layer = ConditionalBatchNorm2d(2, 3).double().train(training)
    fill_(layer, 4)
    layer.normalize.momentum = 0.0
    inputs = normal(1, 3, 2, 2, 3).requires_grad_(), normal(2, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(layer, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(layer, inputs, fast_mode=True)


def test_learns_its_condition_from_the_start() -> None:
    layer = ConditionalBatchNorm2d(2, 3)
    layer(torch.randn(4, 2, 3, 3), torch.randn(4, 3)).pow(3).sum().backward()
    for linear in (layer.gain, layer.shift):
        assert linear.weight.grad is not None
        assert (linear.weight.grad != 0).all()


def test_becomes_synchronized_as_torch_does_it() -> None:
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(ConditionalBatchNorm2d(3, 2))
    assert isinstance(converted.normalize, nn.SyncBatchNorm)


def test_copies_and_pickles_compute_the_same() -> None:
    layer = ConditionalBatchNorm2d(3, 2).double().eval()
    fill_(layer, 9)
    x, condition = normal(1, 2, 3, 4, 5), normal(2, 2, 2)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x, condition), layer(x, condition))
    assert list(layer.state_dict()) == [
        "normalize.running_mean",
        "normalize.running_var",
        "normalize.num_batches_tracked",
        "gain.weight",
        "shift.weight",
    ]


def test_repr_names_its_layers() -> None:
    assert "in_features=2, out_features=3" in repr(ConditionalBatchNorm2d(3, 2))


def test_mistakes_are_named() -> None:
    layer = ConditionalBatchNorm2d(3, 2)
    x = torch.zeros(4, 3, 5, 5)
    cases = {
        "num_features must be at least 1, got 0": lambda: ConditionalBatchNorm2d(0, 2),
        "condition_features must be at least 1, got 0": lambda: ConditionalBatchNorm2d(3, 0),
        r"condition must be given, of shape \(4, 2\)": lambda: layer(x),
        r"condition must have shape \(4, 2\), got \(1, 2\)": lambda: layer(x, torch.zeros(1, 2)),
        r"condition must have shape \(4, 2\), got \(4,\)": lambda: layer(x, torch.zeros(4)),
        r"x must have shape \(n, 3, height, width\), got \(4, 5, 3, 3\)": (
            lambda: layer(torch.zeros(4, 5, 3, 3), torch.zeros(4, 2))
        ),
        "more than 1 value per channel": lambda: layer(torch.zeros(1, 3, 1, 1), torch.zeros(1, 2)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
