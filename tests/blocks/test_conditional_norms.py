"""Conditional norms: new ones are plain, definitions, independence of samples, derivatives."""

import copy
import pickle

import numpy as np
import pytest
import torch
from blocks import oracles
from blocks.cases import fill_, maps, numpy_state
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_layouts, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import ConditionalBatchNorm2d, ConditionalInstanceNorm2d, Conditioned, FiLM, PreActivationBlock
from gankit.constraints import gradient_penalty


@st.composite
def batch_norm_cases(draw: st.DrawFn) -> tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor]:
    """A float64 layer in train or eval mode, an input and a condition."""
    x, features, seed = draw(maps()), draw(st.sampled_from(PRIMES)), draw(seeds)
    layer = ConditionalBatchNorm2d(x.shape[1], features).double().train(draw(st.booleans()))
    return layer, x, normal(seed, x.shape[0], features)


@given(case=batch_norm_cases(), seed=seeds)
def test_batch_norm_equals_its_definition(
    case: tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor], seed: int
) -> None:
    layer, x, condition = case
    row = nn.Sequential(layer)
    fill_(row, seed)
    norm = oracles.conditional_batch_norm(numpy_state(row), condition.numpy(), training=layer.training)
    wanted = torch.from_numpy(norm(x.numpy(), "0"))
    assert_close(layer(x, condition), wanted, rtol=1e-10, atol=1e-10)


@given(case=batch_norm_cases())
def test_starts_as_plain_batch_norm(case: tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor]) -> None:
    layer, x, condition = case
    plain = nn.BatchNorm2d(x.shape[1]).double().train(layer.training)
    assert torch.equal(layer(x, condition), plain(x))
    assert_close(layer.normalize.running_var, plain.running_var)
    assert_close(layer.normalize.running_mean, plain.running_mean)


@given(case=batch_norm_cases(), seed=seeds)
def test_the_condition_decides_about_batch_norm(
    case: tuple[ConditionalBatchNorm2d, torch.Tensor, torch.Tensor], seed: int
) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    assert not torch.allclose(layer(x, condition), layer(x, condition + 1))


def test_is_marked_as_conditioned() -> None:
    assert isinstance(ConditionalBatchNorm2d(3, 2), Conditioned)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_first_and_second_derivatives(training: bool) -> None:
    layer = ConditionalBatchNorm2d(2, 3).double().train(training)
    fill_(layer, 4)
    layer.normalize.momentum = 0.0
    inputs = normal(1, 3, 2, 2, 3).requires_grad_(), normal(2, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(layer, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(layer, inputs, fast_mode=True)


def test_batch_norm_learns_its_condition_from_the_start() -> None:
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


def test_batch_norm_mistakes_are_named() -> None:
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


@st.composite
def instance_norm_cases(draw: st.DrawFn) -> tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor]:
    """A float64 layer in train or eval mode, an input and a condition."""
    x, features, seed = draw(maps()), draw(st.sampled_from(PRIMES)), draw(seeds)
    layer = ConditionalInstanceNorm2d(x.shape[1], features).double().train(draw(st.booleans()))
    return layer, x, normal(seed, x.shape[0], features)


def instance_norm_filled(channels: int, features: int) -> ConditionalInstanceNorm2d:
    layer = ConditionalInstanceNorm2d(channels, features).double()
    fill_(layer, 4)
    return layer


@given(case=instance_norm_cases(), seed=seeds)
def test_instance_norm_equals_its_definition(
    case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor], seed: int
) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    state = numpy_state(layer)
    normalized = oracles.normalize(x.numpy(), (2, 3))
    for i, vector in enumerate(condition.numpy()):
        gain, shift = 1 + state["gain.weight"] @ vector, state["shift.weight"] @ vector
        normalized[i] = gain[:, None, None] * normalized[i] + shift[:, None, None]
    assert_close(layer(x, condition), torch.from_numpy(normalized), rtol=1e-10, atol=1e-10)


@given(case=instance_norm_cases())
def test_starts_as_plain_instance_norm(case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor]) -> None:
    layer, x, condition = case
    assert_close(layer(x, condition), nn.InstanceNorm2d(x.shape[1])(x), rtol=1e-11, atol=1e-11)


@given(case=instance_norm_cases(), seed=seeds)
def test_modes_are_equal_and_samples_apart(
    case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor], seed: int
) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    assert torch.equal(layer.train()(x, condition), layer.eval()(x, condition))
    check_samples_apart(layer, x, condition)


@given(case=instance_norm_cases(), seed=seeds)
def test_the_condition_decides_about_instance_norm(
    case: tuple[ConditionalInstanceNorm2d, torch.Tensor, torch.Tensor], seed: int
) -> None:
    layer, x, condition = case
    fill_(layer, seed)
    assert not torch.allclose(layer(x, condition), layer(x, condition + 1))


