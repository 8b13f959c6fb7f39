"""The face as numbers: checks and labels."""

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from support.strategies import seeds

from examples.anime_faces.data.render import Knobs, face_from_seed, factors

KNOBS = Knobs(glasses_rate=0.5, ribbon_rate=0.5, highlight_rate=0.5, second_domain_share=0.2)


@given(seeds)
def test_labels_restate_the_face(seed: int) -> None:
    face = face_from_seed(seed, 1, KNOBS)
    labels = factors(face)
    for name in (
        "hair",
        "eyes",
        "style",
        "expression",
        "fringe",
        "skin",
        "clothes",
        "domain",
        "yaw",
        "tilt",
        "x",
        "y",
        "scale",
    ):
        assert labels[name] == getattr(face, name)
    for name in ("highlight", "glasses", "ribbon"):
        assert labels[name] == int(getattr(face, name))
    assert labels["background"] == face.backdrop
    assert all(type(value) in (int, float) for value in labels.values())


@given(seeds, st.floats(-1, 1))
def test_pose_is_left_ahead_or_right(seed: int, yaw: float) -> None:
    pose = factors(replace(face_from_seed(seed, 0), yaw=yaw))["pose"]
    assert pose == (0 if yaw < -0.35 else 2 if yaw > 0.35 else 1)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("hair", 12),
        ("eyes", 11),
        ("style", 8),
        ("expression", 5),
        ("fringe", 6),
        ("skin", 5),
        ("clothes", 3),
        ("fabric", 8),
        ("backdrop", 8),
        ("domain", 2),
    ],
)
def test_an_index_that_names_nothing_is_refused(name: str, count: int) -> None:
    face = face_from_seed(0, 0)
    assert getattr(replace(face, **{name: count - 1}), name) == count - 1
    for wrong in (-1, count):
        with pytest.raises(ValueError, match=f"{name} must be between 0 and {count - 1}, got {wrong}"):
            replace(face, **{name: wrong})


@pytest.mark.parametrize("name", ["yaw", "fade", "blush"])
@pytest.mark.parametrize("value", [-1.5, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must"):
        replace(face_from_seed(0, 0), **{name: value})


def test_a_face_survives_pickling() -> None:
    face = face_from_seed(0, 0, KNOBS)
    assert pickle.loads(pickle.dumps(face)) == face
