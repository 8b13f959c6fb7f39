"""A convolution block in every order, and the dropout that stays on."""

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

from gankit.blocks import AlwaysOnDropout, ConvolutionBlock, Step

ORDERS = [order for size in range(1, 5) for order in permutations(Step, size) if Step.CONVOLUTION in order]


class Halve(nn.Module):
    """Stands for a dropout, with numbers that can be foretold."""

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


@pytest.mark.parametrize("training", [True, False])
@given(x=maps(), probability=st.sampled_from((0.0, 0.25, 0.5, 0.9)), seed=seeds)
def test_dropout_is_a_function_of_its_draw(training: bool, x: torch.Tensor, probability: float, seed: int) -> None:
    dropout = AlwaysOnDropout(probability).train(training)
    draw = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    wanted = torch.where(draw < probability, 0.0, x / (1 - probability))
    assert_close(dropout(x, draw=draw), wanted)
    assert torch.equal(dropout(x, rng=torch.Generator().manual_seed(seed)), dropout(x, draw=draw))


@pytest.mark.parametrize("training", [True, False])
def test_dropout_keeps_the_mean_and_goes_on_in_evaluation(training: bool) -> None:
    torch.manual_seed(4)
    dropped = AlwaysOnDropout(0.25).train(training)(torch.ones(100_000))
    assert (dropped == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    block = ConvolutionBlock(2, 2, dropout=AlwaysOnDropout).eval()
    x = torch.randn(2, 2, 8, 8)
    assert not torch.equal(block(x), block(x))
    usual = ConvolutionBlock(2, 2, dropout=nn.Dropout).eval()
    assert torch.equal(usual(x), usual(x))


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
