import math
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.toys.coverage import Bar, Mixture, coverage, divergence_from_even, good_counts, grid, ring

RINGS = [(ring, 8, 0.01), (grid, 25, 0.05)]


def _program(samples: np.ndarray, centers: np.ndarray, deviation: float) -> tuple[int, float, float, float]:
    """The metric as PacGAN's program states it, a sample at a time: modes, good share, reverse KL, Jensen-Shannon."""
    counts = np.zeros(len(centers))
    for sample in samples:
        scaled = [math.sqrt((((sample - center) ** 2) / deviation**2).sum()) for center in centers]
        nearest = int(np.argmin(scaled))
        if scaled[nearest] < 3:
            counts[nearest] += 1
    shares, even = counts / counts.sum(), np.full(len(centers), 1 / len(centers))
    middle = (shares + even) / 2

    def divergence(p: np.ndarray, q: np.ndarray) -> float:
        return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)

    shannon = (divergence(shares, middle) + divergence(even, middle)) / 2
    return int((counts > 0).sum()), counts.sum() / len(samples), divergence(shares, even), shannon


@pytest.mark.parametrize(("mixture", "modes", "deviation"), RINGS)
@pytest.mark.parametrize("seed", range(3))
def test_the_metric_is_that_of_the_published_program(mixture, modes: int, deviation: float, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    mixed = mixture()
    samples = mixed.draw(211, rng)
    samples = samples[(samples - mixed.centers[2]).norm(dim=1) > 0.5]  # one mode is never reached
    samples += 1.2 * deviation * torch.randn(samples.shape, generator=rng)
    measured = coverage(mixed, samples)
    expected = _program(samples.double().numpy(), mixed.centers.double().numpy(), deviation)
    assert measured.modes == expected[0] == modes - 1
    assert 0.5 < expected[1] < 0.95
    assert measured.high_quality == pytest.approx(expected[1], abs=1e-12)
    assert measured.reverse_divergence == pytest.approx(expected[2], abs=1e-12)
    assert expected[3] < expected[2]  # the program writes the Jensen-Shannon divergence; the papers' tables the other


def test_six_even_modes_of_eight_by_hand() -> None:
    mixed = ring()
    good = mixed.centers[:6].repeat(3, 1) + torch.tensor([0.0, 2.9 * 0.01])
    bad = mixed.centers[:4] + torch.tensor([3.1 * 0.01, 0.0])
    measured = coverage(mixed, torch.cat([good, bad]))
    assert measured.modes == 6
    assert measured.high_quality == 18 / 22
    assert measured.reverse_divergence == pytest.approx(math.log(8 / 6), abs=1e-12)


def test_three_deviations_exactly_are_not_good() -> None:
    mixture = Mixture(centers=torch.tensor([[0.0, 0.0], [8.0, 0.0]]), deviation=1.0)
    samples = torch.tensor([[3.0, 0.0], [0.0, -2.999], [5.001, 0.0]])
    assert good_counts(mixture, samples).tolist() == [1, 1]


def test_one_mode_alone_has_the_logarithm_of_their_number() -> None:
    assert divergence_from_even(torch.tensor([0, 7, 0, 0, 0])) == pytest.approx(math.log(5), abs=1e-12)
    assert divergence_from_even(torch.tensor([3, 3, 3])) == pytest.approx(0.0, abs=1e-12)


def test_uneven_shares_by_hand() -> None:
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert divergence_from_even(torch.tensor([6, 2])) == pytest.approx(expected, abs=1e-12)


def test_without_a_good_sample_nothing_is_covered() -> None:
    measured = coverage(ring(), torch.zeros(5, 2))
    assert (measured.modes, measured.high_quality, measured.reverse_divergence) == (0, 0.0, math.inf)


@pytest.mark.parametrize(("mixture", "modes", "deviation"), RINGS)
def test_a_perfect_sampler_has_the_share_of_a_normal_plane(mixture, modes: int, deviation: float) -> None:
    mixed, count = mixture(), 40_000
    measured = coverage(mixed, mixed.draw(count, torch.Generator().manual_seed(1)))
    share = 1 - math.exp(-4.5)
    assert measured.modes == modes
    assert measured.high_quality == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / count))
    assert 0 < measured.reverse_divergence < 3 * (modes - 1) / (2 * count)


