"""The decay by a half-life: oracle, what it forgets, the published numbers, mistakes."""

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gankit.schedules import HalfLife


@given(samples=st.floats(1, 1e6), batch_size=st.integers(1, 999), t=st.integers(0, 10**6))
def test_after_the_half_life_half_is_left(samples: float, batch_size: int, t: int) -> None:
    updates = samples / batch_size
    assert HalfLife(samples=samples, batch_size=batch_size)(t) ** updates == pytest.approx(0.5)


@given(
    samples=st.floats(1, 1e5),
    batch_size=st.integers(1, 99),
    ramp=st.floats(0.001, 10),
    t=st.integers(0, 10**5),
)
def test_a_ramp_limits_it_by_the_samples_so_far(samples: float, batch_size: int, ramp: float, t: int) -> None:
    decay = HalfLife(samples=samples, batch_size=batch_size, ramp=ramp)(t)
    seen = t * batch_size
    if seen == 0:
        assert decay == 0
    else:
        # As the published program: 0.5 ** (batch / max(half-life, 1e-8)).
        expected = math.exp(-math.log(2) * batch_size / max(min(samples, seen * ramp), 1e-8))
        assert decay == pytest.approx(expected, rel=1e-9)


def test_the_published_numbers() -> None:
    decay = HalfLife(samples=1000 * 64 * 10 / 32, batch_size=64, ramp=0.05)
    assert decay(0) == 0
    assert decay(1) == pytest.approx(0.5**20)
    assert decay(3125) == pytest.approx(0.5 ** (64 / 10_000))  # 200,000 samples: half of the ramp
    assert decay(6250) == decay(10**9) == pytest.approx(0.5 ** (64 / 20_000))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"samples": 0}, "samples must be above 0, got 0"),
        ({"samples": float("nan")}, "samples must be a finite number, got nan"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": 1.5}, r"batch_size must be a whole number, got 1\.5"),
        ({"ramp": 0.0}, r"ramp must be above 0, got 0\.0"),
        ({"ramp": float("inf")}, "ramp must be a finite number, got inf"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        HalfLife(**{"samples": 100, "batch_size": 5, **options})


@pytest.mark.parametrize(("t", "match"), [(-1, "t must be at least 0, got -1"), (0.5, "t must be a whole number")])
def test_times_out_of_range_are_named(t: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        HalfLife(samples=5, batch_size=1)(t)
