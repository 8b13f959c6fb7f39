"""Moves by whole pixels: where they go, how far, and what is left."""

from collections import Counter

import numpy as np
import pytest
import torch
from augment import oracles
from augment.cases import images, sides, uniform
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit.augment import Translation

ratios = st.sampled_from((0.0, 0.125, 0.3, 0.5, 1.0))


@given(x=images(), ratio=ratios, seed=seeds)
def test_equals_its_definition(x: torch.Tensor, ratio: float, seed: int) -> None:
    draw = uniform(seed, len(x), 3)
    expected = [oracles.translated(a, ratio, u) for a, u in zip(x.numpy(), draw.numpy(), strict=True)]
    assert torch.equal(Translation(ratio=ratio)(x, draw=draw), torch.from_numpy(np.stack(expected)))


@pytest.mark.parametrize(("length", "reach"), [(7, 1), (8, 1), (12, 2), (16, 2), (64, 8), (96, 12)])
def test_every_distance_up_to_an_eighth_is_equally_likely(length: int, reach: int) -> None:
    places = 2 * reach + 1
    draw = torch.zeros(places * 4, 3)
    draw[:, 1:] = ((torch.arange(places * 4) + 0.5) / (places * 4))[:, None]
    # Each pixel holds its own row and column, counted from 1, so that what comes in can be told from what moved.
    rows = torch.arange(1.0, length + 1)
    x = torch.stack([rows[:, None].expand(length, length), rows.expand(length, length)]).expand(len(draw), -1, -1, -1)
    moved = Translation()(x, draw=draw)
    middle = length // 2
    assert reach <= middle
    for channel in (0, 1):
        distances = Counter((middle + 1 - moved[:, channel, middle, middle]).int().tolist())
        assert distances == dict.fromkeys(range(-reach, reach + 1), 4)


@given(seed=seeds, height=sides, width=sides)
def test_undone_by_the_opposite_move_where_nothing_was_lost(seed: int, height: int, width: int) -> None:
    x = normal(seed, 5, 2, height, width)
    margin = torch.nn.functional.pad(x, (width, width, height, height))
    draw = uniform(seed, 5, 3)
    back = torch.cat([draw[:, :1], 1 - draw[:, 1:]], dim=1)
    move = Translation(ratio=1 / 3)
    assert torch.equal(move(move(margin, draw=draw), draw=back), margin)


@given(x=images(), seed=seeds)
def test_keeps_inner_pixels_and_brings_in_zeros(x: torch.Tensor, seed: int) -> None:
    x = x.abs() + 1
    moved = Translation(ratio=0.3)(x, rng=torch.Generator().manual_seed(seed))
    for before, after in zip(x, moved, strict=True):
        kept = after != 0
        assert kept.any()
        assert set(after[kept].tolist()) <= set(before.flatten().tolist())
        assert torch.equal(kept, kept[:1].expand_as(kept))  # all channels alike
        rows, columns = kept[0].any(1).nonzero().flatten(), kept[0].any(0).nonzero().flatten()
        assert kept[0].sum() == len(rows) * len(columns)  # a rectangle
        assert torch.equal(kept[0][rows][:, columns], torch.ones(len(rows), len(columns), dtype=torch.bool))


def test_the_ends_of_the_draw_stay_within_reach() -> None:
    x = normal(0, 1, 1, 8, 8)
    last = Translation()(x, draw=torch.tensor([[0.0, 1.0, 1.0]]))
    assert torch.equal(last[:, :, 1:, 1:], x[:, :, :-1, :-1])
    first = Translation()(x, draw=torch.zeros(1, 3))
    assert torch.equal(first[:, :, :-1, :-1], x[:, :, 1:, 1:])


@pytest.mark.parametrize("value", [-0.1, 1.1, float("inf"), None])
def test_a_ratio_is_a_fraction(value: float) -> None:
    with pytest.raises(ValueError, match="ratio must"):
        Translation(ratio=value)
