"""Translation, cutout and horizontal flip, and the gather of pixels below them."""

from collections import Counter

import numpy as np
import pytest
import torch
from augment import oracles
from augment.cases import images, sides, uniform
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit.augment import Cutout, HorizontalFlip, Translation
from gankit.augment._whole_pixels import take_pixels

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


@given(x=images(), ratio=st.sampled_from((0.0, 0.2, 0.3, 0.5, 1.0)), seed=seeds)
def test_equals_the_published_program(x: torch.Tensor, ratio: float, seed: int) -> None:
    draw = uniform(seed, len(x), 3)
    expected = [oracles.cut(a, ratio, u) for a, u in zip(x.numpy(), draw.numpy(), strict=True)]
    assert torch.equal(Cutout(ratio=ratio)(x, draw=draw), torch.from_numpy(np.stack(expected)))


@pytest.mark.parametrize(("length", "size"), [(7, 4), (8, 4), (10, 5), (13, 7), (96, 48)])
def test_every_center_is_equally_likely_and_the_border_cuts_the_hole(length: int, size: int) -> None:
    places = length + 1 - size % 2
    draw = torch.zeros(2 * places, 3)
    draw[:, 1] = (torch.arange(2 * places) + 0.5) / (2 * places)
    draw[:, 2] = 0.5
    holes = (Cutout()(torch.ones(2 * places, 1, length, length), draw=draw) == 0)[:, 0]
    first_rows = Counter((hole.any(1).nonzero()[0].item(), int(hole.any(1).sum())) for hole in holes)
    expected = Counter()
    for center in range(places):
        start, stop = max(center - size // 2, 0), min(center - size // 2 + size, length)
        expected[start, stop - start] += 2
    assert first_rows == expected
    assert {int(hole.any(0).sum()) for hole in holes} == {size}  # the column lies in the middle, nothing hangs over
    assert min(rows for _, rows in first_rows) == size - size // 2 or size % 2 == 0


@given(x=images(), seed=seeds)
def test_only_removes_and_all_channels_alike(x: torch.Tensor, seed: int) -> None:
    x = x.abs() + 1
    cut = Cutout()(x, rng=torch.Generator().manual_seed(seed))
    hole = cut == 0
    assert torch.equal(torch.where(hole, x, cut), x)
    assert torch.equal(hole, hole[:, :1].expand_as(hole))


def test_what_was_cut_out_has_no_slope_even_where_it_is_not_a_number() -> None:
    x = torch.ones(1, 1, 4, 4)
    x[0, 0, 2, 2] = float("nan")
    x.requires_grad_()
    cut = Cutout(ratio=0.25)(x, draw=torch.tensor([[0.0, 0.5, 0.5]]))
    cut.sum().backward()
    assert cut.sum().item() == 15.0
    assert x.grad is not None
    assert x.grad[0, 0, 2, 2] == 0
    assert x.grad.sum() == 15


def test_a_ratio_of_one_removes_the_image_from_its_center() -> None:
    assert torch.count_nonzero(Cutout(ratio=1.0)(torch.ones(1, 2, 5, 5), draw=torch.tensor([[0.0, 0.5, 0.5]]))) == 0


@pytest.mark.parametrize("value", [-0.1, 1.1, float("inf"), None])
def test_a_ratio_of_cutout_is_a_fraction(value: float) -> None:
    with pytest.raises(ValueError, match="ratio must"):
        Cutout(ratio=value)


ALWAYS = HorizontalFlip(probability=1.0)


@given(x=images())
def test_always_mirrors_the_last_axis_and_twice_is_nothing(x: torch.Tensor) -> None:
    expected = np.stack([oracles.flipped(a, np.empty(0)) for a in x.numpy()])
    assert torch.equal(ALWAYS(x), torch.from_numpy(expected.copy()))
    assert torch.equal(ALWAYS(ALWAYS(x)), x)


@given(x=images(), seed=seeds)
def test_by_default_samples_with_a_number_below_one_half(x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), 1)
    flipped = HorizontalFlip()(x, draw=draw)
    for before, after, coin in zip(x, flipped, draw[:, 0].tolist(), strict=True):
        assert torch.equal(after, before.flip(-1) if coin < 0.5 else before)


def test_at_half_strength_a_quarter_is_mirrored() -> None:
    x = torch.tensor([1.0, 2.0]).expand(8, 1, 1, 2)
    draw = ((torch.arange(8) + 0.5) / 8)[:, None]
    assert (HorizontalFlip()(x, strength=torch.tensor(0.5), draw=draw)[:, 0, 0, 0] == 2).sum() == 2


@given(x=images(), seed=seeds)
def test_each_pixel_is_the_one_of_that_number(x: torch.Tensor, seed: int) -> None:
    count, channels, height, width = x.shape
    places = (uniform(seed, count, 2, 3) * height * width).long()
    taken = take_pixels(x, places)
    assert taken.shape == (count, channels, 2, 3)
    for sample in range(count):
        for i in range(2):
            for j in range(3):
                row, column = divmod(int(places[sample, i, j]), width)
                assert torch.equal(taken[sample, :, i, j], x[sample, :, row, column])


def test_what_has_gaps_in_memory_becomes_contiguous() -> None:
    strided = normal(0, 2, 3, 5, 14)[:, :, 1:, ::2]
    places = torch.arange(28).reshape(1, 4, 7).expand(2, -1, -1)
    assert torch.equal(take_pixels(strided, places), strided)
    assert take_pixels(strided, places).is_contiguous()
    inner = strided.contiguous(memory_format=torch.channels_last)
    assert take_pixels(inner, places).is_contiguous(memory_format=torch.channels_last)
