"""The pre-activation block: its definition, its shortcut, its derivatives, inputs that stay unchanged, and errors."""

import copy
import pickle
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from blocks import oracles
from blocks.cases import CONDITION_FEATURES, DIRECTIONS, NORMS, blocks, channels_last, make_block, maps, numpy_state
from hypothesis import given
from support.strategies import normal
from torch import nn
from torch.testing import assert_close

from gankit.blocks import BilinearUpsample, MeanDownsample, NearestUpsample, PreActivationBlock

Case = tuple[PreActivationBlock, torch.Tensor, torch.Tensor, dict[str, Any]]


def expected(case: Case) -> torch.Tensor:
    block, x, condition, drawn = case
    state = numpy_state(block)
    norm = {
        "none": oracles.no_norm,
        "batch": oracles.batch_norm(state, training=block.training),
        "layer": oracles.layer_norm(state),
        "conditional": oracles.conditional_batch_norm(state, condition.numpy(), training=block.training),
    }[str(drawn["norm"])]
    flags = {name: bool(drawn[name]) for name in ("first", "activated_shortcut")}
    wanted = oracles.pre_activation_block(state, "", x.numpy(), norm, resample=str(drawn["direction"]), **flags)
    return torch.from_numpy(wanted)


@given(case=blocks())
def test_equals_its_definition(case: Case) -> None:
    block, x, condition, _ = case
    wanted = expected(case)
    assert_close(block(x, condition), wanted, rtol=1e-10, atol=1e-10)


@given(case=blocks())
def test_never_changes_its_input(case: Case) -> None:
    block, x, condition, _ = case
    before = x.clone(), condition.clone()
    versions = x._version, condition._version
    block(x, condition)
    assert torch.equal(x, before[0])
    assert torch.equal(condition, before[1])
    assert (x._version, condition._version) == versions


@given(x=maps())
def test_an_identity_shortcut_carries_negatives(x: torch.Tensor) -> None:
    block = make_block(x.shape[1], x.shape[1])
    for parameter in block.conv2.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(block(x), x)
    assert (x < 0).any()


@pytest.mark.parametrize("direction", DIRECTIONS)
@given(x=maps(even=True))
def test_a_projected_shortcut_gets_the_raw_input(direction: str, x: torch.Tensor) -> None:
    block = make_block(x.shape[1], 11, direction=direction)
    for parameter in block.conv2.parameters():
        nn.init.zeros_(parameter)
    zero = torch.zeros_like(x)
    assert_close(block(x) + block(-x), 2 * block(zero), rtol=1e-10, atol=1e-10)
    assert not torch.allclose(block(-x), block(zero))


@pytest.mark.parametrize("direction", DIRECTIONS)
@given(x=maps(even=True))
def test_an_activated_shortcut_forgets_what_the_activation_does(direction: str, x: torch.Tensor) -> None:
    """He et al. 2016: if dimensions change, residual and shortcut share the first norm and activation."""
    block = make_block(x.shape[1], 11, direction=direction, activated_shortcut=True)
    assert_close(block(x), block(x.relu()), rtol=1e-10, atol=1e-10)
    assert not torch.allclose(block(-x), block(torch.zeros_like(x)))


@given(x=maps())
def test_an_identity_shortcut_is_never_activated(x: torch.Tensor) -> None:
    plain, asked = (make_block(x.shape[1], x.shape[1], "batch", activated_shortcut=flag) for flag in (False, True))
    assert list(plain.state_dict()) == list(asked.state_dict())
    assert torch.equal(plain(x), asked(x))


@given(case=blocks())
def test_layouts_agree(case: Case) -> None:
    block, x, condition, _ = case
    plain = block(x, condition)
    last = channels_last(copy.deepcopy(block))(x.contiguous(memory_format=torch.channels_last), condition)
    assert_close(last, plain, rtol=1e-8, atol=1e-8)
    assert last.is_contiguous(memory_format=torch.channels_last)


