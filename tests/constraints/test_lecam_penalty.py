"""LeCam."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, score_shapes, seeds

from gankit._core import batch_in_parts
from gankit.constraints import ScoreAverages, lecam_penalty


def _averages(real: float, fake: float) -> ScoreAverages:
    averages = ScoreAverages()
    averages.update(torch.tensor([real], dtype=torch.float64), torch.tensor([fake], dtype=torch.float64))
    return averages


levels = st.floats(-3, 3)


@given(seed=seeds, shape=score_shapes, other_shape=score_shapes, real_level=levels, fake_level=levels)
def test_it_squares_what_is_beyond_the_other_sides_average(
    seed: int, shape: tuple[int, ...], other_shape: tuple[int, ...], real_level: float, fake_level: float
) -> None:
    real, fake = normal(seed, *shape, scale=2.0), normal(seed + 1, *other_shape, scale=2.0)
    above = [(r - fake_level) ** 2 if r > fake_level else 0.0 for r in real.numpy().ravel()]
    below = [(real_level - f) ** 2 if f < real_level else 0.0 for f in fake.numpy().ravel()]
    penalty = lecam_penalty(_averages(real_level, fake_level), real, fake)
    assert penalty.item() == pytest.approx(float(np.mean(above) + np.mean(below)), rel=1e-9, abs=1e-12)


def test_scores_that_have_changed_sides_pay_nothing() -> None:
    averages = _averages(real=2.0, fake=-1.0)
    assert lecam_penalty(averages, torch.tensor([-1.0, -5.0]), torch.tensor([2.0, 9.0])) == 0


@given(seed=seeds)
def test_each_side_has_its_own_slope(seed: int) -> None:
    real, fake = normal(seed, 5, 1).requires_grad_(), normal(seed + 1, 3).requires_grad_()
    lecam_penalty(_averages(0.2, -0.3), real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    torch.testing.assert_close(real.grad, 2 * (real.detach() + 0.3).clamp(min=0) / 5)
    torch.testing.assert_close(fake.grad, -2 * (0.2 - fake.detach()).clamp(min=0) / 3)


def test_gradients_are_those_of_the_value() -> None:
    real, fake = normal(3, 5).requires_grad_(), normal(4, 7).requires_grad_()
    averages = _averages(0.1, -0.1)
    assert torch.autograd.gradcheck(lambda r, f: lecam_penalty(averages, r, f), (real, fake))


def test_the_published_order_updates_first_and_the_averages_get_no_gradient() -> None:
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    real, fake = normal(0, 5), normal(1, 5)
    averages = ScoreAverages()
    averages.update(weight * real, weight * fake)
    lecam_penalty(averages, weight * real, weight * fake).backward()
    level_real, level_fake = 2 * real.mean(), 2 * fake.mean()
    expected = (2 * (2 * real - level_fake).clamp(min=0) * real).mean()
    expected = expected - (2 * (level_real - 2 * fake).clamp(min=0) * fake).mean()
    torch.testing.assert_close(weight.grad, expected)


def test_parts_of_a_batch_are_served_with_given_averages() -> None:
    averages, real, fake = _averages(0.5, -0.5), normal(0, 6), normal(1, 6)
    with batch_in_parts():
        parts = sum(lecam_penalty(averages, real[rows], fake[rows]) / 2 for rows in (slice(3), slice(3, None)))
    torch.testing.assert_close(parts, lecam_penalty(averages, real, fake))


def test_half_precision_is_priced_in_float32() -> None:
    penalty = lecam_penalty(_averages(0.0, 0.0), torch.full((3,), 300.0, dtype=torch.float16), torch.ones(1))
    assert penalty.dtype == torch.float32
    assert penalty == 90_000


def test_mistakes_are_named() -> None:
    scores = torch.ones(2)
    with pytest.raises(ValueError, match=r"averages must be updated before they are used: call update\(real, fake\)"):
        lecam_penalty(ScoreAverages(), scores, scores)
    averages = _averages(1.0, 0.0)
    with pytest.raises(ValueError, match="real must not be empty"):
        lecam_penalty(averages, scores[:0], scores)
    with pytest.raises(ValueError, match="fake must have a batch axis"):
        lecam_penalty(averages, scores, torch.tensor(1.0))
    with pytest.raises(ValueError, match="fake must be a floating-point tensor"):
        lecam_penalty(averages, scores, torch.ones(2, dtype=torch.int64))
