"""Layers one after the other: who gets the condition, and a convolution block in every order."""

import copy
import pickle
from functools import partial
from itertools import permutations

import pytest
import torch
from blocks import oracles
from blocks.cases import CONDITION_FEATURES, NORMS, channels_last, fill_, maps, numpy_state
from hypothesis import given, strategies as st
from support.strategies import normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import (
    AlwaysOnDropout,
    ConditionalBatchNorm2d,
    Conditioned,
    ConditionedSequential,
    ConvolutionBlock,
    Step,
)


class Add(nn.Module, Conditioned):
    """Adds the condition."""

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return x if condition is None else x + condition


@given(seed=seeds)
def test_each_layer_gets_what_it_takes(seed: int) -> None:
    x, condition = normal(seed, 2, 3), normal(seed + 1, 2, 3)
    row = ConditionedSequential(Add(), nn.ReLU(), ConditionedSequential(nn.Tanh(), Add()))
    assert torch.equal(row(x, condition), torch.tanh(torch.relu(x + condition)) + condition)


@given(seed=seeds)
def test_without_conditioned_layers_it_is_a_plain_row(seed: int) -> None:
    layers = nn.Linear(3, 5).double(), nn.ReLU()
    x = normal(seed, 2, 3)
    assert torch.equal(ConditionedSequential(*layers)(x), nn.Sequential(*layers)(x))
    assert torch.equal(ConditionedSequential(Add())(x), x)


def test_has_the_keys_of_a_plain_row_and_survives_copies() -> None:
    row = ConditionedSequential(nn.Conv2d(3, 5, 1), ConditionalBatchNorm2d(5, 2)).double().eval()
    fill_(row, 3)
    assert list(row.state_dict()) == list(nn.Sequential(*row).state_dict())
    x, condition = normal(1, 2, 3, 4, 4), normal(2, 2, 2)
    for other in (copy.deepcopy(row), pickle.loads(pickle.dumps(row))):
        assert torch.equal(other(x, condition), row(x, condition))
    assert repr(row).startswith("ConditionedSequential(\n  (0): Conv2d(3, 5")


ORDERS = [order for size in range(1, 5) for order in permutations(Step, size) if Step.CONVOLUTION in order]


