"""Pictures that are no faces any more."""

import pytest
import torch

from examples.anime_faces.judge import prepare, render_fresh
from examples.anime_faces.judge._spoil import SPOILERS, Spoiler, halves_swapped, shuffled, spoil, upside_down


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return prepare(render_fresh(13, seed=0).images)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