def test_instance_norm_learns_its_condition_from_the_start() -> None:
    layer = ConditionalInstanceNorm2d(2, 3)
    layer(torch.randn(4, 2, 3, 3), torch.randn(4, 3)).pow(3).sum().backward()
    for linear in (layer.gain, layer.shift):
        assert linear.weight.grad is not None
        assert (linear.weight.grad != 0).all()


@pytest.mark.parametrize("training", [True, False])
def test_instance_norm_first_and_second_derivatives(training: bool) -> None:
    check_derivatives(instance_norm_filled(2, 3).train(training), normal(1, 3, 2, 2, 3), normal(2, 3, 3))


def test_keeps_inputs_and_layouts() -> None:
    layer, x, condition = instance_norm_filled(3, 2), normal(1, 5, 3, 4, 2), normal(2, 5, 2)
    check_inputs_stay(layer, x, condition)
    check_layouts(layer, x, condition)


@pytest.mark.parametrize("size", [(1, 5), (5, 1)])
def test_takes_maps_of_one_row_or_column(size: tuple[int, int]) -> None:
    result = instance_norm_filled(3, 2)(normal(1, 4, 3, *size), torch.zeros(4, 2, dtype=torch.float64))
    assert_close(result.mean(dim=(2, 3)), torch.zeros(4, 3, dtype=torch.float64), rtol=0, atol=1e-12)


def test_serves_a_residual_block_as_its_norm() -> None:
    block = PreActivationBlock(3, 5, norm=lambda channels: ConditionalInstanceNorm2d(channels, 2)).double()
    fill_(block, 3)
    x, condition = normal(1, 2, 3, 4, 5), normal(2, 2, 2)
    assert not torch.allclose(block(x, condition), block(x, condition + 1))


def test_instance_norm_copies_pickles_and_keys() -> None:
    layer = instance_norm_filled(3, 2)
    assert isinstance(layer, Conditioned)
    check_copies(layer, normal(1, 2, 3, 4, 5), normal(2, 2, 2), keys=["gain.weight", "shift.weight"])


def test_instance_norm_mistakes_are_named() -> None:
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


@st.composite
def film_cases(draw: st.DrawFn) -> tuple[FiLM, torch.Tensor, torch.Tensor]:
    """A float64 layer, an input of rank 2, 3 or 4, and a condition."""
    features, seed = draw(st.sampled_from(PRIMES)), draw(seeds)
    x = draw(st.one_of(maps(), maps().map(lambda x: x[..., 0]), maps().map(lambda x: x[..., 0, 0])))
    return FiLM(x.shape[1], features).double(), x, normal(seed, x.shape[0], features)


def film_filled(channels: int, features: int) -> FiLM:
    layer = FiLM(channels, features).double()
    fill_(layer, 4)
    return layer


@given(case=film_cases(), seed=seeds)
def test_film_equals_its_definition(case: tuple[FiLM, torch.Tensor, torch.Tensor], seed: int) -> None:
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


@given(case=film_cases())
def test_a_new_layer_is_the_identity(case: tuple[FiLM, torch.Tensor, torch.Tensor]) -> None:
    layer, x, condition = case
    assert torch.equal(layer(x, condition), x)


def test_film_learns_its_condition_from_the_start() -> None:
    layer = FiLM(2, 3)
    layer(torch.randn(4, 2, 3, 3), torch.randn(4, 3)).pow(3).sum().backward()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert (parameter.grad != 0).all()


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 2, 3)])
def test_film_first_and_second_derivatives(shape: tuple[int, ...]) -> None:
    check_derivatives(film_filled(2, 3), normal(1, *shape), normal(2, 3, 3))


def test_keeps_samples_apart_inputs_and_layouts() -> None:
    layer, x, condition = film_filled(3, 2), normal(1, 5, 3, 4, 2), normal(2, 5, 2)
    check_samples_apart(layer, x, condition)
    check_inputs_stay(layer, x, condition)
    check_layouts(layer, x, condition)


def test_works_in_a_critic_under_a_penalty() -> None:
    layer, condition = film_filled(3, 2), normal(2, 5, 2)
    real, fake = normal(3, 5, 3, 4, 2), normal(4, 5, 3, 4, 2)
    gradient_penalty(lambda x: layer(x, condition).pow(2).sum(dim=(1, 2, 3)), real, fake).backward()
    assert layer.gain.weight.grad is not None
    assert layer.gain.weight.grad.abs().min() > 0


def test_film_copies_pickles_and_keys() -> None:
    layer = film_filled(3, 2)
    assert isinstance(layer, Conditioned)
    keys = ["gain.weight", "gain.bias", "shift.weight", "shift.bias"]
    check_copies(layer, normal(1, 2, 3, 4, 5), normal(2, 2, 2), keys=keys)


def test_film_mistakes_are_named() -> None:
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
