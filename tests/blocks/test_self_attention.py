"""Self-attention: the gate of a new layer is 0, definition, distant positions, second derivatives."""

import numpy as np
import pytest
import torch
from blocks.cases import channels_last, fill_, numpy_state
from blocks.oracles import Array, State
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_layouts, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import normal, seeds
from torch.testing import assert_close

from gankit.blocks import SelfAttention2d
from gankit.constraints import gradient_penalty, spectral_norm_


def filled(channels: int, *, pooled: bool = True, seed: int = 4) -> SelfAttention2d:
    layer = SelfAttention2d(channels, pooled=pooled).double()
    fill_(layer, seed)
    return layer


def largest_of_four(x: Array) -> Array:
    """The maximum of every 2 x 2 positions; at an odd border of those that exist. One sample."""
    channels, height, width = x.shape
    result = np.empty((channels, (height + 1) // 2, (width + 1) // 2))
    for i in range(result.shape[1]):
        for j in range(result.shape[2]):
            result[:, i, j] = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(1, 2))
    return result


def attend(state: State, x: Array, *, pooled: bool) -> Array:
    """One sample: each position attends to all (pooled) positions, in a loop."""
    weight = {name: state[f"{name}.weight"][:, :, 0, 0] for name in ("query", "key", "value", "project")}
    maps = {name: np.tensordot(weight[name], x, axes=1) for name in ("query", "key", "value")}
    if pooled:
        maps |= {name: largest_of_four(maps[name]) for name in ("key", "value")}
    keys, values = (maps[name].reshape(len(maps[name]), -1) for name in ("key", "value"))
    result = np.empty_like(x)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            powers = np.exp([float(np.dot(maps["query"][:, i, j], key)) for key in keys.T])
            gathered = sum(power * value for power, value in zip(powers / powers.sum(), values.T, strict=True))
            result[:, i, j] = x[:, i, j] + state["gate"][0] * (weight["project"] @ gathered)
    return result


@given(
    seed=seeds,
    channels=st.sampled_from((1, 3, 7, 17)),
    size=st.sampled_from(((2, 4), (4, 6), (3, 5), (5, 2), (1, 3), (1, 1))),
    pooled=st.booleans(),
)
def test_equals_its_definition(seed: int, channels: int, size: tuple[int, int], pooled: bool) -> None:
    layer, x = filled(channels, pooled=pooled, seed=seed), normal(seed + 9, 2, channels, *size)
    wanted = np.stack([attend(numpy_state(layer), sample, pooled=pooled) for sample in x.numpy()])
    assert_close(layer(x), torch.from_numpy(wanted), rtol=1e-10, atol=1e-10)


@given(seed=seeds, size=st.sampled_from(((2, 4), (3, 5))))
def test_a_new_layer_is_the_identity(seed: int, size: tuple[int, int]) -> None:
    x = normal(seed, 2, 5, *size)
    assert torch.equal(SelfAttention2d(5).double()(x), x)


def test_the_gate_learns_from_the_start() -> None:
    layer = SelfAttention2d(8)
    layer(torch.randn(2, 8, 4, 4)).pow(2).sum().backward()
    assert layer.gate.grad is not None
    assert layer.gate.grad.abs().item() > 0


def test_sees_from_corner_to_corner() -> None:
    layer = filled(5)
    x = normal(1, 1, 5, 6, 8).requires_grad_()
    (slope,) = torch.autograd.grad(layer(x)[0, :, 0, 0].sum(), x)
    assert slope[0, :, -2:, -2:].abs().max() > 1e-6


def test_without_pooling_the_result_follows_the_order_of_positions() -> None:
    layer, x = filled(5, pooled=False), normal(1, 2, 5, 3, 4)
    assert_close(layer(x.flip(2).mT), layer(x).flip(2).mT, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("size", "pooled"), [((2, 2), True), ((3, 2), True), ((2, 2), False)])
def test_first_and_second_derivatives(size: tuple[int, int], pooled: bool) -> None:
    check_derivatives(filled(3, pooled=pooled), normal(1, 2, 3, *size))


def test_a_penalty_runs_through_it_also_with_spectral_norm() -> None:
    layer = filled(8)
    spectral_norm_(layer)
    real, fake = normal(3, 2, 8, 4, 4), normal(4, 2, 8, 4, 4)
    gradient_penalty(lambda x: layer(x).pow(2).sum(dim=(1, 2, 3)), real, fake).backward()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


def test_keeps_samples_apart_inputs_and_layouts() -> None:
    layer, x = filled(5), normal(1, 3, 5, 4, 6)
    check_samples_apart(layer, x)
    check_inputs_stay(layer, x)
    check_layouts(layer, x)


def test_works_under_autocast_in_channels_last() -> None:
    layer = channels_last(filled(8).float())
    x = torch.randn(2, 8, 4, 4).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        result = layer(x)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert_close(result.float(), layer(x), rtol=0.05, atol=0.05)


def test_large_products_stay_finite() -> None:
    layer = filled(8)
    x = 1e4 * normal(1, 2, 8, 4, 4).requires_grad_()
    (slope,) = torch.autograd.grad(layer(x).sum(), x)
    assert slope.isfinite().all()


def test_copies_pickles_and_keys() -> None:
    keys = ["gate", "query.weight", "key.weight", "value.weight", "project.weight"]
    check_copies(filled(5), normal(1, 2, 5, 4, 4), keys=keys)
    assert repr(filled(5, pooled=False)).startswith("SelfAttention2d(\n  5, pooled=False\n")
    assert repr(filled(5)).startswith("SelfAttention2d(\n  5\n")


@pytest.mark.parametrize(("channels", "compared", "carried"), [(1, 1, 1), (7, 1, 3), (17, 2, 8), (64, 8, 32)])
def test_widths(channels: int, compared: int, carried: int) -> None:
    layer = SelfAttention2d(channels)
    assert layer.query.out_channels == layer.key.out_channels == compared
    assert layer.value.out_channels == layer.project.in_channels == carried


def test_weights_start_uniform_as_glorots() -> None:
    torch.manual_seed(1)
    for name, weight in SelfAttention2d(256).named_parameters():
        if name == "gate":
            continue
        out_channels, in_channels = weight.shape[:2]
        bound = (6 / (in_channels + out_channels)) ** 0.5
        assert 0.98 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_mistakes_are_named() -> None:
    layer = SelfAttention2d(3)
    cases = {
        "channels must be at least 1, got 0": lambda: SelfAttention2d(0),
        r"x must have shape \(n, 3, height, width\), got \(4, 5, 3, 3\)": lambda: layer(torch.zeros(4, 5, 3, 3)),
        "x must not be empty": lambda: layer(torch.zeros(0, 3, 4, 4)),
        "x must be a floating-point tensor": lambda: layer(torch.zeros(2, 3, 4, 4).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
