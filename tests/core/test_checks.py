"""The argument checks, by themselves."""

import math

import pytest
import torch

from gankit._core import check_at_least, check_fraction, check_positive, uniform_like


@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_fractions(value: float) -> None:
    check_fraction("share", value)


@pytest.mark.parametrize("value", [-1e-9, 1 + 1e-9, math.nan, None])
def test_what_is_no_fraction(value: float) -> None:
    with pytest.raises(ValueError, match="share must"):
        check_fraction("share", value)


def test_limits_are_strict_and_loose_where_they_say() -> None:
    check_at_least("count", 3, 3)
    with pytest.raises(ValueError, match="count must be at least 3, got 2"):
        check_at_least("count", 2, 3)
    with pytest.raises(ValueError, match="rate must be above 0, got 0"):
        check_positive("rate", 0)


def test_uniform_draws_follow_the_tensor_and_the_generator() -> None:
    like = torch.zeros(2, dtype=torch.float64)
    state = torch.get_rng_state()
    drawn = uniform_like(like, (5, 1), torch.Generator().manual_seed(7))
    assert torch.equal(drawn, torch.rand(5, 1, generator=torch.Generator().manual_seed(7), dtype=torch.float64))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(uniform_like(like, (3,), None), uniform_like(like, (3,), None))
