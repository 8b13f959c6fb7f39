"""Fréchet and kernel distance against numpy in float64."""

import numpy as np
import pytest
import torch

from examples.anime_faces.metrics import frechet_distance, kernel_distance
from examples.anime_faces.metrics._distances import frechet_distances, total_variance


def vectors(count: int, seed: int, features: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(features, features))
    return rng.normal(size=(count, features)) @ mixing + 0.3 * seed


def root(matrix: np.ndarray) -> np.ndarray:
    values, directions = np.linalg.eigh(matrix)
    return (directions * np.sqrt(values.clip(0))) @ directions.T


def frechet_oracle(real: np.ndarray, samples: np.ndarray) -> float:
    first, second = np.cov(real, rowvar=False), np.cov(samples, rowvar=False)
    cross = root(root(first) @ second @ root(first))
    shift = real.mean(axis=0) - samples.mean(axis=0)
    return float(shift @ shift + np.trace(first) + np.trace(second) - 2 * np.trace(cross))


def kernel_oracle(real: np.ndarray, samples: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / len(a) + 1) ** 3

    n, m = len(real), len(samples)
    within_real = sum(kernel(real[i], real[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within = sum(kernel(samples[i], samples[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    between = sum(kernel(a, b) for a in real for b in samples) / (n * m)
    return float(within_real + within - 2 * between)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_frechet_distance_equals_numpy(seed: int):
    real, samples = vectors(53, seed), vectors(47, seed + 1)
    found = frechet_distance(torch.from_numpy(real), torch.from_numpy(samples))
    assert found == pytest.approx(frechet_oracle(real, samples), rel=1e-6)


def test_frechet_distance_of_a_set_to_itself_is_nothing():
    real = torch.from_numpy(vectors(53, 1)).float()
    assert frechet_distance(real, real.flip(0)) == pytest.approx(0.0, abs=1e-6)


def test_kernel_distance_equals_numpy():
    real, samples = vectors(31, 1, 3) / 3, vectors(31, 2, 3) / 3
    # With as many vectors as a subset holds, every subset is the whole set.
    found = kernel_distance(torch.from_numpy(real), torch.from_numpy(samples), seed=0)
    assert found == pytest.approx(kernel_oracle(real, samples), rel=1e-5)


def test_kernel_distance_of_alike_sets_is_about_nothing():
    rng = torch.Generator().manual_seed(0)
    real, fresh, other = (torch.randn(600, 5, generator=rng) for _ in range(3))
    assert abs(kernel_distance(real, fresh, seed=0)) < 0.05
    assert kernel_distance(real, other + 1.0, seed=0) > 1.0


def test_kernel_distance_draws_from_its_seed_alone():
    rng = torch.Generator().manual_seed(0)
    real, samples = torch.randn(1009, 5, generator=rng), 0.2 + torch.randn(1013, 5, generator=rng)
    before = torch.get_rng_state()
    first = kernel_distance(real, samples, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert kernel_distance(real, samples, seed=3) == first
    assert kernel_distance(real, samples, seed=4) != first


def test_several_spaces_are_measured_at_once():
    real, samples = (torch.from_numpy(np.stack([vectors(53, seed), vectors(53, seed + 5)])) for seed in (1, 2))
    found = frechet_distances(real, samples)
    assert found.tolist() == pytest.approx([frechet_distance(a, b) for a, b in zip(real, samples, strict=True)])


def test_a_single_repeated_vector_is_as_far_as_the_variance_and_the_shift():
    real = torch.from_numpy(vectors(53, 1))
    one = real[:1].expand(47, -1)
    shift = float((real.mean(dim=0) - real[0]).square().sum())
    assert frechet_distance(real, one) == pytest.approx(float(total_variance(real[None])) + shift)
