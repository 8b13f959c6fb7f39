"""A penalty through critics' parts, compiled together with its backward pass in one graph, equals eager."""

from collections.abc import Callable
from unittest import mock

import pytest
import torch
from blocks import catalogue
from blocks.cases import fill_
from blocks.catalogue import Case, covering_cases
from support.strategies import normal
from torch import nn

from gankit.blocks import (
    ConditionalInstanceNorm2d,
    ConditionedSequential,
    DepthConcatenation,
    FiLM,
    MinibatchDiscrimination,
    MinibatchStandardDeviation,
    PatchHead,
    SelfAttention2d,
)
from gankit.constraints import zero_centered_penalty

CRITICS: dict[str, Callable[[], list[nn.Module]]] = {
    "attention": lambda: [nn.Conv2d(2, 8, 1), SelfAttention2d(8), PatchHead(8)],
    "deviation": lambda: [nn.Conv2d(2, 3, 1), nn.SiLU(), MinibatchStandardDeviation(), PatchHead(4)],
    "discrimination": lambda: [nn.Flatten(), nn.SiLU(), MinibatchDiscrimination(32, 2, 3), nn.Linear(34, 1)],
    "instance": lambda: [nn.Conv2d(2, 3, 1), ConditionalInstanceNorm2d(3, 3), nn.SiLU(), PatchHead(3)],
    "film": lambda: [nn.Conv2d(2, 3, 1), FiLM(3, 3), nn.SiLU(), PatchHead(3)],
    "joined": lambda: [DepthConcatenation(3), nn.Conv2d(5, 3, 1), nn.SiLU(), PatchHead(3)],
}


# What a convolution block is made of; each choice stands in one of the quick cases at least.
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
    check(critic, normal(1, 4, 2, 4, 4), normal(2, 4, 3))


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
    check(ConditionedSequential(block, head), x, normal(2, len(x), 3))


def check(critic: nn.Module, images: torch.Tensor, condition: torch.Tensor) -> None:
    """Compare value and parameter gradients of a penalty, compiled as one graph, with eager."""
    parameters = list(critic.parameters())
    state = {key: value.clone() for key, value in critic.state_dict().items()}

    def step(images: torch.Tensor, condition: torch.Tensor) -> tuple[torch.Tensor, ...]:
        value = zero_centered_penalty(lambda x: critic(x, condition), images)
        gradients = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        return value.detach(), *gradients

    torch.compiler.reset()
    # Dynamo's tracing of autograd operations is a global flag: it is on around this call and no longer.
    with mock.patch.object(torch._dynamo.config, "trace_autograd_ops", True):
        compiled = torch.compile(step, backend="aot_eager", fullgraph=True)(images, condition)
    critic.load_state_dict(state)  # the estimates of spectral norm move with every call
    eager = step(images, condition)
    assert eager[0] > 1e-6
    assert sum(float(gradient.abs().sum()) for gradient in eager[1:]) > 1e-6
    torch.testing.assert_close(compiled, eager, rtol=1e-9, atol=1e-12)
