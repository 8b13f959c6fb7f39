"""Every block: derivatives, compiled penalties, the keys of its state, and errors that many blocks share."""

import inspect
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from blocks import catalogue
from blocks.cases import channels_last, fill_
from blocks.catalogue import (
    ACTIVATIONS,
    CASES,
    DIRECTIONS,
    KINDS,
    NORMS,
    Case,
    build,
    covering_cases,
    input_of,
    name_of,
)
from support.contract.blocks import BLOCKS
from support.pairwise import pairwise_cases
from support.strategies import normal
from torch import nn
from torch.testing import assert_close

from gankit import blocks
from gankit.blocks import (
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
    BottleneckBlock,
    ClassHead,
    ConditionalInstanceNorm2d,
    ConditionedSequential,
    ConvolutionBlock,
    DepthConcatenation,
    FiLM,
    MeanDownsample,
    MinibatchDiscrimination,
    MinibatchStandardDeviation,
    MultiScale,
    NearestUpsample,
    NormAfterAdditionBlock,
    PatchHead,
    PostActivationBlock,
    PreActivationBlock,
    SelfAttention2d,
    SRResNetBlock,
    Step,
)
from gankit.constraints import zero_centered_penalty

PAIRS = pairwise_cases(CASES)

PLAIN = [case for case in CASES if case[3] in ("same", "identity", "up", "down")]


def derivatives_check(case: Case) -> None:
    block = build(case)
    x = input_of(case)
    _check_derivatives(block, x, weights=not (case[1] == "spectral" and case[4]))
    before, version = x.clone(), x._version
    # Statistics change with every call in training mode; both calls start from the same ones.
    state = {key: value.clone() for key, value in block.state_dict().items()}
    plain = block(x)
    assert torch.equal(x, before)
    assert x._version == version
    block.load_state_dict(state)
    last = channels_last(block)(x.contiguous(memory_format=torch.channels_last))
    assert_close(last, plain, rtol=1e-8, atol=1e-8)


def _check_derivatives(block: nn.Module, x: torch.Tensor, *, weights: bool) -> None:
    """By the input and, if the block is a function of them alone, by the weights.

    In training spectral norm is not: its estimate moves with the weights, and no gradient goes through the estimate.
    """
    names, values = zip(*block.named_parameters(), strict=True) if weights else ((), ())

    def call(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        buffers = {name: value.clone() for name, value in block.named_buffers()}
        return torch.func.functional_call(block, {**dict(zip(names, rest, strict=True)), **buffers}, (x,))

    inputs = (x.clone().requires_grad_(), *values)
    assert torch.autograd.gradcheck(call, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, inputs, fast_mode=True)


@pytest.mark.parametrize("case", PAIRS, ids=name_of)
def test_every_pair_of_choices(case: Case) -> None:
    derivatives_check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", PLAIN, ids=name_of)
def test_every_combination(case: Case) -> None:
    derivatives_check(case)


def test_every_choice_is_among_the_pairs() -> None:
    assert len(PAIRS) < len(CASES) / 10
    for place, choices in enumerate((KINDS, NORMS, ACTIVATIONS, DIRECTIONS, (True, False))):
        assert {case[place] for case in PAIRS} == set(choices)


CRITICS: dict[str, Callable[[], list[nn.Module]]] = {
    "attention": lambda: [nn.Conv2d(2, 8, 1), SelfAttention2d(8), PatchHead(8)],
    "deviation": lambda: [nn.Conv2d(2, 3, 1), nn.SiLU(), MinibatchStandardDeviation(), PatchHead(4)],
    "discrimination": lambda: [nn.Flatten(), nn.SiLU(), MinibatchDiscrimination(32, 2, 3), nn.Linear(34, 1)],
    "instance": lambda: [nn.Conv2d(2, 3, 1), ConditionalInstanceNorm2d(3, 3), nn.SiLU(), PatchHead(3)],
    "film": lambda: [nn.Conv2d(2, 3, 1), FiLM(3, 3), nn.SiLU(), PatchHead(3)],
    "joined": lambda: [DepthConcatenation(3), nn.Conv2d(5, 3, 1), nn.SiLU(), PatchHead(3)],
}

# The parts of a convolution block; every option occurs in at least one of the quick cases.
CASES = [case for case in catalogue.CASES if case[4] and case[1] != "batch"]

QUICK = covering_cases(CASES)

# Every block in every direction without a norm, and with every norm in one direction.
SLOW = [
    case
    for case in CASES
    if (case[1] == "none" and case[2] in ("relu", "leaky")) or (case[2] == "leaky" and case[3] in ("identity", "down"))
]


@pytest.mark.parametrize("name", CRITICS)
def test_a_compiled_penalty_equals_eager(name: str) -> None:
    critic = ConditionedSequential(*CRITICS[name]()).double()
    fill_(critic, 4)
    penalty_check(critic, normal(1, 4, 2, 4, 4), normal(2, 4, 3))


@pytest.mark.parametrize("case", QUICK, ids=catalogue.name_of)
def test_a_compiled_penalty_equals_eager_through_a_block(case: Case) -> None:
    check_block(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in SLOW if case not in QUICK], ids=catalogue.name_of)
