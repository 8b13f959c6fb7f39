"""From uniform numbers to whole and to normal ones, at the ends too."""

from statistics import NormalDist

import pytest
import torch
from augment.cases import uniform
from hypothesis import given, strategies as st
from support.strategies import seeds

from gankit.augment._draws import normal_numbers, whole_numbers


@given(count=st.integers(1, 200), repeats=st.integers(1, 5))
def test_every_whole_number_is_equally_likely(count: int, repeats: int) -> None:
    even = (torch.arange(count * repeats) + 0.5) / (count * repeats)
    assert whole_numbers(even, count).bincount(minlength=count).tolist() == [repeats] * count


@given(count=st.integers(1, 2**20))
def test_the_largest_number_below_one_gives_the_last(count: int) -> None:
    ends = torch.tensor([0.0, 1 - 2.0**-24, 1.0])
    assert whole_numbers(ends, count).tolist() == [0, count - 1, count - 1]


@given(seed=seeds)
def test_normal_numbers_are_the_inverse_of_the_distribution_function(seed: int) -> None:
    numbers = uniform(seed, 11)
    expected = [NormalDist().inv_cdf(number) for number in numbers.tolist()]
    assert normal_numbers(numbers).tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_ends_are_those_of_a_draw_in_float32(dtype: torch.dtype) -> None:
    expected = [NormalDist().inv_cdf(2.0**-25), NormalDist().inv_cdf(1 - 2.0**-24)]
    assert normal_numbers(torch.tensor([0.0, 1.0], dtype=dtype)).tolist() == pytest.approx(expected, rel=1e-4)