class Halve(nn.Module):
    """Replaces a dropout by a layer whose result is known."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 2 + 1


@given(x=maps(), order=st.sampled_from(ORDERS), seed=seeds)
def test_takes_the_steps_in_their_order(x: torch.Tensor, order: tuple[Step, ...], seed: int) -> None:
    block = ConvolutionBlock(x.shape[1], 5, norm=nn.BatchNorm2d, dropout=Halve, order=order).double().eval()
    fill_(block, seed)
    state = numpy_state(block)
    layers = {
        Step.CONVOLUTION: lambda h: oracles.convolve(
            h, state["convolution.weight"], state["convolution.bias"], padding=1
        ),
        Step.NORM: lambda h: oracles.batch_norm(state, training=False)(h, "norm"),
        Step.DROPOUT: lambda h: h / 2 + 1,
        Step.ACTIVATION: oracles.relu,
    }
    wanted = x.numpy()
    for step in order:
        wanted = layers[step](wanted)
    assert_close(block(x), torch.from_numpy(wanted), rtol=1e-10, atol=1e-10)
    assert isinstance(block.norm, nn.BatchNorm2d) == (Step.NORM in order)
    assert isinstance(block.dropout, Halve) == (Step.DROPOUT in order)
    assert isinstance(block.activation, nn.ReLU) == (Step.ACTIVATION in order)


def test_the_default_is_convolution_norm_dropout_activation() -> None:
    block = ConvolutionBlock(3, 5)
    assert block.order == (Step.CONVOLUTION, Step.NORM, Step.DROPOUT, Step.ACTIVATION)
    assert repr(block).startswith("ConvolutionBlock(\n  3, 5, order=(convolution, norm, dropout, activation)\n")
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    full = ConvolutionBlock(3, 5, norm=nn.BatchNorm2d)
    assert list(full.state_dict()) == ["convolution.weight", "convolution.bias", *(f"norm.{key}" for key in norm)]


def test_any_convolution_and_a_conditional_norm() -> None:
    up = partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1, bias=False)
    block = ConvolutionBlock(3, 5, convolution=up, norm=NORMS["conditional"]).double()
    fill_(block, 1)
    x, condition = normal(1, 2, 3, 4, 5), normal(2, 2, CONDITION_FEATURES)
    result = block(x, condition)
    assert result.shape == (2, 5, 8, 10)
    assert not torch.allclose(result, block(x, condition + 1))


@given(x=maps(), seed=seeds)
def test_inputs_stay_and_layouts_agree(x: torch.Tensor, seed: int) -> None:
    block = ConvolutionBlock(x.shape[1], 5, norm=nn.BatchNorm2d).double()
    fill_(block, seed)
    before, version = x.clone(), x._version
    plain = block(x)
    assert torch.equal(x, before)
    assert x._version == version
    last = channels_last(copy.deepcopy(block))(x.contiguous(memory_format=torch.channels_last))
    assert_close(last, plain, rtol=1e-8, atol=1e-8)
    assert last.is_contiguous(memory_format=torch.channels_last)


def test_copies_and_pickles_compute_the_same() -> None:
    block, x = ConvolutionBlock(3, 5, norm=nn.BatchNorm2d, order=tuple(reversed(Step))).eval(), torch.randn(2, 3, 4, 5)
    for other in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        assert torch.equal(other(x), block(x))


def test_mistakes_are_named() -> None:
    x = torch.zeros(2, 3, 4, 4)
    cases = {
        "in_channels must be at least 1, got 0": lambda: ConvolutionBlock(0, 3),
        "out_channels must be at least 1, got 0": lambda: ConvolutionBlock(3, 0),
        "convolution must be a callable": lambda: ConvolutionBlock(3, 3, convolution=nn.Conv2d(3, 3, 1)),
        "norm must be a callable": lambda: ConvolutionBlock(3, 3, norm=None),  # type: ignore[arg-type]
        "dropout must be a callable": lambda: ConvolutionBlock(3, 3, dropout=nn.Dropout(0.5)),
        "activation must be a callable": lambda: ConvolutionBlock(3, 3, activation=nn.ReLU()),
        "activation must not work in place": lambda: ConvolutionBlock(3, 3, activation=partial(nn.ReLU, inplace=True)),
        "dropout must not work in place": lambda: ConvolutionBlock(3, 3, dropout=partial(nn.Dropout, inplace=True)),
        "order must be a sequence of Steps": lambda: ConvolutionBlock(3, 3, order=("convolution",)),  # type: ignore[arg-type]
        "order must contain each step at most once": lambda: ConvolutionBlock(3, 3, order=2 * (Step.CONVOLUTION,)),
        "order must contain Step.CONVOLUTION": lambda: ConvolutionBlock(3, 3, order=(Step.NORM,)),
        r"x must have shape \(n, 3, height, width\)": lambda: ConvolutionBlock(3, 3)(torch.zeros(2, 5, 4, 4)),
        "condition must be given": lambda: ConvolutionBlock(3, 3, norm=NORMS["conditional"])(x),
        "probability must lie in 0..1, got 1.5": lambda: AlwaysOnDropout(1.5),
        "probability must be below 1": lambda: AlwaysOnDropout(1.0),
        "x must be a floating-point tensor": lambda: AlwaysOnDropout()(torch.tensor([1])),
        "draw must have shape": lambda: AlwaysOnDropout()(x, draw=torch.zeros(2)),
        "draw and rng must not both be given": lambda: AlwaysOnDropout()(x, draw=x, rng=torch.Generator()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
