"""The knobs: what they refuse, and the shares that follow from them."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.data.render import DISTRACTOR_TAGS, EYE_COLORS, HAIR_COLORS, Knobs
from examples.anime_faces.data.render._knobs import eye_shares, hair_shares


@pytest.mark.parametrize("name", ["second_domain_share", "glasses_rate", "ribbon_rate", "highlight_rate"])
@pytest.mark.parametrize("rate", [-0.01, 1.01, math.nan])
def test_a_rate_outside_of_0_to_1_is_refused(name: str, rate: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be between 0 and 1"):
        replace(Knobs(), **{name: rate})


@pytest.mark.parametrize("counts", [(-1, 2), (3, 2), (0, len(DISTRACTOR_TAGS) + 1)])
def test_impossible_counts_of_tags_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="distractor_tags must be"):
        Knobs(distractor_tags=counts)


@pytest.mark.parametrize("skew", [-1.0, math.inf, math.nan])
def test_a_skew_below_0_is_refused(skew: float) -> None:
    with pytest.raises(ValueError, match="color_skew must be finite and at least 0"):
        Knobs(color_skew=skew)


@pytest.mark.parametrize("weights", [(0.0,) * 12, (1.0,) * 11 + (-1.0,), (math.nan,) * 12, (1.0,) * 11])
def test_impossible_weights_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="hair_weights must"):
        Knobs(hair_weights=weights)


@pytest.mark.parametrize("pair", [(12, 0), (0, 11), (-1, 0), (0, -1)])
def test_withheld_pairs_must_name_colors(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="withheld_pairs must hold pairs"):
        Knobs(withheld_pairs=(pair,))


def test_withholding_every_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        Knobs(withheld_pairs=tuple((hair, eyes) for hair in range(12) for eyes in range(11)))


def test_lists_are_taken_as_tuples() -> None:
    knobs = Knobs(hair_weights=[1.0] * 12, withheld_pairs=[[1, 2]])  # pyright: ignore[reportArgumentType]
    assert knobs == Knobs(hair_weights=(1.0,) * 12, withheld_pairs=((1, 2),))
    assert hash(knobs) == hash(Knobs(hair_weights=(1.0,) * 12, withheld_pairs=((1, 2),)))


@given(st.floats(0, 3))
def test_shares_follow_the_law_of_zipf(skew: float) -> None:
    for shares, count in (
        (hair_shares(Knobs(color_skew=skew)), len(HAIR_COLORS)),
        (eye_shares(Knobs(color_skew=skew)), len(EYE_COLORS)),
    ):
        assert len(shares) == count
        assert math.isclose(sum(shares), 1.0)
        for rank, share in enumerate(shares, start=1):
            assert math.isclose(share * rank**skew, shares[0], rel_tol=1e-9)


def test_weights_replace_the_skew_of_hair_only() -> None:
    knobs = Knobs(color_skew=1.0, hair_weights=(3.0, 1.0, *(0.0,) * 10))
    assert hair_shares(knobs) == (0.75, 0.25, *(0.0,) * 10)
    assert eye_shares(knobs) == eye_shares(Knobs(color_skew=1.0))
