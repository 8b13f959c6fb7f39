"""The mirror: its own inverse, and half of the samples."""

import numpy as np
import torch
from augment import oracles
from augment.cases import images, uniform
from hypothesis import given
from support.strategies import seeds

from gankit.augment import HorizontalFlip

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
