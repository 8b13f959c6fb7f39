"""Dropout and noise that are drawn in every call: definitions, draws, and errors."""

import numpy as np
import pytest
import torch
from blocks.cases import fill_, maps
from blocks.promises import check_copies, check_derivatives
from hypothesis import given, strategies as st
from support.strategies import normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import AlwaysOnDropout, ConvolutionBlock, NoiseInjection


def filled(channels: int, seed: int = 4) -> NoiseInjection:
    layer = NoiseInjection(channels).double()
    fill_(layer, seed)
    return layer


@given(x=maps(), seed=seeds)
def test_equals_its_definition(x: torch.Tensor, seed: int) -> None:
    layer, noise = filled(x.shape[1], seed), normal(seed, len(x), 1, *x.shape[2:])
    wanted = np.array(x.numpy())
    for i in range(len(x)):
        for channel, strength in enumerate(layer.strength.tolist()):
            wanted[i, channel] += strength * noise[i, 0].numpy()
    assert_close(layer(x, noise=noise), torch.from_numpy(wanted), rtol=1e-12, atol=1e-13)


@given(x=maps())
def test_a_new_layer_is_the_identity(x: torch.Tensor) -> None:
    assert torch.equal(NoiseInjection(x.shape[1]).double()(x), x)


@given(x=maps(), seed=seeds)
def test_the_draw_can_be_replayed(x: torch.Tensor, seed: int) -> None:
    layer = filled(x.shape[1], seed)
    noise = torch.randn(len(x), 1, *x.shape[2:], generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    state = torch.get_rng_state()
    assert torch.equal(layer(x, rng=torch.Generator().manual_seed(seed)), layer(x, noise=noise))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(seed)
    drawn = torch.randn(len(x), 1, *x.shape[2:], dtype=x.dtype)
    torch.manual_seed(seed)
    assert torch.equal(layer(x), layer(x, noise=drawn))


def test_noise_is_new_in_both_modes_and_different_in_all_samples() -> None:
    layer, x = filled(3), torch.zeros(2, 3, 4, 5, dtype=torch.float64)
    for mode in (True, False):
        first, second = layer.train(mode)(x), layer(x)
        assert not torch.allclose(first, second)
        assert not torch.allclose(first[0], first[1])


def test_strengths_learn_from_the_start() -> None:
    layer = NoiseInjection(3)
    layer(torch.randn(2, 3, 4, 5)).pow(2).sum().backward()
    assert layer.strength.grad is not None
    assert (layer.strength.grad != 0).all()


def test_first_and_second_derivatives() -> None:
    weight = normal(3, 2, 3, 2, 3)
    check_derivatives(
        filled(3),
        normal(1, 2, 3, 2, 3),
        normal(2, 2, 1, 2, 3),
        call=lambda layer, x, noise: layer(x, noise=noise).pow(3) * weight,
    )


def test_keeps_inputs_and_layouts() -> None:
    layer, x, noise = filled(3), normal(1, 2, 3, 4, 2), normal(2, 2, 1, 4, 2)
    last = x.clone(memory_format=torch.channels_last)
    before = x.clone(), noise.clone()
    results = layer(x, noise=noise), layer(last, noise=noise)
    assert torch.equal(*results)
    assert results[1].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(x, before[0])
    assert torch.equal(noise, before[1])
    assert x._version == noise._version == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_keeps_the_dtype(dtype: torch.dtype) -> None:
    assert NoiseInjection(3).to(dtype)(torch.zeros(2, 3, 2, 2, dtype=dtype)).dtype == dtype


def test_copies_and_keys() -> None:
    layer = filled(3)
    rng = torch.Generator().manual_seed(1)
    other = NoiseInjection(3).double()
    other.load_state_dict(layer.state_dict())
    x, noise = normal(1, 2, 3, 4, 5), torch.randn(2, 1, 4, 5, generator=rng, dtype=torch.float64)
    assert torch.equal(other(x, noise=noise), layer(x, noise=noise))
    check_copies(NoiseInjection(3).double(), x, keys=["strength"])
    assert repr(layer) == "NoiseInjection(3)"


def test_mistakes_are_named() -> None:
    layer, x = NoiseInjection(3), torch.zeros(4, 3, 2, 5)
    cases = {
        "channels must be at least 1, got 0": lambda: NoiseInjection(0),
        r"x must have shape \(n, 3, height, width\), got \(4, 3\)": lambda: layer(torch.zeros(4, 3)),
        "x must not be empty": lambda: layer(torch.zeros(0, 3, 4, 4)),
        r"noise must have shape \(4, 1, 2, 5\), got \(4, 3, 2, 5\)": lambda: layer(x, noise=x),
        r"noise must have shape \(4, 1, 2, 5\), got \(1, 1, 2, 5\)": lambda: layer(x, noise=x[:1, :1]),
        "noise must be a floating-point tensor": lambda: layer(x, noise=x[:, :1].long()),
        "noise and rng must not both be given": lambda: layer(x, noise=x[:, :1], rng=torch.Generator()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


@pytest.mark.parametrize("training", [True, False])
@given(x=maps(), probability=st.sampled_from((0.0, 0.25, 0.5, 0.9)), seed=seeds)
def test_dropout_is_a_function_of_its_draw(training: bool, x: torch.Tensor, probability: float, seed: int) -> None:
    dropout = AlwaysOnDropout(probability).train(training)
    draw = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    wanted = torch.where(draw < probability, 0.0, x / (1 - probability))
    assert_close(dropout(x, draw=draw), wanted)
    assert torch.equal(dropout(x, rng=torch.Generator().manual_seed(seed)), dropout(x, draw=draw))


@pytest.mark.parametrize("training", [True, False])
def test_dropout_keeps_the_mean_and_works_in_evaluation_mode(training: bool) -> None:
    torch.manual_seed(4)
    dropped = AlwaysOnDropout(0.25).train(training)(torch.ones(100_000))
    assert (dropped == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    block = ConvolutionBlock(2, 2, dropout=AlwaysOnDropout).eval()
    x = torch.randn(2, 2, 8, 8)
    assert not torch.equal(block(x), block(x))
    usual = ConvolutionBlock(2, 2, dropout=nn.Dropout).eval()
    assert torch.equal(usual(x), usual(x))
