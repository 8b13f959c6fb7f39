"""The hole: where, how large, and what is left of it at the border."""

from collections import Counter

import numpy as np
import pytest
import torch
from augment import oracles
from augment.cases import images, uniform
from hypothesis import given, strategies as st
from support.strategies import seeds

from gankit.augment import Cutout


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
def test_a_ratio_is_a_fraction(value: float) -> None:
    with pytest.raises(ValueError, match="ratio must"):
        Cutout(ratio=value)
