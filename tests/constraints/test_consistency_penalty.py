"""Consistency of scores: CR, bCR, zCR."""

import numpy as np
import pytest
import torch
from hypothesis import given
from support.strategies import normal, real_and_fake, seeds

from gankit.constraints import consistency_penalty

Pair = tuple[torch.Tensor, torch.Tensor]


@given(pair=real_and_fake())
def test_it_is_the_mean_squared_difference(pair: Pair) -> None:
    scores, other = pair
    difference = scores.numpy().ravel() - other.numpy().ravel()
    expected = np.dot(difference, difference) / difference.size
    assert consistency_penalty(scores, other).item() == pytest.approx(expected, rel=1e-9)
    torch.testing.assert_close(consistency_penalty(scores, other), consistency_penalty(other, scores))
    assert consistency_penalty(scores, scores) == 0


@given(seed=seeds)
def test_maps_are_averaged_each_then_all(seed: int) -> None:
    shapes = ((3, 1, 5, 7), (3, 1, 2, 2), (3,))
    maps = [normal(seed + k, *shape) for k, shape in enumerate(shapes)]
    others = [normal(seed + 9 + k, *shape) for k, shape in enumerate(shapes)]
    expected = np.mean([np.mean((m.numpy() - o.numpy()) ** 2) for m, o in zip(maps, others, strict=True)])
    assert consistency_penalty(maps, tuple(others)).item() == pytest.approx(float(expected), rel=1e-9)


@given(seed=seeds)
def test_both_versions_get_a_gradient(seed: int) -> None:
    scores, other = normal(seed, 5, 1).requires_grad_(), normal(seed + 1, 5, 1).requires_grad_()
    consistency_penalty(scores, other).backward()
    assert scores.grad is not None
    assert other.grad is not None
    torch.testing.assert_close(scores.grad, 2 * (scores - other).detach() / 5)
    torch.testing.assert_close(other.grad, -scores.grad)
    assert torch.autograd.gradcheck(consistency_penalty, (scores, other))


def test_half_precision_is_priced_in_float32() -> None:
    scores = torch.full((2,), 300.0, dtype=torch.float16)
    penalty = consistency_penalty(scores, torch.zeros_like(scores))
    assert penalty.dtype == torch.float32
    assert penalty == 90_000


def test_mistakes_are_named() -> None:
    scores = torch.ones(5)
    with pytest.raises(ValueError, match=r"other and scores must have the same shape, got \(5, 1\) and \(5,\)"):
        consistency_penalty(scores, torch.ones(5, 1))
    with pytest.raises(ValueError, match="other and scores must hold equally many maps, got 1 and 2"):
        consistency_penalty([scores, scores], [scores])
    with pytest.raises(ValueError, match="scores must not be empty"):
        consistency_penalty(scores[:0], scores[:0])
    with pytest.raises(ValueError, match="scores must hold at least one tensor"):
        consistency_penalty([], [])
    with pytest.raises(ValueError, match="scores must be a floating-point tensor"):
        consistency_penalty(torch.ones(5, dtype=torch.int64), scores)
