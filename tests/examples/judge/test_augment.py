"""Small changes that leave the labels true."""

import torch

from examples.anime_faces.judge import prepare, render_fresh
from examples.anime_faces.judge._augment import blur, coarse, jitter, shift


def pictures(count: int = 6) -> torch.Tensor:
    return prepare(render_fresh(count, seed=0).images)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_jitter_changes_every_picture_a_little():
    images = pictures(30)
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
    images = pictures(2)
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
    images = pictures(3)
    small = coarse(images)
    torch.testing.assert_close(small.mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=0.02, rtol=0)
    roughness = [(part[:, :, 1:] - part[:, :, :-1]).abs().mean() for part in (small, images)]
    assert roughness[0] < 0.8 * roughness[1]
