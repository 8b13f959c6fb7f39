"""How much the pictures of a grid differ."""

import json

import numpy as np
import pytest
import torch

from examples.anime_faces.run._variety import SIDE, USE_OF_NOISE, VARIETY, figures_of, named, real_distance


def oracle(grid: np.ndarray) -> tuple[float, float]:
    """The mean distance of two pictures of a row, and the share of variance that columns make, by loops."""
    rows, columns = grid.shape[:2]
    distances = [
        np.linalg.norm(grid[row, one] - grid[row, other])
        for row in range(rows)
        for one in range(columns)
        for other in range(one)
    ]
    by_noise = np.mean([grid[row].var(axis=0, ddof=1).sum() for row in range(rows)])
    by_condition = np.mean([grid[:, column].var(axis=0, ddof=1).sum() for column in range(columns)])
    return float(np.mean(distances)), float(by_noise / (by_noise + by_condition))


def reduced(images: torch.Tensor) -> np.ndarray:
    """Means of 2 x 2 blocks of pictures of 32 x 32, as rows of numbers in 0..1."""
    blocks = images.numpy().astype(np.float64).reshape(*images.shape[:3], SIDE, 2, SIDE, 2).mean(axis=(4, 6)) / 255
    return blocks.reshape(*blocks.shape[:2], -1)


def test_figures_agree_with_loops() -> None:
    images = torch.randint(0, 256, (3, 5, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[1] //= 2  # another condition
    distance, share = oracle(reduced(images))
    found = figures_of(images, 4.0, has_conditions=True)
    assert found == {VARIETY: pytest.approx(distance / 4.0, rel=1e-5), USE_OF_NOISE: pytest.approx(share, rel=1e-5)}
    assert json.loads(json.dumps(found)) == found  # numbers for the log, not tensors


def test_two_rows_and_two_columns_are_enough() -> None:
    dark, light = (torch.full((3, 2, 2), value, dtype=torch.uint8) for value in (51, 102))  # 0.2 and 0.4
    images = torch.stack([torch.stack([dark, dark]), torch.stack([light, dark])])
    found = figures_of(images, 0.1, has_conditions=True)
    # 12 numbers differ by 0.2 in one of two rows, and in one of two columns.
    assert found == pytest.approx({VARIETY: 0.2 * 12**0.5 / 2 / 0.1, USE_OF_NOISE: 0.5})
    assert figures_of(images[:1], 0.1, has_conditions=True) == pytest.approx({VARIETY: 0.0})


def test_the_distance_of_real_pictures_is_that_of_pixels_in_a_range_of_length_one() -> None:
    values = torch.tensor([-1.0, 0.0, 1.0])  # half, half and the whole range apart
    pictures = values.reshape(3, 1, 1, 1).expand(3, 3, 2, 2)
    distance = real_distance(pictures)
    assert distance == pytest.approx((0.5 + 0.5 + 1.0) / 3 * 12**0.5)
    assert isinstance(distance, float)


def grid_of(*, noise: float, condition: float) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    by_row = condition * torch.randn(4, 1, 3, 8, 8, generator=rng)
    by_column = noise * torch.randn(1, 6, 3, 8, 8, generator=rng)
    return (128 + by_row + by_column).round().clamp(0, 255).to(torch.uint8)


def test_ignored_noise_and_ignored_conditions_are_seen() -> None:
    one_face = figures_of(grid_of(noise=0.0, condition=30.0), 1.0, has_conditions=True)
    assert one_face == {VARIETY: 0.0, USE_OF_NOISE: 0.0}
    deaf = figures_of(grid_of(noise=30.0, condition=0.0), 1.0, has_conditions=True)
    assert deaf[USE_OF_NOISE] == 1.0
    assert deaf[VARIETY] > 1.0
    both = figures_of(grid_of(noise=30.0, condition=30.0), 1.0, has_conditions=True)
    assert 0.3 < both[USE_OF_NOISE] < 0.7


def test_without_conditions_all_pictures_are_compared() -> None:
    images = grid_of(noise=0.0, condition=30.0)
    found = figures_of(images, 2.0, has_conditions=False)
    assert found == {
        VARIETY: pytest.approx(float(torch.pdist(images.flatten(0, 1).flatten(1).float() / 255).mean()) / 2.0)
    }


def test_real_pictures_have_the_variety_one() -> None:
    pictures = torch.rand(9, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1
    pixels = pictures.add(1).mul(127.5).round().to(torch.uint8)
    found = figures_of(pixels.unflatten(0, (3, 3)), real_distance(pictures), has_conditions=False)
    assert found[VARIETY] == pytest.approx(1.0, abs=0.02)


def test_where_nothing_can_be_compared_there_are_no_figures() -> None:
    images = grid_of(noise=30.0, condition=30.0)
    assert figures_of(images, 0.0, has_conditions=True) == {}
    assert figures_of(images[:1], 1.0, has_conditions=True).keys() == {VARIETY}
    assert figures_of(images[:, :1], 1.0, has_conditions=True) == {}
    assert figures_of(torch.zeros_like(images), 1.0, has_conditions=True) == {VARIETY: 0.0}


def test_names_say_which_generator_drew() -> None:
    assert named({VARIETY: 0.5}, "average of the weights") == {"variety, average": 0.5}
