"""SRResNet's block and R3GAN's: definitions, initialization, and errors."""

import copy
import pickle
from collections.abc import Callable
from functools import partial

import pytest
import torch
from blocks import oracles
from blocks.cases import CONDITION_FEATURES, NORMS, channels_last, fill_, maps, numpy_state
from hypothesis import given, strategies as st
from support.strategies import normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import BottleneckBlock, SRResNetBlock

MAKERS: dict[str, Callable[[int], nn.Module]] = {
    "srresnet": SRResNetBlock,
    "bottleneck": lambda channels: BottleneckBlock(channels, 2),
}

every_kind = pytest.mark.parametrize("kind", MAKERS)


@given(x=maps(), norm_name=st.sampled_from(tuple(NORMS)), training=st.booleans(), seed=seeds)
def test_srresnet_equals_its_definition(x: torch.Tensor, norm_name: str, training: bool, seed: int) -> None:
    block = SRResNetBlock(x.shape[1], norm=NORMS[norm_name]).double().train(training)
    fill_(block, seed)
    condition = normal(seed + 1, x.shape[0], CONDITION_FEATURES)
    state = numpy_state(block)
    norm = {
        "none": oracles.no_norm,
        "batch": oracles.batch_norm(state, training=training),
        "layer": oracles.layer_norm(state),
        "conditional": oracles.conditional_batch_norm(state, condition.numpy(), training=training),
    }[norm_name]

    def conv(part: str, maps: oracles.Array) -> oracles.Array:
        return oracles.convolve(maps, state[f"{part}.weight"], state[f"{part}.bias"], padding=1)

    inside = oracles.relu(norm(conv("conv1", x.numpy()), "norm1"))
    wanted = torch.from_numpy(x.numpy() + norm(conv("conv2", inside), "norm2"))
    assert_close(block(x, condition), wanted, rtol=1e-10, atol=1e-10)


@given(x=maps(), expansion=st.sampled_from((1, 2, 3)), seed=seeds)
def test_bottleneck_equals_its_definition(x: torch.Tensor, expansion: int, seed: int) -> None:
    channels = x.shape[1]
    block = BottleneckBlock(channels, channels, expansion=expansion).double()
    fill_(block, seed)
    state = numpy_state(block)
    h = oracles.leaky_relu(oracles.convolve(x.numpy(), state["conv1.weight"], state["conv1.bias"]))
    weight, bias = state["conv2.weight"], state["conv2.bias"]
    pieces = [
        oracles.convolve(h[:, part], weight[part], bias[part], padding=1)
        for part in (slice(group * expansion, (group + 1) * expansion) for group in range(channels))
    ]
    h = oracles.leaky_relu(oracles.np.concatenate(pieces, axis=1))
    wanted = torch.from_numpy(x.numpy() + oracles.convolve(h, state["conv3.weight"], None))
    assert_close(block(x), wanted, rtol=1e-10, atol=1e-10)


@given(x=maps())
def test_bottleneck_starts_as_the_identity_and_learns(x: torch.Tensor) -> None:
    block = BottleneckBlock(x.shape[1], 1).double()
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.conv3.weight.grad is not None
    assert (block.conv3.weight.grad != 0).all()


@pytest.mark.parametrize("depth", [1, 16])
def test_bottleneck_starts_smaller_in_deeper_networks(depth: int) -> None:
    torch.manual_seed(3)
    block = BottleneckBlock(64, 16, depth=depth)
    scale = (2 / 1.04) ** 0.5 * depth ** (-1 / 4)
    for layer, inputs in ((block.conv1, 64), (block.conv2, 8 * 9)):
        assert layer.weight.std().item() * inputs**0.5 == pytest.approx(scale, rel=0.03)
        assert layer.bias is not None
        assert not layer.bias.any()
    assert block.conv3.bias is None


@every_kind
@given(x=maps(), seed=seeds)
def test_inputs_layouts_and_single_samples(kind: str, x: torch.Tensor, seed: int) -> None:
    block = MAKERS[kind](x.shape[1]).double().eval()
    fill_(block, seed)
    before, version = x.clone(), x._version
    plain = block(x)
    assert torch.equal(x, before)
    assert x._version == version
    last = channels_last(copy.deepcopy(block))(x.contiguous(memory_format=torch.channels_last))
    assert_close(last, plain, rtol=1e-9, atol=1e-9)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert_close(torch.cat([block(x[i : i + 1]) for i in range(len(x))]), plain, rtol=1e-9, atol=1e-9)


def test_state_keys_copies_and_pickles() -> None:
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert list(SRResNetBlock(3).state_dict()) == [
        *("conv1.weight", "conv1.bias", *(f"norm1.{key}" for key in norm)),
        *("conv2.weight", "conv2.bias", *(f"norm2.{key}" for key in norm)),
    ]
    assert list(BottleneckBlock(3, 2).state_dict()) == [
        *("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "conv3.weight"),
    ]
    for make in MAKERS.values():
        block, x = make(3).eval(), torch.randn(2, 3, 4, 5)
        fill_(block, 1)
        for other in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
            assert torch.equal(other(x), block(x))
        assert "(\n  3\n" in repr(block)


def test_mistakes_are_named() -> None:
    in_place = partial(nn.ReLU, inplace=True)
    cases = {
        "channels must be at least 1, got 0": lambda: SRResNetBlock(0),
        "channels must be at least 1, got -1": lambda: BottleneckBlock(-1, 2),
        "cardinality must be at least 1, got 0": lambda: BottleneckBlock(3, 0),
        "expansion must be at least 1, got 0": lambda: BottleneckBlock(3, 1, expansion=0),
        "depth must be at least 1, got 0": lambda: BottleneckBlock(3, 1, depth=0),
        r"cardinality must divide channels \* expansion = 6, got 4": lambda: BottleneckBlock(3, 4),
        "gain must be above 0, got 0.0": lambda: BottleneckBlock(3, 2, gain=0.0),
        "norm must be a callable that builds a layer": lambda: SRResNetBlock(3, norm=nn.BatchNorm2d(3)),
        "activation must be a callable .* got the finished layer ReLU": lambda: SRResNetBlock(3, activation=nn.ReLU()),
        "activation must be a callable .* got None": lambda: BottleneckBlock(3, 2, activation=None),  # type: ignore[arg-type]
        "activation must not work in place, got ReLU": lambda: SRResNetBlock(3, activation=in_place),
        "activation must not work in place, .*inplace=True": lambda: BottleneckBlock(3, 2, activation=in_place),
        r"x must have shape \(n, 3, height, width\), got \(2, 5, 4, 4\)": (
            lambda: SRResNetBlock(3)(torch.zeros(2, 5, 4, 4))
        ),
        r"x must have shape \(n, 3, height, width\), got \(2, 7, 4, 4\)": (
            lambda: BottleneckBlock(3, 2)(torch.zeros(2, 7, 4, 4))
        ),
        "condition must be given": lambda: SRResNetBlock(3, norm=NORMS["conditional"])(torch.zeros(2, 3, 4, 4)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
