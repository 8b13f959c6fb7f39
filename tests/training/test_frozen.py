import pytest
import torch
from torch import nn

from gankit.training._frozen import frozen


def test_parameters_are_frozen_inside_and_restored_after() -> None:
    network = nn.Linear(2, 3)
    network.bias.requires_grad_(False)
    parameters = list(network.parameters())
    with frozen(parameters):
        assert not any(parameter.requires_grad for parameter in parameters)
    assert network.weight.requires_grad
    assert not network.bias.requires_grad


def test_an_exception_restores_them_too() -> None:
    network = nn.Linear(2, 3)
    with pytest.raises(KeyError), frozen(list(network.parameters())):
        raise KeyError
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_gradients_flow_through_frozen_parameters() -> None:
    network, x = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    with frozen(list(network.parameters())):
        network(x).sum().backward()
    assert network.weight.grad is None
    torch.testing.assert_close(x.grad, network.weight.detach())