def test_a_compiled_penalty_equals_eager_through_every_block(case: Case) -> None:
    check_block(case)


def test_every_choice_is_among_the_quick_cases() -> None:
    assert len(QUICK) < 20
    for place, choices in enumerate((catalogue.KINDS, catalogue.NORMS, catalogue.ACTIVATIONS, catalogue.DIRECTIONS)):
        assert {case[place] for case in QUICK} == set(choices) - {"batch"}


def check_block(case: Case) -> None:
    block = catalogue.build(case)
    x = catalogue.input_of(case)
    head = PatchHead(block(x).shape[1], kernel_size=1, padding=0).double()
    fill_(head, 4)
    penalty_check(ConditionedSequential(block, head), x, normal(2, len(x), 3))


def penalty_check(critic: nn.Module, images: torch.Tensor, condition: torch.Tensor) -> None:
    """Compare value and parameter gradients of a penalty, compiled as one graph, with eager."""
    parameters = list(critic.parameters())
    state = {key: value.clone() for key, value in critic.state_dict().items()}

    def step(images: torch.Tensor, condition: torch.Tensor) -> tuple[torch.Tensor, ...]:
        value = zero_centered_penalty(lambda x: critic(x, condition), images)
        gradients = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        return value.detach(), *gradients

    torch.compiler.reset()
    # Dynamo's tracing of autograd operations is a global flag: it is set during this call only.
    with mock.patch.object(torch._dynamo.config, "trace_autograd_ops", True):
        compiled = torch.compile(step, backend="aot_eager", fullgraph=True)(images, condition)
    critic.load_state_dict(state)  # the estimates of spectral norm change with every call
    eager = step(images, condition)
    assert eager[0] > 1e-6
    assert sum(float(gradient.abs().sum()) for gradient in eager[1:]) > 1e-6
    torch.testing.assert_close(compiled, eager, rtol=1e-9, atol=1e-12)


GOLDEN = Path(__file__).parent / "golden_state_keys.json"

STATE_MAKERS: dict[str, Callable[[], nn.Module]] = {
    **{name: row.make for name, row in BLOCKS.items() if row.call is not None},
    "PreActivationBlock, first": lambda: blocks.PreActivationBlock(3, 5, down=blocks.MeanDownsample(), first=True),
    "PreActivationBlock, batch norm": lambda: blocks.PreActivationBlock(3, 5, norm=nn.BatchNorm2d),
    "PreActivationBlock, identity": lambda: blocks.PreActivationBlock(3, 3),
    "PreActivationBlock, transposed": lambda: blocks.PreActivationBlock(3, 5, up=blocks.TransposedUpsample(3)),
    "PostActivationBlock, strided": lambda: blocks.PostActivationBlock(3, 5, down=blocks.StridedDownsample(5)),
    "ConvolutionBlock, conditional": lambda: blocks.ConvolutionBlock(
        3, 5, norm=partial(blocks.ConditionalBatchNorm2d, condition_features=7)
    ),
}


def shapes(module: nn.Module) -> dict[str, list[int]]:
    return {key: list(value.shape) for key, value in module.state_dict().items()}


@pytest.mark.parametrize("name", STATE_MAKERS)
def test_state_keys_and_shapes_are_those_of_the_golden_file(name: str) -> None:
    golden = json.loads(GOLDEN.read_text())[name]
    module = STATE_MAKERS[name]()
    assert shapes(module) == golden
    assert list(shapes(module)) == list(golden)
    metadata = vars(module.state_dict())["_metadata"]
    assert all(entry["version"] >= 1 for entry in metadata.values())


