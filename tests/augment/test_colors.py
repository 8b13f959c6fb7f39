"""Brightness, saturation and contrast: their ranges, and what each leaves alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from augment import oracles
from augment.cases import images, name_of, uniform
from hypothesis import given
from support.strategies import seeds
from torch.testing import assert_close

from gankit.augment import Brightness, Contrast, Saturation

ORACLES: dict[type, Callable[[oracles.Array, oracles.Array], oracles.Array]] = {
    Brightness: oracles.brightened,
    Contrast: oracles.contrasted,
    Saturation: oracles.saturated,
}
every = pytest.mark.parametrize("augment", [Brightness(), Contrast(), Saturation()], ids=name_of)


@every
@given(x=images(), seed=seeds)
def test_equals_its_definition(augment: Any, x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), 2)
    expected = [ORACLES[type(augment)](a, u) for a, u in zip(x.numpy(), draw.numpy(), strict=True)]
    assert_close(augment(x, draw=draw), torch.from_numpy(np.stack(expected)), rtol=1e-12, atol=1e-13)


@every
@given(x=images(), seed=seeds)
def test_the_middle_of_the_draw_changes_nothing(augment: Any, x: torch.Tensor, seed: int) -> None:
    draw = torch.stack([uniform(seed, len(x)), torch.full((len(x),), 0.5, dtype=torch.float64)], dim=1)
    assert torch.equal(augment(x, draw=draw), x)


@every
@given(x=images(), seed=seeds)
def test_twice_the_amount_changes_twice_as_much(augment: Any, x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), 2)
    double = type(augment)(amount=2 * augment.amount)
    assert_close(double(x, draw=draw) - x, 2 * (augment(x, draw=draw) - x), rtol=1e-9, atol=1e-12)


@given(x=images(), seed=seeds)
def test_saturation_keeps_the_gray_of_each_pixel_and_contrast_the_mean_of_each_image(
    x: torch.Tensor, seed: int
) -> None:
    draw = uniform(seed, len(x), 2)
    assert_close(Saturation()(x, draw=draw).mean(1), x.mean(1), rtol=1e-12, atol=1e-12)
    assert_close(Contrast()(x, draw=draw).mean((1, 2, 3)), x.mean((1, 2, 3)), rtol=1e-12, atol=1e-12)
    if x.shape[1] == 1:
        assert torch.equal(Saturation()(x, draw=draw), x)


def test_the_ends_of_the_ranges() -> None:
    x, low = torch.tensor([1.0, 0.0, -1.0]).reshape(1, 3, 1, 1), torch.zeros(1, 2)
    high = torch.tensor([[0.0, 1.0]])
    assert_close(Brightness()(x, draw=low), x - 0.5)
    assert_close(Brightness()(x, draw=high), x + 0.5)
    assert_close(Saturation()(x, draw=low), torch.zeros_like(x))
    assert_close(Saturation()(x, draw=high), 2 * x)
    assert_close(Contrast()(x, draw=low), 0.5 * x)
    assert_close(Contrast()(x, draw=high), 1.5 * x)


@every
@pytest.mark.parametrize("value", [-0.1, float("inf"), float("nan"), True, "1"])
def test_an_amount_is_no_negative_number(augment: Any, value: object) -> None:
    with pytest.raises(ValueError, match="amount must be"):
        type(augment)(amount=value)
