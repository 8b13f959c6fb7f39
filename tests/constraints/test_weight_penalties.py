"""The sum of squared weights and orthogonal regularization."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, sample_shapes, seeds
from torch import nn

from gankit.constraints import orthogonal_penalty, weight_penalty


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


@given(seed=seeds, shapes=st.lists(sample_shapes, min_size=1, max_size=3))
def test_it_sums_squared_products_of_rows(seed: int, shapes: list[tuple[int, ...]]) -> None:
    weights = [normal(seed + k, *shape) for k, shape in enumerate(shapes)]
    off = diagonal = 0.0
    for weight in weights:
        rows = weight.numpy().reshape(len(weight), -1)
        for i, first in enumerate(rows):
            for j, second in enumerate(rows):
                product = float(np.dot(first, second))
                if i == j:
                    diagonal += (product - 1) ** 2
                else:
                    off += product**2
    assert orthogonal_penalty(weights).item() == pytest.approx(off, rel=1e-9)
    assert orthogonal_penalty(weights, include_diagonal=True).item() == pytest.approx(off + diagonal, rel=1e-9)


@given(seed=seeds, size=st.sampled_from(PRIMES))
def test_orthogonal_rows_pay_nothing_whatever_their_lengths(seed: int, size: int) -> None:
    basis = torch.from_numpy(np.linalg.qr(normal(seed, size, size).numpy())[0])
    lengths = torch.arange(1, size + 1, dtype=torch.float64)
    assert orthogonal_penalty(basis * lengths[:, None]) < 1e-20
    assert orthogonal_penalty(basis, include_diagonal=True) < 1e-20
    stretched = float(((lengths**2 - 1) ** 2).sum())
    assert orthogonal_penalty(basis * lengths[:, None], include_diagonal=True).item() == pytest.approx(stretched)


@given(seed=seeds)
def test_the_slope_is_twice_what_the_program_of_biggan_adds(seed: int) -> None:
    weight = normal(seed, 3, 2, 3, 3).requires_grad_()
    orthogonal_penalty(weight).backward()
    rows = weight.detach().numpy().reshape(3, -1)
    gram = rows @ rows.T
    np.fill_diagonal(gram, 0)
    assert weight.grad is not None
    np.testing.assert_allclose(weight.grad.numpy().reshape(3, -1), 2 * (2 * gram @ rows), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("include_diagonal", [False, True])
def test_gradients_are_those_of_the_value(*, include_diagonal: bool) -> None:
    weights = (normal(0, 3, 5).requires_grad_(), normal(1, 2, 2, 3).requires_grad_())
    assert torch.autograd.gradcheck(
        lambda *several: orthogonal_penalty(several, include_diagonal=include_diagonal), weights
    )


def test_half_precision_is_computed_in_float32() -> None:
    penalty = orthogonal_penalty(torch.full((2, 4), 16.0, dtype=torch.bfloat16))
    assert penalty.dtype == torch.float32
    assert penalty == 2 * 1024**2


def test_autocast_does_not_round_the_products() -> None:
    weight = normal(0, 5, 7, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = orthogonal_penalty(weight, include_diagonal=True)
        assert (weight @ weight.T).dtype == torch.bfloat16
    assert torch.equal(lowered, orthogonal_penalty(weight, include_diagonal=True))


def test_mistakes_are_named_of_rows() -> None:
    weight = torch.ones(3, 2)
    with pytest.raises(ValueError, match=r"weights must each have 2 axes or more, got shape \(3,\): leave biases"):
        orthogonal_penalty([weight, torch.ones(3)])
    with pytest.raises(ValueError, match="weights must hold at least one tensor"):
        orthogonal_penalty([])
    with pytest.raises(ValueError, match=r"weights must not be empty, got shape \(0, 2\)"):
        orthogonal_penalty(weight[:0])
