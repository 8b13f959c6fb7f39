"""The logarithmic axis for losses of both signs."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.run import SymmetricLog

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@given(NUMBERS, NUMBERS, st.sampled_from([1e-3, 0.1, 1.0, 10.0]))
def test_the_axis_keeps_order_and_sign(a: float, b: float, linear: float) -> None:
    axis = SymmetricLog(linear)
    assert axis(-a) == -axis(a)
    assert (axis(a) <= axis(b)) == (a <= b) or axis(a) == pytest.approx(axis(b), abs=1e-12)


def test_a_decade_has_the_length_one_beyond_the_linear_part() -> None:
    axis = SymmetricLog(0.01)
    assert [axis(value) for value in (0.005, 0.01, 0.1, 100.0, -100.0)] == pytest.approx([0.5, 1, 2, 5, -5])
    assert axis(0.015) == pytest.approx(1.1760912590556813)  # log10(1.5) beyond the linear part


@pytest.mark.parametrize(
    ("values", "linear"),
    [
        (np.linspace(2.0, 500.0, 100), 10.0),  # a tenth is under 52
        ([5.0, 7.0, 8.0], 1.0),
        ([0.002, 0.5, -0.7, 1e9], 1e4),  # at most five decades
        ([0.0, float("nan"), float("inf")], 1.0),
        ([-3e-4] * 9, 1e-4),
    ],
)
def test_the_linear_part_is_small_beside_the_values(values: list[float], linear: float) -> None:
    assert SymmetricLog.of(values).linear == pytest.approx(linear)


def test_marks_are_powers_of_ten_and_more_where_those_are_few() -> None:
    axis = SymmetricLog(1.0)
    assert axis.ticks(-120.0, 1500.0) == [-100.0, -10.0, -1.0, 0.0, 1.0, 10.0, 100.0, 1000.0]
    assert axis.ticks(3.0, 60.0) == [5.0, 10.0, 20.0, 50.0]
    assert axis.ticks(0.5, 0.6) == []
    assert axis.ticks(-2000.0, 20.0) == [-1000.0, -100.0, -10.0, -1.0, 0.0, 1.0, 10.0]


def test_both_ends_of_the_axis_may_have_marks_and_three_powers_of_ten_are_enough() -> None:
    assert SymmetricLog(1.0).ticks(1.0, 100.0) == [1.0, 10.0, 100.0]
    assert SymmetricLog(1.0).ticks(1.5, 100.0) == [2.0, 5.0, 10.0, 20.0, 50.0, 100.0]


def test_what_the_axis_is_can_be_read() -> None:
    assert SymmetricLog(0.1).in_words(0.2) == "logarithmic axis"
    assert SymmetricLog(0.1).in_words(0.1) == "logarithmic axis"  # nothing lies in the linear part
    assert SymmetricLog(0.1).in_words(-5.0) == "logarithmic axis, linear between -0.1 and 0.1"
