"""Fréchet and kernel distance against numpy in float64, and precision, recall, density and coverage against loops that follow
the definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from examples.anime_faces.metrics import _features, frechet_distance, kernel_distance, neighborhoods


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


def brute_force(real: np.ndarray, samples: np.ndarray, k: int) -> tuple[float, float, float, float]:
    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.sqrt(((a - b) ** 2).sum()))

    def reach(points: np.ndarray, i: int) -> float:
        return sorted(distance(points[i], points[j]) for j in range(len(points)) if j != i)[k - 1]

    real_reach = [reach(real, i) for i in range(len(real))]
    sample_reach = [reach(samples, j) for j in range(len(samples))]
    inside = [[distance(r, s) < real_reach[i] for s in samples] for i, r in enumerate(real)]
    near = [[distance(r, s) < sample_reach[j] for j, s in enumerate(samples)] for r in real]
    precision = float(np.mean([any(row[j] for row in inside) for j in range(len(samples))]))
    recall = float(np.mean([any(row) for row in near]))
    density = sum(map(sum, inside)) / (k * len(samples))
    coverage = float(np.mean([any(row) for row in inside]))
    return precision, recall, density, coverage


@given(seed=st.integers(0, 2**31), n=st.integers(6, 19), m=st.integers(6, 23), k=st.sampled_from([1, 2, 3, 5]))
def test_equals_the_definitions(seed: int, n: int, m: int, k: int):
    rng = np.random.default_rng(seed)
    real, samples = rng.normal(size=(n, 3)), 0.5 + 0.8 * rng.normal(size=(m, 3))
    found = neighborhoods(torch.from_numpy(real), torch.from_numpy(samples), k=k)
    expected = brute_force(real, samples, k)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(expected)


def test_does_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch):
    rng = torch.Generator().manual_seed(0)
    real, samples = torch.randn(53, 7, generator=rng), torch.randn(47, 7, generator=rng)
    whole = neighborhoods(real, samples)
    monkeypatch.setattr(_features, "CHUNK", 11)
    assert neighborhoods(real, samples) == whole


def test_tells_collapse_from_scatter():
    rng = torch.Generator().manual_seed(1)
    real = torch.randn(500, 5, generator=rng)
    collapsed = real[:3].repeat(167, 1)[:500] + 1e-3 * torch.randn(500, 5, generator=rng)
    scattered = 6.0 * torch.randn(500, 5, generator=rng)
    collapse, scatter = neighborhoods(real, collapsed), neighborhoods(real, scattered)
    assert collapse.precision > 0.95
    assert collapse.recall < 0.05
    assert collapse.coverage < 0.2
    assert scatter.precision < 0.3
    assert scatter.recall > 0.8


def test_a_fresh_set_of_the_same_kind_is_like_itself():
    rng = torch.Generator().manual_seed(2)
    found = neighborhoods(torch.randn(700, 4, generator=rng), torch.randn(700, 4, generator=rng))
    assert found.density == pytest.approx(1.0, abs=0.12)
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.04)  # Naeem et al. 2020, equation 7 for many points


def test_does_not_touch_its_inputs():
    real, samples = torch.randn(11, 3), torch.randn(13, 3)
    before = real.clone(), samples.clone()
    neighborhoods(real, samples)
    torch.testing.assert_close((real, samples), before)


def test_twins_count_as_neighbors_but_the_point_itself_does_not():
    real = torch.tensor([[0.0], [0.0], [4.0]])
    samples = torch.tensor([[3.0], [9.0]])
    found = neighborhoods(real, samples, k=1)
    # Twins reach nowhere, the third point reaches 4 and holds the sample at 3.
    assert found.coverage == pytest.approx(1 / 3)
    assert found.density == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("real", "samples", "k", "words"),
    [
        (torch.zeros(5, 2), torch.zeros(9, 2), 5, "real must have shape"),
        (torch.zeros(9, 2), torch.zeros(5, 2), 5, "samples must have shape"),
        (torch.zeros(9), torch.zeros(9, 2), 5, "real must have shape"),
        (torch.zeros(9, 2), torch.zeros(9, 3), 5, "one length, got 2 and 3"),
        (torch.zeros(9, 2), torch.zeros(9, 2), 0, "k must be at least 1, got 0"),
    ],
)
def test_neighborhoods_refuses(real: torch.Tensor, samples: torch.Tensor, k: int, words: str):
    with pytest.raises(ValueError, match=words):
        neighborhoods(real, samples, k=k)
