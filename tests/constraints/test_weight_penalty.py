"""The sum of squared weights."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, sample_shapes, seeds
from torch import nn

from gankit.constraints import weight_penalty


@given(seed=seeds, shapes=st.lists(sample_shapes, min_size=1, max_size=3), beta=st.floats(1e-3, 10))
def test_it_is_the_sum_of_squares_and_its_slope_is_twice_the_weight(
    seed: int, shapes: list[tuple[int, ...]], beta: float
) -> None:
    weights = [normal(seed + k, *shape).requires_grad_() for k, shape in enumerate(shapes)]
    penalty = weight_penalty(weights)
    expected = sum(float(np.linalg.norm(weight.detach().numpy().ravel()) ** 2) for weight in weights)
    assert penalty.item() == pytest.approx(expected, rel=1e-9)
    (beta * penalty).backward()
    for weight in weights:
        torch.testing.assert_close(weight.grad, 2 * beta * weight.detach())


def test_one_tensor_is_one_weight() -> None:
    weight = normal(0, 3, 5)
    torch.testing.assert_close(weight_penalty(weight), weight_penalty([weight]))
    assert weight_penalty(torch.tensor([3.0, 4.0])) == 25


def test_a_slice_leaves_the_other_columns_alone() -> None:
    projection = nn.Linear(7, 3)
    weight_penalty(projection.weight[:, :5]).backward()
    assert projection.weight.grad is not None
    torch.testing.assert_close(projection.weight.grad[:, :5], 2 * projection.weight[:, :5].detach())
    assert torch.equal(projection.weight.grad[:, 5:], torch.zeros(3, 2))
    assert projection.bias.grad is None


def test_the_parameters_of_a_network_may_be_given_as_they_come() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    expected = sum(parameter.detach().square().sum() for parameter in network.parameters())
    torch.testing.assert_close(weight_penalty(network.parameters()), expected)


def test_half_precision_is_summed_in_float32() -> None:
    penalty = weight_penalty(torch.full((1000,), 100.0, dtype=torch.float16))
    assert penalty.dtype == torch.float32
    assert penalty == 10_000_000


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="weights must hold at least one tensor, got none"):
        weight_penalty([])
    used = iter([torch.ones(2)])
    list(used)
    with pytest.raises(ValueError, match="was an iterator used up before"):
        weight_penalty(used)
    with pytest.raises(ValueError, match=r"weights\[1\] must not be empty"):
        weight_penalty([torch.ones(2), torch.ones(0)])
    with pytest.raises(ValueError, match=r"weights must be a floating-point tensor"):
        weight_penalty(torch.ones(2, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"weights\[0\] must be a tensor, got str"):
        weight_penalty("weight")  # type: ignore[arg-type]
