"""Numerical check of the gradient that a penalty gives to a critic's parameters."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def parameters_pass_gradcheck(network: nn.Module, penalty: Callable[[Callable[..., Any]], torch.Tensor]) -> bool:
    """Whether the penalty of this critic has the right gradient by each of its parameters."""
    names, values = zip(*((n, p.detach().clone().requires_grad_()) for n, p in network.named_parameters()), strict=True)

    def value(*parameters: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, parameters, strict=True))
        return penalty(lambda *inputs: torch.func.functional_call(network, state, inputs))

    return torch.autograd.gradcheck(value, values)
