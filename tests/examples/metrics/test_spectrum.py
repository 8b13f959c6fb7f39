"""The radial power spectrum against loops and known signals."""

import math

import numpy as np
import pytest
import torch

from examples.anime_faces.metrics import spectrum_gap
from examples.anime_faces.metrics._spectrum import radial_power, spectrum_figures


def noise(count: int, seed: int, size: int = 16, amplitude: float = 50.0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (128 + amplitude * torch.randn(count, 3, size, size, generator=rng)).round().clamp(0, 255).to(torch.uint8)


def radial_oracle(images: np.ndarray) -> list[float]:
    count, channels, size, _ = images.shape
    powers: dict[int, list[float]] = {}
    steps = np.arange(size)
    for v in range(size):
        for u in range(size):
            wave = np.exp(-2j * np.pi * (v * steps[:, None] + u * steps[None, :]) / size)
            power = float(
                np.mean([abs((images[i, c] * wave).sum()) ** 2 for i in range(count) for c in range(channels)])
            )
            height, width = min(v, size - v), min(u, size - u)
            powers.setdefault(round(math.hypot(height, width)), []).append(power)
    return [float(np.mean(powers[radius])) for radius in range(1, max(powers) + 1)]


def test_equals_a_sum_of_waves():
    images = noise(3, 0, size=6)
    expected = radial_oracle(images.numpy().astype(float))
    np.testing.assert_allclose(radial_power(images).numpy(), expected, rtol=1e-5)


def test_a_set_has_no_gap_to_itself():
    gap = spectrum_gap(noise(5, 0), noise(5, 0))
    assert gap.greatest == gap.mean == 0.0


def test_half_the_contrast_is_six_decibel_everywhere():
    strong = noise(200, 0, amplitude=40.0)
    weak = (128 + (strong.float() - 128) / 2).round().to(torch.uint8)
    gap = spectrum_gap(strong, weak)
    np.testing.assert_allclose(gap.decibels, -20 * math.log10(2), atol=0.1)
    assert gap.mean == pytest.approx(20 * math.log10(2), abs=0.05)


def test_hears_a_faint_checkerboard():
    clean = noise(100, 0, amplitude=10.0)
    board = 1.0 - 2.0 * ((torch.arange(16)[:, None] + torch.arange(16)[None, :]) % 2)
    gap = spectrum_gap(clean, (clean.float() + 5 * board).clamp(0, 255).to(torch.uint8))
    corner = gap.decibels[-1]
    assert corner > 5.0
    assert gap.greatest == pytest.approx(corner)


def test_leaves_out_what_is_mere_rounding():
    steps = torch.arange(16)
    wave = 128 + 60 * torch.cos(2 * math.pi * steps / 16)
    smooth = wave.round().to(torch.uint8).expand(4, 3, 16, 16)
    gap = spectrum_gap(smooth, noise(4, 0))
    assert math.isfinite(gap.decibels[0])
    assert math.isnan(gap.decibels[-1])
    _, details = spectrum_figures(smooth, noise(4, 0), smooth)
    assert details["spectrum_decibels"][-1] is None  # JSON has no word for it


def test_refuses_pictures_of_different_sizes_or_of_one_color():
    with pytest.raises(ValueError, match=r"real and samples must be of one size, got \(3, 16, 16\) and \(3, 8, 8\)"):
        spectrum_gap(noise(2, 0), noise(2, 0, size=8))
    flat = torch.full((2, 3, 8, 8), 7, dtype=torch.uint8)
    with pytest.raises(ValueError, match="real must contain more than flat pictures"):
        spectrum_gap(flat, flat)
