"""The search for copies of training pictures."""

import numpy as np
import pytest
import torch

from examples.anime_faces.metrics import Nearness, _copies, nearness
from examples.anime_faces.metrics._copies import copy_figures, nearest_distances, pixel_vectors


def points(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(seed))


def test_nearest_distances_equal_loops(monkeypatch: pytest.MonkeyPatch):
    queries, training = points(13, 0), points(29, 1)
    expected = [min(float((query - point).norm()) for point in training) for query in queries]
    np.testing.assert_allclose(nearest_distances(queries, training), expected, rtol=1e-4)
    monkeypatch.setattr(_copies, "CHUNK", 7)
    np.testing.assert_allclose(nearest_distances(queries, training), expected, rtol=1e-4)


def test_fresh_points_are_no_copies():
    found = nearness(points(3000, 0), points(1000, 1), points(1000, 2))
    assert found.samples == pytest.approx(found.held_out, rel=0.1)
    assert found.copies < 0.03


def test_copies_are_found_even_when_they_are_few():
    training, samples = points(3000, 0), points(1000, 1)
    samples[:200] = training[100:300] + 0.001
    assert nearness(training, samples, points(1000, 2)).copies >= 0.2
    assert nearness(training, training[:1000], points(1000, 2)).samples < 0.01


def test_figures_pass_and_fail():
    far = Nearness(samples=1.1, held_out=1.0, copies=0.01)
    near = Nearness(samples=0.5, held_out=1.0, copies=0.6)
    figures = copy_figures(far, near)
    assert figures["nearest_pixels"].passed
    assert figures["copies_pixels"].passed
    assert figures["nearest_features"].passed is False
    assert figures["copies_features"].passed is False


@pytest.mark.parametrize(("size", "length"), [(16, 3 * 16 * 16), (64, 3 * 32 * 32)])
def test_pixel_vectors_are_means_of_squares(size: int, length: int):
    images = torch.randint(0, 256, (3, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = pixel_vectors(images)
    assert found.shape == (3, length)
    corner = images[:, 0, : max(1, size // 32), : max(1, size // 32)].double().mean(dim=(1, 2)) / 255
    torch.testing.assert_close(found[:, 0].double(), corner, atol=1e-6, rtol=1e-5)
