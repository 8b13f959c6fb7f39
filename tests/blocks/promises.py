"""Checks of every block: first and second derivatives, unchanged inputs, equal results for both memory formats."""

import copy
import pickle
from collections.abc import Callable

import torch
from torch import nn
from torch.testing import assert_close

Call = Callable[..., torch.Tensor]


def check_derivatives(module: nn.Module, *inputs: torch.Tensor, call: Call | None = None) -> None:
    """Compare first and second derivatives, by inputs and parameters, with numerical ones."""
    names = [name for name, _ in module.named_parameters()]
    leaves = [x.detach().clone().requires_grad_() for x in (*inputs, *module.parameters())]
    run = call or (lambda module, *inputs: module(*inputs))

    class Called(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            return run(self.module, *inputs)

    def value(*values: torch.Tensor) -> torch.Tensor:
        state = {f"module.{name}": value for name, value in zip(names, values[len(inputs) :], strict=True)}
        state |= {f"module.{name}": buffer.clone() for name, buffer in module.named_buffers()}
        return torch.func.functional_call(Called(), state, values[: len(inputs)])

    assert torch.autograd.gradcheck(value, leaves, fast_mode=True)
    assert torch.autograd.gradgradcheck(value, leaves, fast_mode=True)


def check_inputs_stay(module: nn.Module, *inputs: torch.Tensor) -> None:
    """Check that a forward and a backward pass do not change values and versions of the inputs."""
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    before = [(x.detach().clone(), x._version) for x in leaves]
    tensors_of(module(*leaves))[0].square().sum().backward()
    for x, (value, version) in zip(leaves, before, strict=True):
        assert torch.equal(x, value)
        assert x._version == version


def check_layouts(module: nn.Module, x: torch.Tensor, *rest: torch.Tensor) -> None:
    """Check that a channels-last input gives the same result, in its own memory format, and the same gradient."""
    plain = x.clone().requires_grad_()
    last = x.clone(memory_format=torch.channels_last).requires_grad_()
    results = module(plain, *rest), module(last, *rest)
    assert_close(*results, rtol=1e-10, atol=1e-12)
    assert results[0].is_contiguous()
    assert results[1].is_contiguous(memory_format=torch.channels_last)
    gradients = [
        torch.autograd.grad(result.square().sum(), leaf)[0] for result, leaf in zip(results, (plain, last), strict=True)
    ]
    assert_close(*gradients, rtol=1e-10, atol=1e-12)


def check_samples_apart(module: nn.Module, *inputs: torch.Tensor) -> None:
    """Check that the result of a batch is that of its samples one by one."""
    apart = [module(*(x[i : i + 1] for x in inputs)) for i in range(len(inputs[0]))]
    assert_close(module(*inputs), torch.cat(apart), rtol=1e-10, atol=1e-12)


def check_copies(module: nn.Module, *inputs: torch.Tensor, keys: list[str]) -> None:
    """Check that copies and pickles compute the same, and that the state has these keys."""
    assert list(module.state_dict()) == keys
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(other) == repr(module)
        for got, wanted in zip(tensors_of(other(*inputs)), tensors_of(module(*inputs)), strict=True):
            assert torch.equal(got, wanted)


def tensors_of(result: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The result of a module, as a tuple."""
    return result if isinstance(result, tuple) else (result,)
