"""Drawing faces: pure functions of the seed, exact rates, and knobs that change one thing each."""

import math
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from support.strategies import seeds

from examples.anime_faces.data.render import (
    DISTRACTOR_TAGS,
    EYE_COLORS,
    HAIR_COLORS,
    Face,
    Knobs,
    face_from_seed,
    sample_face,
)
from examples.anime_faces.data.render._knobs import eye_shares, hair_shares
from examples.anime_faces.data.render._sampling import CAST_SIZE, _pair_shares

COUNT = 4000


def draw(knobs: Knobs, count: int = COUNT, seed: int = 5) -> list[Face]:
    return [face_from_seed(seed, index, knobs) for index in range(count)]


def assert_rate(found: int, rate: float, count: int) -> None:
    assert abs(found - rate * count) <= 6 * math.sqrt(count * rate * (1 - rate)), (found / count, rate)


@given(seeds, st.integers(0, 10**9))
def test_a_face_follows_from_seed_and_index_alone(seed: int, index: int) -> None:
    state = random.getstate()
    first = face_from_seed(seed, index)
    face_from_seed(seed, index + 1)
    assert face_from_seed(seed, index) == first
    assert face_from_seed(seed, index + 1) != first
    assert face_from_seed(seed + 1, index) != first
    assert random.getstate() == state


@given(seeds, st.integers(0, 10**6))
def test_every_number_is_in_range(seed: int, index: int) -> None:
    face = face_from_seed(seed, index, Knobs(second_domain_share=0.3, distractor_tags=(1, 5)))
    assert -1 <= face.yaw <= 1
    assert abs(face.yaw) <= 0.25 or abs(face.yaw) >= 0.45
    assert -8 <= face.tilt <= 8
    assert max(abs(face.x), abs(face.y)) <= 3.5
    assert all(0 <= channel <= 1 for channel in face.background)
    assert max(map(abs, face.hair_shift)) <= 11
    assert max(map(abs, face.eye_shift)) <= 8
    assert 1 <= len(face.extra_tags) <= 5
    assert len(set(face.extra_tags)) == len(face.extra_tags)
    assert set(face.extra_tags) <= set(DISTRACTOR_TAGS)


def test_colors_are_uniform_by_default_and_everything_varies() -> None:
    faces = draw(Knobs())
    for found in Counter(face.hair for face in faces).values():
        assert_rate(found, 1 / 12, COUNT)
    for found in Counter(face.eyes for face in faces).values():
        assert_rate(found, 1 / 11, COUNT)
    for name, count in (("style", 8), ("expression", 5), ("fringe", 6), ("clothes", 3), ("fabric", 8), ("backdrop", 8)):
        counts = Counter(getattr(face, name) for face in faces)
        assert set(counts) == set(range(count))
        for found in counts.values():
            assert_rate(found, 1 / count, COUNT)
    assert len({(face.hair, face.eyes) for face in faces}) == 132


def test_rates_of_attributes() -> None:
    faces = draw(Knobs(glasses_rate=0.1, ribbon_rate=0.35, highlight_rate=0.8, second_domain_share=0.25))
    assert_rate(sum(face.glasses for face in faces), 0.1, COUNT)
    assert_rate(sum(face.ribbon for face in faces), 0.35, COUNT)
    assert_rate(sum(face.highlight for face in faces), 0.8, COUNT)
    assert_rate(sum(face.domain for face in faces), 0.25, COUNT)


def test_rates_of_0_and_1_are_exact() -> None:
    assert not any(face.glasses for face in draw(Knobs(), 500))
    assert all(face.highlight for face in draw(Knobs(), 500))
    assert all(face.ribbon for face in draw(Knobs(ribbon_rate=1.0), 500))


def test_skewed_colors_follow_their_shares() -> None:
    knobs = Knobs(color_skew=1.2)
    faces = draw(knobs)
    for shares, counts in (
        (hair_shares(knobs), Counter(face.hair for face in faces)),
        (eye_shares(knobs), Counter(face.eyes for face in faces)),
    ):
        for color, share in enumerate(shares):
            assert_rate(counts[color], share, COUNT)


