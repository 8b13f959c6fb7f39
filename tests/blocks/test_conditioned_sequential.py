"""A row of layers hands the condition to those that take it, and to no other."""

import copy
import pickle

import torch
from blocks.cases import fill_
from hypothesis import given
from support.strategies import normal, seeds
from torch import nn

from gankit.blocks import ConditionalBatchNorm2d, Conditioned, ConditionedSequential


class Add(nn.Module, Conditioned):
    """Adds the condition."""

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return x if condition is None else x + condition


@given(seed=seeds)
def test_each_layer_gets_what_it_takes(seed: int) -> None:
    x, condition = normal(seed, 2, 3), normal(seed + 1, 2, 3)
    row = ConditionedSequential(Add(), nn.ReLU(), ConditionedSequential(nn.Tanh(), Add()))
    assert torch.equal(row(x, condition), torch.tanh(torch.relu(x + condition)) + condition)


@given(seed=seeds)
def test_without_conditioned_layers_it_is_a_plain_row(seed: int) -> None:
    layers = nn.Linear(3, 5).double(), nn.ReLU()
    x = normal(seed, 2, 3)
    assert torch.equal(ConditionedSequential(*layers)(x), nn.Sequential(*layers)(x))
    assert torch.equal(ConditionedSequential(Add())(x), x)


def test_has_the_keys_of_a_plain_row_and_survives_copies() -> None:
    row = ConditionedSequential(nn.Conv2d(3, 5, 1), ConditionalBatchNorm2d(5, 2)).double().eval()
    fill_(row, 3)
    assert list(row.state_dict()) == list(nn.Sequential(*row).state_dict())
    x, condition = normal(1, 2, 3, 4, 4), normal(2, 2, 2)
    for other in (copy.deepcopy(row), pickle.loads(pickle.dumps(row))):
        assert torch.equal(other(x, condition), row(x, condition))
    assert repr(row).startswith("ConditionedSequential(\n  (0): Conv2d(3, 5")
