"""What the encoder is trained to make small."""

import math

import pytest
import torch

from examples.anime_faces.judge import prepare, render_fresh
from examples.anime_faces.judge._contrast import contrast_loss, gray, spoiled_views, two_views


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return prepare(render_fresh(8, seed=0).images)


@pytest.mark.parametrize(("pairs", "strangers"), [(2, 0), (3, 5), (5, 2)])
def test_the_loss_equals_a_loop(pairs: int, strangers: int):
    vectors = torch.randn(2 * pairs + strangers, 7, generator=rng(), dtype=torch.float64)
    unit = [vector / math.sqrt(float(vector @ vector)) for vector in vectors]
    losses = []
    for i in range(2 * pairs):
        partner = (i + pairs) % (2 * pairs)
        others = [math.exp(float(unit[i] @ unit[j]) / 0.2) for j in range(len(unit)) if j != i]
        losses.append(-math.log(math.exp(float(unit[i] @ unit[partner]) / 0.2) / sum(others)))
    assert float(contrast_loss(vectors, pairs)) == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_strangers_are_pushed_away_and_partners_drawn_together():
    vectors = torch.randn(6, 5, generator=rng()).requires_grad_()
    contrast_loss(vectors, 2).backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().sum(dim=1).min() > 0


def test_views_are_alike_and_differ(pictures: torch.Tensor):
    before = pictures.clone()
    views = two_views(pictures, rng(1))
    assert views.shape == (16, 3, 64, 64)
    assert torch.equal(pictures, before)
    first, second = views.split(8)
    assert (first - second).abs().flatten(1).mean(dim=1).min() > 0.01


def test_about_half_of_the_batches_are_gray_in_both_views(pictures: torch.Tensor):
    colorless = 0
    for seed in range(30):
        views = two_views(pictures[:2], rng(seed))
        spread = (views.amax(dim=1) - views.amin(dim=1)).flatten(1).mean(dim=1)
        assert bool((spread < 1e-5).all()) or bool((spread > 0.01).all())
        colorless += int((spread < 1e-5).all())
    assert 6 <= colorless <= 24


def test_gray_is_the_luminance(pictures: torch.Tensor):
    red, green, blue = pictures.unbind(1)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    torch.testing.assert_close(gray(pictures)[:, 1], expected)


def test_spoiled_views_differ_from_what_they_were_made_of(pictures: torch.Tensor):
    spoiled = torch.stack([spoiled_views(pictures, rng(seed)) for seed in range(5)])
    assert spoiled.shape[1:] == pictures.shape
    assert (spoiled - pictures).abs().flatten(2).mean(dim=2).max(dim=0).values.min() > 0.01
