"""Lazy use of a penalty."""

import math

import pytest
from hypothesis import given, strategies as st

from gankit.constraints import Lazy

intervals = st.integers(1, 50)


@given(every=intervals, start=st.integers(0, 1000))
def test_the_mean_weight_is_one_over_any_whole_interval(every: int, start: int) -> None:
    lazy = Lazy(every=every)
    weights = [lazy(t) for t in range(start, start + every)]
    assert sum(weights) == every
    assert sorted(weights) == [0.0] * (every - 1) + [float(every)]


@given(every=intervals, t=st.integers(0, 10_000))
def test_it_is_due_from_the_first_step_on(every: int, t: int) -> None:
    assert (Lazy(every=every)(t) > 0) == (t in range(0, t + 1, every))
    assert Lazy(every=every)(0) == every
    assert isinstance(Lazy(every=every)(t), float)


@given(every=intervals, rate=st.floats(1e-6, 1), beta=st.floats(0, 0.9999))
def test_the_correction_undoes_one_step_more_in_each_interval(every: int, rate: float, beta: float) -> None:
    lazy = Lazy(every=every)
    steps = every + 1
    assert steps * lazy.learning_rate(rate) == pytest.approx(every * rate, rel=1e-12)
    first, second = lazy.betas((0.0, beta))
    assert first == 0
    assert second**steps == pytest.approx(beta**every, rel=1e-9, abs=1e-300)


def test_the_published_numbers() -> None:
    lazy = Lazy(every=16)
    assert lazy.learning_rate(0.0025) == pytest.approx(0.0025 * 16 / 17)
    assert lazy.betas((0.5, 0.99)) == (0.5 ** (16 / 17), 0.99 ** (16 / 17))


@pytest.mark.parametrize("every", [0, -1, 2.0, True, "4"])
def test_the_interval_is_a_whole_number_above_zero(every: object) -> None:
    with pytest.raises(ValueError, match="every must be"):
        Lazy(every=every)  # type: ignore[arg-type]


@pytest.mark.parametrize("t", [-1, 0.5, True])
def test_time_is_a_whole_number(t: object) -> None:
    with pytest.raises(ValueError, match="t must be"):
        Lazy(every=4)(t)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0.0, -0.1, math.nan, "0.1"])
def test_the_rate_must_be_above_zero(rate: object) -> None:
    with pytest.raises(ValueError, match="learning_rate must be"):
        Lazy(every=4).learning_rate(rate)  # type: ignore[arg-type]


@pytest.mark.parametrize("betas", [(0.5,), (0.0, 1.0), (-0.1, 0.5), (0.0, math.nan), (0.0, 0.5, 0.9), (0.0, "0.9")])
def test_there_are_two_decays_below_one(betas: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="betas must"):
        Lazy(every=4).betas(betas)  # type: ignore[arg-type]
