"""Precision, recall, density and coverage against loops that follow the definitions; feature networks by name."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from examples.anime_faces.metrics import _features, load_features, neighborhoods


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


MODULE = """
import torch

number = 7
network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Flatten())


def colors(images):
    return images.float().mean(dim=(2, 3))
"""


@pytest.fixture
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "features_of_mine.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "features_of_mine", raising=False)


@pytest.mark.usefixtures("_module")
def test_finds_a_function_in_the_current_folder():
    images = torch.full((2, 3, 4, 4), 9, dtype=torch.uint8)
    torch.testing.assert_close(load_features("features_of_mine:colors")(images), torch.full((2, 3), 9.0))


@pytest.mark.usefixtures("_module")
def test_a_module_is_put_into_evaluation_mode():
    network = load_features("features_of_mine:network")
    assert isinstance(network, torch.nn.Module)
    assert not network.training


@pytest.mark.usefixtures("_module")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("features_of_mine", "must be given as package.module:callable, got 'features_of_mine'"),
        (":colors", "must be given as package.module:callable"),
        ("features_of_mine:missing", "'features_of_mine:missing' cannot be loaded: .*missing"),
        ("no_such_module_here:colors", "cannot be loaded: No module named 'no_such_module_here'"),
        ("features_of_mine:number", "must be callable, got int"),
    ],
)
def test_load_features_refuses(name: str, words: str):
    with pytest.raises(ValueError, match=words):
        load_features(name)