@pytest.mark.parametrize(("mixture", "modes", "deviation"), RINGS)
def test_points_have_the_moments_of_the_mixture(mixture, modes: int, deviation: float) -> None:
    mixed, count = mixture(), 60_000
    points = mixed.draw(count, torch.Generator().manual_seed(2)).double()
    assert points.shape == (count, 2)
    # Both are the same along both axes: no skew, and the variance of the centers plus that of the noise.
    variance = float(mixed.centers.double().square().mean()) + deviation**2
    torch.testing.assert_close(
        points.T.cov(correction=0), variance * torch.eye(2, dtype=torch.float64), atol=0.03 * variance, rtol=0
    )
    assert points.mean(0).norm() < 5 * math.sqrt(2 * variance / count)
    nearest = torch.cdist(points, mixed.centers.double()).argmin(1)
    counts = torch.bincount(nearest, minlength=modes).double()
    assert ((counts - count / modes).abs() < 5 * math.sqrt(count / modes)).all()
    noise = points - mixed.centers.double()[nearest]
    assert float(noise.std()) == pytest.approx(deviation, rel=0.01)


def test_a_ring_repeats_no_center() -> None:
    distances = torch.pdist(ring().centers)
    assert float(distances.min()) == pytest.approx(2 * math.sin(math.pi / 8), rel=1e-5)
    torch.testing.assert_close(ring().centers.norm(dim=1), torch.ones(8))


def test_a_grid_lies_at_the_published_points() -> None:
    assert sorted(map(tuple, grid().centers.tolist())) == [
        (float(x), float(y)) for x in range(-4, 5, 2) for y in range(-4, 5, 2)
    ]


def test_draws_follow_their_generator() -> None:
    first, same, other = (ring().draw(7, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


BAR = Bar(modes=25, spared=1, high_quality=0.88, reverse_divergence=0.03)


def _figures(modes: int = 25, high_quality: float = 0.88, reverse_divergence: float = 0.03) -> dict[str, Any]:
    return {"modes": modes, "high_quality": high_quality, "reverse_divergence": reverse_divergence}


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        (_figures(), []),
        (_figures(modes=24), ["modes"]),
        (_figures(high_quality=0.8799), ["high quality"]),
        (_figures(reverse_divergence=0.0301), ["reverse KL"]),
        (_figures(reverse_divergence=math.inf), ["reverse KL"]),
        (_figures(reverse_divergence=math.nan), ["reverse KL"]),
        (_figures(0, 0.0, math.inf), ["modes", "high quality", "reverse KL"]),
    ],
)
def test_one_seed(figures: dict[str, Any], missed: list[str]) -> None:
    assert BAR.misses(figures) == missed


def test_what_is_not_asked_is_not_missed() -> None:
    assert Bar(modes=900).misses({"modes": 900, "reverse_divergence": 3.0}) == []
    assert Bar(modes=900).misses({"modes": 899, "reverse_divergence": 0.0}) == ["modes"]


@pytest.mark.parametrize(
    ("seeds", "reached"),
    [
        ([_figures(), _figures(), _figures()], True),
        ([_figures(), _figures(modes=24), _figures()], True),
        ([_figures(modes=24), _figures(modes=24), _figures()], False),
        ([_figures(), _figures(modes=23), _figures()], False),
        ([_figures(), _figures(24, 0.5), _figures()], False),
        ([_figures(), _figures(high_quality=0.5), _figures()], False),
        ([_figures(modes=24)], False),
        ([], False),
    ],
)
def test_all_seeds(seeds: list[dict[str, Any]], reached: bool) -> None:
    assert BAR.reached(seeds) is reached


def test_nothing_is_spared_by_default() -> None:
    bar = Bar(modes=8)
    assert bar.reached([{"modes": 8}, {"modes": 8}])
    assert not bar.reached([{"modes": 8}, {"modes": 7}])