def test_withheld_pairs_are_never_drawn_and_the_others_keep_their_shares() -> None:
    withheld = tuple((hair, (5 * hair + 3) % 11) for hair in range(12))
    pairs = Counter((face.hair, face.eyes) for face in draw(Knobs(withheld_pairs=withheld)))
    assert not set(pairs) & set(withheld)
    for found in pairs.values():
        assert_rate(found, 1 / 120, COUNT)


@given(seeds, st.integers(0, 11), st.integers(0, 10))
def test_asked_colors_change_nothing_else(seed: int, hair: int, eyes: int) -> None:
    face = sample_face(random.Random(seed))
    assert sample_face(random.Random(seed), hair=hair, eyes=eyes) == replace(face, hair=hair, eyes=eyes)
    assert sample_face(random.Random(seed), hair=hair).hair == hair
    assert sample_face(random.Random(seed), eyes=eyes).eyes == eyes


@given(seeds)
def test_each_knob_changes_only_its_own_part(seed: int) -> None:
    face = face_from_seed(seed, 0)
    assert face_from_seed(seed, 0, Knobs(highlight_rate=0.0)) == replace(face, highlight=False)
    assert face_from_seed(seed, 0, Knobs(glasses_rate=1.0)) == replace(face, glasses=True)
    assert face_from_seed(seed, 0, Knobs(ribbon_rate=1.0)) == replace(face, ribbon=True)
    tagged = face_from_seed(seed, 0, Knobs(distractor_tags=(3, 3)))
    assert len(tagged.extra_tags) == 3
    assert replace(tagged, extra_tags=()) == face


def test_the_second_domain_is_a_small_cast_in_all_colors() -> None:
    faces = draw(Knobs(second_domain_share=1.0), 800)
    assert len({face.detail_seed for face in faces}) == CAST_SIZE
    assert len({(face.style, face.fringe, face.yaw, face.background) for face in faces}) == CAST_SIZE
    assert {face.hair for face in faces} == set(range(len(HAIR_COLORS)))
    assert {face.eyes for face in faces} == set(range(len(EYE_COLORS)))


def test_numpy_generators_are_sources_too() -> None:
    first, second = (sample_face(np.random.default_rng(3), Knobs(distractor_tags=(0, 4))) for _ in range(2))
    assert first == second
    assert isinstance(first.hair, int)
    assert isinstance(first.yaw, float)


@pytest.mark.parametrize("color", [-1, 12])
def test_an_asked_hair_color_must_exist(color: int) -> None:
    with pytest.raises(ValueError, match="hair must be between 0 and 11"):
        sample_face(random.Random(0), hair=color)


@pytest.mark.parametrize("color", [-1, 11])
def test_an_asked_eye_color_must_exist(color: int) -> None:
    with pytest.raises(ValueError, match="eyes must be between 0 and 10"):
        sample_face(random.Random(0), eyes=color)


def test_asking_for_a_withheld_pair_is_refused() -> None:
    knobs = Knobs(withheld_pairs=((2, 3),))
    with pytest.raises(ValueError, match="withheld_pairs must leave a pair"):
        sample_face(random.Random(0), knobs, hair=2, eyes=3)
    for seed in range(50):
        assert sample_face(random.Random(seed), knobs, hair=2).eyes != 3


def test_a_negative_index_is_refused() -> None:
    with pytest.raises(ValueError, match="index must be at least 0, got -1"):
        face_from_seed(0, -1)


def test_each_pair_that_can_be_drawn_has_a_share_above_zero() -> None:
    """The last one is drawn where rounding leaves a rest."""
    hair = tuple(float(color in (2, 5)) for color in range(len(HAIR_COLORS)))
    pairs = dict(_pair_shares(Knobs(hair_weights=hair, withheld_pairs=((2, 0),)), None, None))
    assert pairs.keys() == {(color, eyes) for color in (2, 5) for eyes in range(len(EYE_COLORS))} - {(2, 0)}
    assert min(pairs.values()) > 0
    assert sum(pairs.values()) == pytest.approx(1)
    assert dict(_pair_shares(Knobs(hair_weights=hair), 3, 4)) == {(3, 4): 1.0}
