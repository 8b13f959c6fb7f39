"""Weight clipping."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import seeds
from torch import nn

from gankit.constraints import clip_weights_

bounds = st.floats(1e-4, 10)


class _Network(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.convolution, self.norm, self.head = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(27, 1)
        self.double()
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.convolution(x)).relu().flatten(1))


@given(seed=seeds, bound=bounds)
def test_every_weight_is_clamped_as_numpy_clips(seed: int, bound: float) -> None:
    network = _Network(seed)
    before = [parameter.detach().numpy().copy() for parameter in network.parameters()]
    assert clip_weights_(network, bound) is None
    for old, parameter in zip(before, network.parameters(), strict=True):
        np.testing.assert_array_equal(parameter.detach().numpy(), np.clip(old, -bound, bound))


@given(seed=seeds, bound=bounds)
def test_clipping_twice_is_clipping_once(seed: int, bound: float) -> None:
    network = _Network(seed)
    clip_weights_(network, bound)
    once = copy.deepcopy(network.state_dict())
    clip_weights_(network, bound)
    assert all(torch.equal(once[name], value) for name, value in network.state_dict().items())


def test_buffers_gradients_storage_and_flags_stay() -> None:
    network = _Network(0)
    network.norm.running_var.fill_(7.0)  # type: ignore[union-attr]
    network.convolution.weight.requires_grad = False
    network(torch.randn(3, 2, 5, 5, dtype=torch.float64)).sum().backward()
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    assert network.head.weight.grad is not None
    gradient = network.head.weight.grad.clone()
    places = [parameter.data_ptr() for parameter in network.parameters()]
    clip_weights_(network, 0.01)
    assert all(torch.equal(buffers[name], value) for name, value in network.named_buffers())
    assert torch.equal(network.head.weight.grad, gradient)
    assert [parameter.data_ptr() for parameter in network.parameters()] == places
    assert not network.convolution.weight.requires_grad
    assert network.convolution.weight.abs().max() <= 0.01


@given(seed=seeds, bound=st.floats(0.01, 0.5))
def test_a_clipped_network_is_as_lipschitz_as_its_bound_says(seed: int, bound: float) -> None:
    torch.manual_seed(seed)
    inner = nn.Linear(3, 5)
    nn.init.normal_(inner.weight)
    network = nn.Sequential(inner, nn.LeakyReLU(0.2), nn.Linear(5, 1)).double()
    clip_weights_(network, bound)
    x, y = torch.randn(2, 11, 3, dtype=torch.float64)
    constant = bound * math.sqrt(3 * 5) * bound * math.sqrt(5)
    assert ((network(x) - network(y)).abs().squeeze(1) <= constant * (x - y).norm(dim=1) * (1 + 1e-9)).all()


def test_a_shared_weight_is_clipped_and_infinity_becomes_the_bound() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[math.inf, -math.inf], [5.0, 0.1]]))
    clip_weights_(nn.ModuleList([first, second]), 0.5)
    assert torch.equal(second.weight, torch.tensor([[0.5, -0.5], [0.5, 0.1]]))


def test_nan_is_named_and_nothing_is_changed() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    with torch.no_grad():
        first.weight.fill_(3.0)
        second.weight[0, 0] = math.nan
    with pytest.raises(ValueError, match=r"got NaN in '1\.weight'"):
        clip_weights_(nn.Sequential(first, second), 0.1)
    assert torch.equal(first.weight, torch.full((2, 2), 3.0))


@pytest.mark.parametrize("bound", [0.0, -1.0, math.nan, math.inf, "0.1", True])
def test_the_bound_must_be_positive(bound: object) -> None:
    with pytest.raises(ValueError, match="bound must be"):
        clip_weights_(nn.Linear(2, 1), bound)  # type: ignore[arg-type]


def test_an_iterator_of_parameters_is_refused_since_it_would_clip_once() -> None:
    with pytest.raises(ValueError, match=r"network must be a torch\.nn\.Module, got generator"):
        clip_weights_(nn.Linear(2, 1).parameters(), 0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="network must have parameters"):
        clip_weights_(nn.ReLU(), 0.1)
