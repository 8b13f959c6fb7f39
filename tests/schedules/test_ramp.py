"""Numbers that ramp: oracle, ends, jumps, mistakes."""

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from gankit.schedules import Ramp

numbers = st.floats(-1e6, 1e6)
counts = st.integers(0, 50)


@given(start=counts, length=st.integers(1, 50), initial=numbers, final=numbers, t=st.integers(0, 200))
def test_it_is_the_line_between_its_ends(start: int, length: int, initial: float, final: float, t: int) -> None:
    ramp = Ramp(start=start, length=length, initial=initial, final=final)
    expected = np.interp(t, [start, start + length], [initial, final])
    assert ramp(t) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert type(ramp(t)) is float


@given(start=counts, length=counts, initial=numbers, final=numbers)
def test_its_ends_are_exact(start: int, length: int, initial: float, final: float) -> None:
    ramp = Ramp(start=start, length=length, initial=initial, final=final)
    assert ramp(start + length) == ramp(start + length + 1000) == final
    if start:
        assert ramp(0) == ramp(start - 1) == initial
    if length:
        assert ramp(start) == initial


@given(start=counts, t=st.integers(0, 100))
def test_without_a_length_it_is_a_delayed_start(start: int, t: int) -> None:
    assert Ramp(start=start)(t) == (1.0 if t >= start else 0.0)


@given(start=counts, length=counts, initial=st.floats(0, 1), final=st.floats(0, 1))
def test_it_stays_between_its_ends_and_moves_one_way(start: int, length: int, initial: float, final: float) -> None:
    ramp = Ramp(start=start, length=length, initial=initial, final=final)
    values = [ramp(t) for t in range(start + length + 3)]
    low, high = sorted((initial, final))
    assert all(low - 1e-12 <= value <= high + 1e-12 for value in values)
    steps = np.diff(values) * (1 if final >= initial else -1)
    assert (steps >= -1e-12).all()


def test_by_default_it_is_one() -> None:
    assert [Ramp()(t) for t in (0, 1, 10**12)] == [1.0, 1.0, 1.0]


def test_whole_numbers_give_floats() -> None:
    ramp = Ramp(length=4, initial=0, final=2)
    assert [ramp(t) for t in (0, 1, 4)] == [0.0, 0.5, 2.0]
    assert {type(ramp(t)) for t in (0, 1, 4)} == {float}


def test_it_is_a_plain_frozen_value() -> None:
    ramp = Ramp(start=3, length=5, final=0.5)
    assert repr(ramp) == "Ramp(start=3, length=5, initial=0.0, final=0.5)"
    assert copy.deepcopy(ramp) == pickle.loads(pickle.dumps(ramp)) == ramp
    assert hash(ramp) == hash(Ramp(start=3, length=5, final=0.5))
    with pytest.raises(dataclasses.FrozenInstanceError):
        ramp.start = 1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"start": -1}, "start must be at least 0, got -1"),
        ({"start": 1.5}, r"start must be a whole number, got 1\.5"),
        ({"length": -1}, "length must be at least 0, got -1"),
        ({"length": True}, "length must be a whole number, got True"),
        ({"initial": float("nan")}, "initial must be a finite number, got nan"),
        ({"final": float("inf")}, "final must be a finite number, got inf"),
        ({"final": "1"}, "final must be a finite number, got '1'"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Ramp(**options)


@pytest.mark.parametrize(("t", "match"), [(-1, "t must be at least 0, got -1"), (0.5, "t must be a whole number")])
def test_times_out_of_range_are_named(t: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Ramp()(t)
