"""The curves pass where they should."""

import numpy as np
from hypothesis import given, strategies as st

from examples.anime_faces.data.render._curves import bends, circle, mirrored, points, ring, smooth

corners = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=3, max_size=7)


@given(corners, st.integers(2, 7))
def test_smooth_passes_through_every_point(pairs: list, steps: int) -> None:
    curve = smooth(pairs, steps)
    assert curve.shape == ((len(pairs) - 1) * steps + 1, 2)
    np.testing.assert_allclose(curve[::steps], points(pairs), atol=1e-9)


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(2, 7))
def test_smooth_of_points_on_a_line_is_the_line(slope: float, start: float, steps: int) -> None:
    curve = smooth([(x, start + slope * x) for x in (0.0, 1.0, 2.0, 3.0)], steps)
    np.testing.assert_allclose(curve[:, 1], start + slope * curve[:, 0], atol=1e-9)
    np.testing.assert_allclose(np.diff(curve[:, 0]), 1 / steps, atol=1e-9)


@given(corners, st.integers(2, 7))
def test_ring_is_closed_and_passes_through_every_point(pairs: list, steps: int) -> None:
    curve = ring(pairs, steps)
    np.testing.assert_allclose(curve[0], curve[-1], atol=1e-9)
    np.testing.assert_allclose(curve[:-1:steps], points(pairs), atol=1e-9)


def test_bends_is_the_quadratic_curve_of_each_three() -> None:
    curve = bends([(0, 0), (1, 2), (2, 0), (3, -2), (6, 0)], 4)
    assert curve.shape == (9, 2)
    np.testing.assert_allclose(curve[2], (1.0, 1.0))  # the middle of an arc lies halfway to its pull
    np.testing.assert_allclose(curve[4], (2.0, 0.0))
    np.testing.assert_allclose(curve[6], (3.5, -1.0))
    np.testing.assert_allclose(curve[8], (6.0, 0.0))


def test_mirrored_goes_on_where_the_path_ends() -> None:
    path = points([(3, 1), (2, 5), (0, 7)])
    np.testing.assert_array_equal(mirrored(path), [(0, 7), (-2, 5), (-3, 1)])


def test_circle_is_round() -> None:
    assert circle(13).shape == (13, 2)
    np.testing.assert_allclose(np.hypot(*circle(13).T), 1.0)
    np.testing.assert_allclose(circle(13).mean(axis=0), 0.0, atol=1e-12)
