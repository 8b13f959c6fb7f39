"""Small changes that leave the labels true, views of one picture, and pictures that are not faces any more."""

import pytest
import torch

from examples.anime_faces.judge import prepare, render_fresh
from examples.anime_faces.judge._augment import (
    SPOILERS,
    Spoiler,
    blur,
    coarse,
    gray,
    halves_swapped,
    jitter,
    shift,
    shuffled,
    spoil,
    spoiled_views,
    two_views,
    upside_down,
)


def renders(count: int = 6) -> torch.Tensor:
    return prepare(render_fresh(count, seed=0).images)


@pytest.fixture(scope="module")
def eight() -> torch.Tensor:
    return renders(8)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return renders(13)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_jitter_changes_every_picture_a_little():
    images = renders(30)
    before, state = images.clone(), torch.get_rng_state()
    changed = jitter(images, rng())
    assert changed.shape == images.shape
    assert changed.abs().max() <= 1.0
    error = (changed - images).abs().flatten(1).mean(dim=1)
    assert error.min() > 0.0
    assert error.max() < 0.4
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(changed, jitter(images, rng()))
    assert not torch.equal(changed, jitter(images, rng(1)))


def test_jitter_leaves_gray_gray():
    # A change of hue would tint a gray picture.
    levels = torch.linspace(-0.8, 0.8, 9)[:, None, None, None].expand(9, 3, 64, 64).contiguous()
    changed = jitter(levels, rng())
    means = changed.mean(dim=(2, 3))
    torch.testing.assert_close(means, means.mean(dim=1, keepdim=True).expand_as(means), atol=0.01, rtol=0)


def test_shift_moves_the_whole_picture():
    images = renders(2)
    moved = {shift(images, rng(seed), most=2).flatten()[::97].sum().item() for seed in range(20)}
    assert len(moved) > 5
    inner = shift(images, rng(3), most=2)[:, :, 10:50, 10:50]
    places = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    matches = [torch.equal(inner, images[:, :, 10 + d : 50 + d, 10 + r : 50 + r]) for d, r in places]
    assert sum(matches) == 1


def test_blur_equals_a_sum_over_neighbors():
    images = torch.randn(2, 3, 7, 11, generator=rng())
    reach = 3
    weights = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / 2)
    weights /= weights.sum()
    expected = torch.zeros_like(images)
    for i in range(7):
        for j in range(11):
            for di in range(-reach, reach + 1):
                for dj in range(-reach, reach + 1):
                    source = images[:, :, min(6, max(0, i + di)), min(10, max(0, j + dj))]
                    expected[:, :, i, j] += weights[di + reach] * weights[dj + reach] * source
    torch.testing.assert_close(blur(images, deviation=1.0), expected)


def test_coarse_keeps_means_and_loses_detail():
    images = renders(3)
    small = coarse(images)
    torch.testing.assert_close(small.mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=0.02, rtol=0)
    roughness = [(part[:, :, 1:] - part[:, :, :-1]).abs().mean() for part in (small, images)]
    assert roughness[0] < 0.8 * roughness[1]


def test_views_are_alike_and_differ(eight: torch.Tensor):
    before = eight.clone()
    views = two_views(eight, rng(1))
    assert views.shape == (16, 3, 64, 64)
    assert torch.equal(eight, before)
    first, second = views.split(8)
    assert (first - second).abs().flatten(1).mean(dim=1).min() > 0.01


def test_about_half_of_the_batches_are_gray_in_both_views(eight: torch.Tensor):
    colorless = 0
    for seed in range(30):
        views = two_views(eight[:2], rng(seed))
        spread = (views.amax(dim=1) - views.amin(dim=1)).flatten(1).mean(dim=1)
        assert bool((spread < 1e-5).all()) or bool((spread > 0.01).all())
        colorless += int((spread < 1e-5).all())
    assert 6 <= colorless <= 24


def test_gray_is_the_luminance(eight: torch.Tensor):
    red, green, blue = eight.unbind(1)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    torch.testing.assert_close(gray(eight)[:, 1], expected)


def test_spoiled_views_differ_from_what_they_were_made_of(eight: torch.Tensor):
    spoiled = torch.stack([spoiled_views(eight, rng(seed)) for seed in range(5)])
    assert spoiled.shape[1:] == eight.shape
    assert (spoiled - eight).abs().flatten(2).mean(dim=2).max(dim=0).values.min() > 0.01


@pytest.mark.parametrize("spoiler", SPOILERS, ids=lambda spoiler: spoiler.__name__)
def test_every_way_spoils_every_picture(spoiler: Spoiler, pictures: torch.Tensor):
    before, state = pictures.clone(), torch.get_rng_state()
    spoiled = spoiler(pictures, rng())
    assert spoiled.shape == pictures.shape
    assert spoiled.abs().max() <= 1.0 + 1e-6
    assert (spoiled - pictures).abs().flatten(1).mean(dim=1).min() > 0.03
    assert torch.equal(pictures, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("count", [1, 2, 5, 6, 13])
def test_a_batch_meets_every_way_in_turn(count: int, pictures: torch.Tensor):
    images = pictures[:count]
    results = [spoil(images, rng(seed)) for seed in range(12)]
    assert all(result.shape == images.shape for result in results)
    assert all((result - images).abs().flatten(1).mean(dim=1).min() > 0.0 for result in results)
    assert len({round(result[0].sum().item(), 2) for result in results}) > 4


def test_shuffling_keeps_the_squares(pictures: torch.Tensor):
    def squares(images: torch.Tensor) -> torch.Tensor:
        tiles = images.unfold(2, 16, 16).unfold(3, 16, 16)
        return tiles.sum(dim=(4, 5)).flatten(2).sort(dim=2).values

    torch.testing.assert_close(squares(shuffled(pictures, rng())), squares(pictures))


def test_halves_come_from_two_pictures(pictures: torch.Tensor):
    joined = halves_swapped(pictures, rng())
    halves = [(slice(None, 32), slice(None)), (slice(None), slice(None, 32))]
    others = pictures.roll(1, dims=0)
    assert any(
        torch.equal(joined[:, :, rows, columns], others[:, :, rows, columns])
        and (joined == pictures).float().mean() >= 0.5
        for rows, columns in halves
    )


def test_upside_down_is_undone_by_itself(pictures: torch.Tensor):
    assert torch.equal(upside_down(upside_down(pictures, rng()), rng()), pictures)
