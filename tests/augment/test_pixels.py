"""Pixels taken from elsewhere: which, and how the result lies in memory."""

import torch
from augment.cases import images, uniform
from hypothesis import given
from support.strategies import normal, seeds

from gankit.augment._pixels import take_pixels


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
