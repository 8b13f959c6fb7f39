"""Grids: one condition a row, one latent a column."""

import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit.latents import across_conditions

sizes = st.integers(1, 7)


@given(seed=seeds, rows=sizes, columns=sizes, length=sizes, shape=st.sampled_from([(), (2,), (2, 3)]))
def test_every_latent_meets_every_condition_row_by_row(
    seed: int, rows: int, columns: int, length: int, shape: tuple[int, ...]
) -> None:
    latents, conditions = normal(seed, columns, length), normal(seed + 1, rows, *shape)
    paired, repeated = across_conditions(latents, conditions)
    assert paired.shape == (rows * columns, length)
    assert repeated.shape == (rows * columns, *shape)
    for row in range(rows):
        for column in range(columns):
            assert torch.equal(paired[row * columns + column], latents[column])
            assert torch.equal(repeated[row * columns + column], conditions[row])


def test_class_ids_stay_whole_numbers() -> None:
    _, labels = across_conditions(torch.zeros(2, 3), torch.tensor([[4, 1], [0, 2]]))
    assert labels.tolist() == [[4, 1], [4, 1], [0, 2], [0, 2]]
    assert labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("latents", "conditions", "match"),
    [
        (torch.zeros(0, 3), torch.zeros(2), "latents must not be empty"),
        (torch.zeros(2, 3).int(), torch.zeros(2), "latents must be a floating-point tensor"),
        (torch.zeros(2, 3), torch.zeros(0), "conditions must not be empty"),
        (torch.zeros(2, 3), torch.tensor(3), "conditions must have a batch axis"),
        (torch.zeros(2, 3), [3, 5], "conditions must be a tensor, got list"),
    ],
)
def test_mistakes_are_named(latents: torch.Tensor, conditions: torch.Tensor, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        across_conditions(latents, conditions)
