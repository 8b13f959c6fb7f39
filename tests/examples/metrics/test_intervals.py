"""Intervals against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.metrics._intervals import Z, of_mean, of_share, of_statistic


@given(count=st.integers(1, 5000), successes=st.integers(0, 5000))
def test_the_ends_of_a_share_are_just_not_refuted(count: int, successes: int):
    """Wilson's interval: at its ends, the share lies at 1.96 standard deviations."""
    share = min(successes, count) / count
    low, high = of_share(share, count)
    assert 0.0 <= low <= share <= high <= 1.0
    for end in (low, high):
        if 1e-9 < end < 1 - 1e-9:
            assert abs(share - end) == pytest.approx(Z * math.sqrt(end * (1 - end) / count), rel=1e-6)


def test_a_mean_has_the_interval_of_its_standard_error():
    values = np.random.default_rng(0).normal(3.0, 2.0, 401)
    low, high = of_mean(values)
    assert (low + high) / 2 == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(Z * values.std(ddof=1) / math.sqrt(401))
    assert of_mean(np.array([5.0])) == (5.0, 5.0)


def test_resampling_finds_the_standard_error_of_a_mean():
    values = np.random.default_rng(0).normal(3.0, 2.0, 401)
    low, high = of_statistic(lambda rows: float(values[rows].mean()), 401, value=7.0, seed=1, draws=400)
    assert (low + high) / 2 == pytest.approx(7.0)
    assert (high - low) / 2 == pytest.approx(Z * values.std() / math.sqrt(401), rel=0.15)


def test_resampling_is_decided_by_its_seed():
    values = np.random.default_rng(0).normal(size=50)

    def interval(seed: int) -> tuple[float, float]:
        return of_statistic(lambda rows: float(np.median(values[rows])), 50, value=0.0, seed=seed)

    assert interval(3) == interval(3) != interval(4)