@pytest.mark.parametrize("name", STATE_MAKERS)
def test_a_state_loads_strictly_into_another_block(name: str) -> None:
    module, other = STATE_MAKERS[name](), STATE_MAKERS[name]()
    state = {key: torch.full_like(value, 3) for key, value in module.state_dict().items()}
    other.load_state_dict(state, strict=True)
    assert all(bool((value == 3).all()) for value in other.state_dict().values())


def test_every_public_block_has_its_keys_written_down() -> None:
    modules = {name for name, value in vars(blocks).items() if inspect.isclass(value) and issubclass(value, nn.Module)}
    assert modules <= set(STATE_MAKERS), "give a new block a row in STATE_MAKERS of this file"
    assert set(json.loads(GOLDEN.read_text())) == set(STATE_MAKERS)


RESIDUAL = (
    PreActivationBlock,
    PostActivationBlock,
    NormAfterAdditionBlock,
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
)

MAKERS: dict[str, Callable[..., nn.Module]] = {
    **{block.__name__: lambda block=block, **layers: block(3, 5, **layers) for block in RESIDUAL},
    "SRResNetBlock": lambda **layers: SRResNetBlock(3, **layers),
    "ConvolutionBlock": lambda **layers: ConvolutionBlock(3, 5, **layers),
}


def expect(message: str, mistake: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message):
        mistake()


BUILT_OF_NUMBERS = [
    kind
    for kind in vars(blocks).values()
    if inspect.isclass(kind)
    and issubclass(kind, nn.Module)
    and {int} & {one.annotation for one in inspect.signature(kind).parameters.values()}
]


@pytest.mark.parametrize("kind", BUILT_OF_NUMBERS)
def test_every_size_is_a_whole_number_of_its_range(kind: type[nn.Module]) -> None:
    options = inspect.signature(kind).parameters
    sizes = [name for name, one in options.items() if one.annotation is int]
    needed = {name: 4 for name, one in options.items() if one.default is one.empty}
    for name in sizes:
        for wrong in (-1, 2.5, True):
            expect(
                f"^{name} must be .* got {wrong}",
                lambda name=name, wrong=wrong: kind(**{**needed, name: wrong}),
            )


@pytest.mark.parametrize("name", MAKERS)
def test_callables_that_do_not_build_a_layer(name: str) -> None:
    make = MAKERS[name]
    expect("norm must build a torch.nn.Module, .* which gives None", lambda: make(norm=lambda channels: None))
    expect("norm must be a callable that builds a layer, .*called with", lambda: make(norm=nn.GroupNorm))
    expect(r"activation must be .* got <built-in .* relu\(\) missing", lambda: make(activation=torch.relu))
    expect("activation must build a torch.nn.Module", lambda: make(activation=lambda: torch.relu))


def test_callables_of_other_arguments_that_do_not_build_a_layer() -> None:
    expect("activation must build a torch.nn.Module", lambda: BottleneckBlock(4, 2, activation=lambda: None))  # type: ignore[arg-type,return-value]
    expect("convolution must be .*kernel_size", lambda: ConvolutionBlock(3, 5, convolution=nn.Conv2d))  # type: ignore[arg-type]
    expect("dropout must build a torch.nn.Module", lambda: ConvolutionBlock(3, 5, dropout=lambda: 0.5))  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("block", RESIDUAL, ids=lambda block: block.__name__)
@pytest.mark.parametrize("wrong", ["nearest", 2, NearestUpsample])
def test_resampling_is_a_finished_layer(block: Any, wrong: object) -> None:
    expect(r"up must be a finished layer, such as NearestUpsample\(\), or None, got", lambda: block(3, 5, up=wrong))
    expect(r"down must be a finished layer, such as MeanDownsample\(\), or None, got", lambda: block(3, 5, down=wrong))


def test_single_values_in_place_of_sequences() -> None:
    message = "order must be a sequence of Steps, got <Step.CONVOLUTION"
    expect(message, lambda: ConvolutionBlock(3, 5, order=Step.CONVOLUTION))  # type: ignore[arg-type]
    expect("order must be a sequence of Steps, got None", lambda: ConvolutionBlock(3, 5, order=None))  # type: ignore[arg-type]
    expect("critics must be a sequence of modules, got PatchHead", lambda: MultiScale(PatchHead(3), MeanDownsample()))  # type: ignore[arg-type]
    expect("num_classes must be a whole number or a sequence of them, got 2.5", lambda: ClassHead(3, 2.5))  # type: ignore[arg-type]
