"""How many operations convolutions and matrix products cost, and what a step of a critic costs in them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gankit.constraints import gradient_penalty


class Flops(TorchDispatchMode):
    """Adds up what the convolutions cost. torch's own counter hooks modules, which inner gradients do not allow."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


def penalty_step(critic: torch.nn.Module, real: torch.Tensor, fake: torch.Tensor) -> Sequence[torch.Tensor]:
    """The gradients of a WGAN-GP critic step, with the penalty at the middle of each pair."""
    mix = torch.full((len(real), 1, 1, 1), 0.5, dtype=real.dtype, device=real.device)
    loss = critic(fake).mean() - critic(real).mean() + 10 * gradient_penalty(critic, real, fake, mix=mix)
    # The last bias has no part in differences of scores nor in slopes: zeros in place of its gradient.
    return torch.autograd.grad(loss, list(critic.parameters()), allow_unused=True, materialize_grads=True)


def forward_units(make: Callable[[], torch.nn.Module], *shape: int) -> float:
    """What a WGAN-GP critic step costs, in forward passes of one batch; nothing is computed, only counted."""
    with FakeTensorMode():
        critic, real, fake = make(), torch.empty(shape), torch.empty(shape)
        with Flops() as forward, torch.no_grad():
            critic(real)
        with Flops() as step:
            penalty_step(critic, real, fake)
    return step.total / forward.total