@given(case=blocks())
def test_samples_stay_apart_without_batch_statistics(case: Case) -> None:
    block, x, condition, drawn = case
    if drawn["norm"] in ("batch", "conditional"):
        block.eval()
    apart = torch.cat([block(x[i : i + 1], condition[i : i + 1]) for i in range(len(x))])
    assert_close(block(x, condition), apart, rtol=1e-9, atol=1e-9)
    order = torch.arange(len(x)).flip(0)
    assert_close(block(x[order], condition[order]), block(x, condition)[order], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("norm", [*NORMS, "instance"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_sizes_down_to_one_pixel(norm: str, direction: str) -> None:
    layers = {**NORMS, "instance": nn.InstanceNorm2d}
    up = NearestUpsample() if direction == "up" else None
    down = MeanDownsample() if direction == "down" else None
    block = PreActivationBlock(3, 5, norm=layers[norm], up=up, down=down)
    side = {"same": 1, "up": 1, "down": 2}[direction]
    x, condition = torch.randn(2, 3, side, side), torch.randn(2, CONDITION_FEATURES)
    if norm == "instance" and direction != "down":
        with pytest.raises(ValueError, match="more than 1 spatial element"):
            block(x, condition)
    else:
        after = 2 if direction == "up" else 1
        assert block(x, condition).shape == (2, 5, after, after)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_eight_fresh_blocks_keep_the_variance(norm: str) -> None:
    row = nn.Sequential(*(PreActivationBlock(32, 32, norm=NORMS[norm]) for _ in range(8)))
    with torch.no_grad():
        assert 0.25 <= row(torch.randn(16, 32, 8, 8)).var().item() <= 4


def test_a_fresh_projection_keeps_the_variance() -> None:
    row = nn.Sequential(*(PreActivationBlock(32, 32, up=NearestUpsample()) for _ in range(4)))
    with torch.no_grad():
        assert 0.25 <= row(torch.randn(16, 32, 2, 2)).var().item() <= 4


@pytest.mark.parametrize(
    ("in_channels", "out_channels", "direction", "first", "hidden"),
    [(3, 5, "same", False, 5), (3, 5, "up", False, 5), (3, 5, "down", False, 3), (3, 5, "down", True, 5)],
)
def test_hidden_channels_and_shortcuts(
    in_channels: int, out_channels: int, direction: str, first: bool, hidden: int
) -> None:
    block = make_block(in_channels, out_channels, direction=direction, first=first)
    assert block.conv1.out_channels == hidden
    assert block.shortcut is not None
    assert (block.norm1 is None) == first


@pytest.mark.parametrize("first", [False, True])
def test_blocks_of_biggans_critic_are_as_wide_inside_as_their_result(first: bool) -> None:
    """Brock et al. 2019, appendix B and the authors' PyTorch program: 3x3 in -> out, 3x3 out -> out, 1x1 in -> out."""
    block = make_block(3, 5, direction="down", first=first, hidden=5)
    assert block.shortcut is not None
    shapes = [tuple(layer.weight.shape) for layer in (block.conv1, block.conv2, block.shortcut)]
    assert shapes == [(5, 3, 3, 3), (5, 5, 3, 3), (5, 3, 1, 1)]
    assert list(block.state_dict()) == list(make_block(3, 5, direction="down", first=first).state_dict())


def test_same_channels_project_only_where_the_size_changes() -> None:
    assert make_block(3, 3).shortcut is None
    assert make_block(3, 3, direction="up").shortcut is not None
    assert make_block(3, 3, direction="down").shortcut is not None


@pytest.mark.parametrize("norm", NORMS)
def test_copies_and_pickles_compute_the_same(norm: str) -> None:
    block = make_block(3, 5, norm, "down").eval()
    x, condition = normal(1, 2, 3, 4, 6), normal(2, 2, CONDITION_FEATURES)
    for other in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        assert torch.equal(other(x, condition), block(x, condition))


def test_repr_says_what_it_is() -> None:
    assert repr(make_block(3, 5, first=True)).startswith("PreActivationBlock(\n  3, 5, first=True\n")
    asked = make_block(3, 5, activated_shortcut=True)
    assert repr(asked).startswith("PreActivationBlock(\n  3, 5, activated_shortcut=True\n")
    assert repr(make_block(3, 5, first=True, hidden=7)).startswith(
        "PreActivationBlock(\n  3, 5, hidden=7, first=True\n"
    )


def test_works_under_autocast_in_channels_last() -> None:
    block = channels_last(PreActivationBlock(8, 16, norm=NORMS["layer"], down=MeanDownsample()))
    x = torch.randn(2, 8, 8, 8).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        result = block(x)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert_close(result.float(), block(x), rtol=0.05, atol=0.05)


def test_mistakes_are_named() -> None:
    cases = {
        "in_channels must be at least 1, got 0": lambda: PreActivationBlock(0, 3),
        "out_channels must be at least 1, got -1": lambda: PreActivationBlock(3, -1),
        "hidden must be at least 1, got 0": lambda: PreActivationBlock(3, 3, hidden=0),
        "hidden must be a whole number, got 2.0": lambda: PreActivationBlock(3, 3, hidden=2.0),  # type: ignore[arg-type]
        "norm must be a callable that builds a layer .* got None": lambda: PreActivationBlock(3, 3, norm=None),  # type: ignore[arg-type]
        "activation must be a callable that builds a layer, .* got the finished layer ReLU": (
            lambda: PreActivationBlock(3, 3, activation=nn.ReLU())
        ),
        "activation must not work in place, got ReLU": (
            lambda: PreActivationBlock(3, 3, activation=partial(nn.ReLU, inplace=True))
        ),
        "up must be left out with down": (
            lambda: PreActivationBlock(3, 3, up=NearestUpsample(), down=MeanDownsample())
        ),
        "up must be left out .* in a first block": lambda: PreActivationBlock(3, 3, up=NearestUpsample(), first=True),
        "activated_shortcut must be False in a first block": (
            lambda: PreActivationBlock(3, 3, first=True, activated_shortcut=True)
        ),
        r"x must have shape \(n, 3, height, width\), got \(2, 5, 4, 4\)": (
            lambda: PreActivationBlock(3, 3)(torch.zeros(2, 5, 4, 4))
        ),
        "x must not be empty": lambda: PreActivationBlock(3, 3)(torch.zeros(0, 3, 4, 4)),
        "x must be a floating-point tensor": lambda: PreActivationBlock(3, 3)(torch.zeros(2, 3, 4, 4).long()),
        "x must have an even height and width": (
            lambda: PreActivationBlock(3, 3, down=MeanDownsample())(torch.zeros(2, 3, 5, 4))
        ),
        r"condition must be given, of shape \(2, 3\)": (
            lambda: PreActivationBlock(3, 3, norm=NORMS["conditional"])(torch.zeros(2, 3, 4, 4))
        ),
        r"condition must have shape \(2, 3\), got \(2, 4\)": (
            lambda: PreActivationBlock(3, 3, norm=NORMS["conditional"])(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4))
        ),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


SMOOTH = nn.Softplus

QUICK = [
    ("none", "same", True), ("none", "up", True), ("none", "down", True),
    ("batch", "up", True), ("batch", "same", False), ("layer", "down", True), ("layer", "same", True),
    ("conditional", "up", True),
]  # fmt: skip


def check_derivatives(block: PreActivationBlock, *, fast: bool) -> None:
    """Numerical first and second derivatives, by the input, the condition and every parameter."""
    # Three samples: with two, the variance of a batch norm may be so close to 0 that rounding hides differences.
    x = normal(11, 3, block.in_channels, 4, 2).requires_grad_()
    condition = normal(12, 3, CONDITION_FEATURES).requires_grad_()
    names, values = zip(*block.named_parameters(), strict=True)
    conditional = any(name.endswith("gain.weight") for name in names)
    # Running statistics, and the block that owns them, must not change between the many calls.
    inputs = (x, *values, condition) if conditional else (x, *values)

    def call(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, rest, strict=False))
        buffers = {name: value.clone() for name, value in block.named_buffers()}
        given = rest[-1] if conditional else None
        return torch.func.functional_call(block, {**state, **buffers}, (x, given))

    assert torch.autograd.gradcheck(call, inputs, fast_mode=fast)
    assert torch.autograd.gradgradcheck(call, inputs, fast_mode=fast)


@pytest.mark.parametrize(("norm", "direction", "training"), QUICK)
def test_first_and_second_derivatives(norm: str, direction: str, training: bool) -> None:
    out_channels = 2 if direction == "same" else 3
    check_derivatives(make_block(2, out_channels, norm, direction, SMOOTH).train(training), fast=True)


ACTIVATIONS = {"relu": nn.ReLU, "leaky": partial(nn.LeakyReLU, 0.2), "silu": nn.SiLU, "softplus": nn.Softplus}


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("norm", "activation", "direction", "first"),
    [case for case in product(NORMS, ACTIVATIONS, DIRECTIONS, (False, True)) if not (case[2] == "up" and case[3])],
)
def test_all_first_and_second_derivatives(
    norm: str, activation: str, direction: str, first: bool, training: bool
) -> None:
    block = make_block(2, 3, norm, direction, ACTIVATIONS[activation], first=first, seed=5)
    check_derivatives(block.train(training), fast=True)


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "direction", "training"), QUICK)
def test_every_entry_of_the_first_and_second_derivatives(norm: str, direction: str, training: bool) -> None:
    out_channels = 2 if direction == "same" else 3
    check_derivatives(make_block(2, out_channels, norm, direction, SMOOTH).train(training), fast=False)


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("training", [True, False])
def test_instance_norm_and_bilinear_derivatives(direction: str, training: bool) -> None:
    torch.manual_seed(1)
    up = BilinearUpsample() if direction == "up" else None
    down = MeanDownsample() if direction == "down" else None
    block = PreActivationBlock(2, 3, norm=nn.InstanceNorm2d, activation=nn.SiLU, up=up, down=down).double()
    check_derivatives(block.train(training), fast=False)
