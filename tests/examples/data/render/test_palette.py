"""The colors: names, order, arithmetic, and that the classes lie apart."""

import itertools

import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS
from examples.anime_faces.data.render._palette import EYE_TONES, HAIR_TONES, Tones, mix, shifted, shifted_tones

colors = st.tuples(*[st.integers(0, 255)] * 3)


def test_names_in_the_agreed_order() -> None:
    assert HAIR_COLORS == (
        "orange", "white", "aqua", "gray", "green", "red", "purple", "pink", "blue", "black", "brown", "blonde",
    )  # fmt: skip
    assert EYE_COLORS == (
        "gray", "black", "orange", "pink", "yellow", "aqua", "purple", "green", "brown", "red", "blue",
    )  # fmt: skip
    assert len(HAIR_TONES) == 12
    assert len(EYE_TONES) == 11


@pytest.mark.parametrize("table", [HAIR_TONES, EYE_TONES])
def test_anchors_lie_further_apart_than_twice_the_jitter(table: tuple[Tones, ...]) -> None:
    for first, second in itertools.combinations(table, 2):
        assert max(abs(a - b) for a, b in zip(first.base, second.base, strict=True)) > 2 * 11


@pytest.mark.parametrize("table", [HAIR_TONES, EYE_TONES])
def test_tones_go_from_dark_to_light(table: tuple[Tones, ...]) -> None:
    for tones in table:
        assert sum(tones.shade) < sum(tones.base) < sum(tones.light)


@given(colors, colors, st.floats(0, 1))
def test_mix_goes_from_the_first_to_the_second(first: tuple, second: tuple, share: float) -> None:
    assert mix(first, second, 0.0) == first
    assert mix(first, second, 1.0) == second
    for a, b, mixed in zip(first, second, mix(first, second, share), strict=True):
        assert min(a, b) <= mixed <= max(a, b)
        assert abs(mixed - ((1 - share) * a + share * b)) <= 0.5 + 1e-9


@given(colors, st.tuples(*[st.floats(-300, 300)] * 3))
def test_shifted_stays_a_color(color: tuple, shift: tuple) -> None:
    for channel, step, result in zip(color, shift, shifted(color, shift), strict=True):
        assert 0 <= result <= 255
        assert result in (0, 255) or abs(result - channel - step) <= 0.5 + 1e-9


def test_shifted_tones_shifts_all_three() -> None:
    tones = Tones((10, 20, 30), (100, 110, 120), (200, 210, 250))
    assert shifted_tones(tones, (5, -5, 10)) == Tones((15, 15, 40), (105, 105, 130), (205, 205, 255))
