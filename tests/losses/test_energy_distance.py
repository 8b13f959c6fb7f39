"""The energy distance of coordinates: oracles, gradients, invariances, what it notices, mistakes."""

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit.losses import energy_distance_loss

counts = st.integers(2, 7)


def of_pairs(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return the same by comparing all pairs."""
    x, y = (one.reshape(len(one), -1) for one in (real, fake))
    n, m = len(x), len(y)
    across, within_x, within_y = ((a[:, None] - b).abs().sum((0, 1)) for a, b in ((x, y), (x, x), (y, y)))
    return (2 * across / (n * m) - within_x / (n * (n - 1)) - within_y / (m * (m - 1))).mean()


@given(seed=seeds, n=counts, m=counts, shape=st.sampled_from([(), (1,), (3,), (2, 3)]))
def test_equals_the_comparison_of_all_pairs_and_so_do_its_gradients(
    seed: int, n: int, m: int, shape: tuple[int, ...]
) -> None:
    real, fake = normal(seed, n, *shape), normal(seed + 1, m, *shape).requires_grad_()
    losses = [loss(real, fake) for loss in (energy_distance_loss, of_pairs)]
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*(torch.autograd.grad(loss, fake)[0] for loss in losses))
    assert losses[0].shape == ()


@given(seed=seeds, n=counts, m=counts)
def test_equals_the_published_statistic_where_samples_are_compared_with_themselves_too(
    seed: int, n: int, m: int
) -> None:
    x, y = normal(seed, n), normal(seed + 1, m)
    within = [(one[:, None] - one).abs().sum().item() for one in (x, y)]
    # scipy divides by n * n.
    biased = energy_distance_loss(x, y).item() + sum(
        total * (1 / (k * (k - 1)) - 1 / k**2) for total, k in zip(within, (n, m), strict=True)
    )
    assert biased == pytest.approx(scipy.stats.energy_distance(x.numpy(), y.numpy()) ** 2, abs=1e-9)


@given(seed=seeds, scale=st.floats(0.1, 10.0), shift=st.floats(-5.0, 5.0))
def test_moves_with_the_scale_and_not_with_a_shift_of_both(seed: int, scale: float, shift: float) -> None:
    real, fake = normal(seed, 4, 3), normal(seed + 1, 5, 3)
    loss = energy_distance_loss(real, fake)
    torch.testing.assert_close(energy_distance_loss(scale * real + shift, scale * fake + shift), scale * loss)
    torch.testing.assert_close(energy_distance_loss(fake, real), loss)


def test_keeps_small_differences_of_large_values() -> None:
    real, fake = normal(0, 8, 4).float(), normal(1, 8, 4).float()
    # 1/16 is exact beside 2**17, so only the computation could lose it.
    real, fake = ((one * 16).round() / 16 for one in (real, fake))
    torch.testing.assert_close(
        energy_distance_loss(real + 2.0**17, fake + 2.0**17), energy_distance_loss(real, fake), rtol=1e-3, atol=1e-3
    )


def test_is_unbiased_for_few_samples() -> None:
    rng = torch.Generator().manual_seed(0)
    x, y = (torch.randn(4000, 3, dtype=torch.float64, generator=rng) for _ in range(2))
    alike = torch.stack([energy_distance_loss(a, b) for a, b in zip(x.split(4), y.split(4), strict=True)])
    error = alike.std() / len(alike) ** 0.5
    assert abs(alike.mean()) < 4 * error
    assert (alike < 0).any()
    # Of standard normals that are 1 apart, by Cramer's integral over both distribution functions:
    shifted = torch.stack([energy_distance_loss(a, b + 1.0) for a, b in zip(x.split(4), y.split(4), strict=True)])
    grid = np.linspace(-10, 11, 20_001)
    gap = scipy.stats.norm.cdf(grid) - scipy.stats.norm.cdf(grid - 1.0)
    expected = 2 * float(np.trapezoid(gap**2, grid))
    assert abs(shifted.mean() - expected) < 4 * shifted.std() / len(shifted) ** 0.5


def test_pushes_apart_what_does_not_vary_enough() -> None:
    """Every generated background is the mean of the real ones: a mean of features would see nothing wrong."""
    real, collapsed = normal(0, 64, 1), (normal(1, 64, 1) * 0.01 + normal(0, 64, 1).mean()).requires_grad_()
    (gradient,) = torch.autograd.grad(energy_distance_loss(real, collapsed), collapsed)
    away = (collapsed - collapsed.mean()).detach()
    assert float((gradient * away).sum()) < 0
    assert energy_distance_loss(real, collapsed) > 0.1


def test_only_the_generated_side_gets_a_gradient() -> None:
    real, fake = normal(0, 5, 3).requires_grad_(), normal(1, 5, 3).requires_grad_()
    energy_distance_loss(real, fake).backward()
    assert real.grad is None
    assert fake.grad is not None
    assert fake.grad.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened(dtype: torch.dtype) -> None:
    real, fake = normal(0, 50, 7).to(dtype), normal(1, 50, 7).to(dtype)
    torch.testing.assert_close(energy_distance_loss(real, fake), energy_distance_loss(real.float(), fake.float()))


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (
            torch.ones(1, 2),
            torch.ones(3, 2),
            "real must hold at least 2 samples, to compare them with each other, got 1",
        ),
        (torch.ones(2, 2), torch.ones(1, 2), "fake must hold at least 2 samples"),
        (torch.ones(2, 2), torch.ones(2, 3), r"samples of the same shape, got \(2, 2\) and \(2, 3\)"),
        (torch.ones(2, 2).long(), torch.ones(2, 2), "real must"),
        (torch.ones(2, 2), torch.tensor(1.0), "fake must"),
    ],
)
def test_refuses_what_it_cannot_compare(real: torch.Tensor, fake: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        energy_distance_loss(real, fake)
