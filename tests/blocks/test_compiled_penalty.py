"""A penalty through critics' parts, compiled together with its backward pass in one graph, equals eager."""

from collections.abc import Callable
from unittest import mock

import pytest
import torch
from blocks.cases import fill_
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


@pytest.mark.parametrize("name", CRITICS)
def test_a_compiled_penalty_equals_eager(name: str) -> None:
    critic = ConditionedSequential(*CRITICS[name]()).double()
    fill_(critic, 4)
    images, condition = normal(1, 4, 2, 4, 4), normal(2, 4, 3)
    parameters = list(critic.parameters())

    def step(images: torch.Tensor, condition: torch.Tensor) -> tuple[torch.Tensor, ...]:
        value = zero_centered_penalty(lambda x: critic(x, condition), images)
        gradients = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        return value.detach(), *gradients

    torch.compiler.reset()
    # Dynamo's tracing of autograd operations is a global flag: it is on around this call and no longer.
    with mock.patch.object(torch._dynamo.config, "trace_autograd_ops", True):
        compiled = torch.compile(step, backend="aot_eager", fullgraph=True)(images, condition)
    eager = step(images, condition)
    assert eager[0] > 1e-6
    torch.testing.assert_close(compiled, eager, rtol=1e-9, atol=1e-12)
