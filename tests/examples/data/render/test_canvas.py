"""The curves pass where they should; frames and pens: where a drawing lands and what it paints."""

import math

import numpy as np
from hypothesis import given, strategies as st
from PIL import Image

from examples.anime_faces.data.render._canvas import Frame, Pen, bends, circle, gradient, mirrored, points, ring, smooth

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


SQUARE = points([(-5, -5), (5, -5), (5, 5), (-5, 5)])


@given(st.floats(-20, 20), st.floats(0.5, 3), st.floats(-90, 90))
def test_frame_turns_scales_and_shifts(x: float, scale: float, degrees: float) -> None:
    frame = Frame.at(7.0, 11.0, scale=scale, degrees=degrees)
    ((px, py),) = frame.pixels(points([(x, 0.0)])).tolist()
    angle = math.radians(degrees)
    assert math.isclose(px, 7.0 + scale * x * math.cos(angle), abs_tol=1e-9)
    assert math.isclose(py, 11.0 + scale * x * math.sin(angle), abs_tol=1e-9)
    ((ax, ay),) = frame.pixels(points([(0.0, x)])).tolist()
    assert math.isclose((px - 7) * (ax - 7) + (py - 11) * (ay - 11), 0.0, abs_tol=1e-6)


def test_moved_frame_sees_the_same_place_from_the_patch() -> None:
    frame = Frame.at(7.0, 11.0, scale=2.0, degrees=13.0)
    np.testing.assert_allclose(frame.moved(3, 5).pixels(SQUARE), frame.pixels(SQUARE) - (3, 5))


def test_fill_paints_the_inside_and_the_edge() -> None:
    image = Image.new("RGB", (40, 40))
    Pen(image, Frame.at(20, 20, scale=2.0, degrees=0)).fill(SQUARE, (200, 100, 50), (9, 9, 9))
    assert image.getpixel((20, 20)) == (200, 100, 50)
    assert image.getpixel((10, 20)) == (9, 9, 9)
    assert image.getpixel((4, 20)) == (0, 0, 0)


def test_mask_and_pour_paint_a_gradient_inside_only() -> None:
    image = Image.new("RGB", (40, 40))
    pen = Pen(image, Frame.at(20, 20, scale=2.0, degrees=0))
    mask = pen.mask(SQUARE)
    assert (mask.getpixel((20, 20)), mask.getpixel((5, 5))) == (255, 0)
    pen.pour(mask, (255, 0, 0), (0, 0, 255))
    pixels = np.asarray(image).astype(int)
    inside = pixels[11:30, 20]
    assert np.all(np.diff(inside[:, 0]) <= 0)
    assert np.all(np.diff(inside[:, 2]) >= 0)
    assert inside[0, 0] > 200
    assert inside[-1, 2] > 200
    assert pixels[5].sum() == 0


def test_pour_outside_of_the_picture_paints_nothing() -> None:
    image = Image.new("RGB", (40, 40))
    pen = Pen(image, Frame.at(500, 20, scale=2.0, degrees=0))
    pen.pour(pen.mask(SQUARE), (255, 0, 0), (0, 0, 255))
    assert np.asarray(image).sum() == 0


def test_gradient_starts_and_ends_with_its_colors() -> None:
    column = gradient(((10, 20, 30), (90, 80, 70), (200, 210, 220)), (3, 30))
    assert column.size == (3, 30)
    assert column.getpixel((0, 0)) == column.getpixel((2, 0)) == (10, 20, 30)
    assert column.getpixel((1, 29)) == (200, 210, 220)
