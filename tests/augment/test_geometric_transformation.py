"""The geometric transformation: its matrices, exact copies, ends of the draw, mistakes."""

import dataclasses
import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from augment import oracles
from augment.cases import images, uniform
from hypothesis import given, strategies as st
from support.strategies import normal, seeds
from torch.testing import assert_close

from gankit.augment import GeometricTransformation, HorizontalFlip
from gankit.augment._geometric_transformation import _normal_numbers

STILL: dict[str, Any] = {
    "translation": 0.0,
    "scale": 0.0,
    "rotation": 0.0,
    "anisotropy": 0.0,
    "fractional_translation": 0.0,
}
NUMBERS = GeometricTransformation().numbers


@given(x=images(), seed=seeds, probability=st.sampled_from((1.0, 0.6)))
def test_equals_the_product_of_its_matrices(x: torch.Tensor, seed: int, probability: float) -> None:
    draw = uniform(seed, len(x), NUMBERS)
    expected = [oracles.transformed(a, u, probability) for a, u in zip(x.numpy(), draw.numpy(), strict=True)]
    augment = GeometricTransformation(probability=probability)
    assert_close(augment(x, draw=draw), torch.from_numpy(np.stack(expected)), rtol=1e-9, atol=1e-9)
    weaker = GeometricTransformation(probability=1.0)(x, strength=probability, draw=draw)
    assert_close(weaker, augment(x, draw=draw), rtol=1e-12, atol=1e-12)


@given(seed=seeds, side=st.sampled_from((1, 2, 3, 5, 8)))
def test_turns_mirrors_and_whole_moves_copy_pixels_exactly(seed: int, side: int) -> None:
    x = normal(seed, 7, 2, side, side)
    draw = uniform(seed, 7, NUMBERS)
    turned = GeometricTransformation(**STILL)(x, draw=draw)
    for before, after, row in zip(x, turned, draw.tolist(), strict=True):
        start = before.flip(-1) if row[1] >= 0.5 else before
        assert torch.equal(after, torch.rot90(start, math.floor(4 * row[3]), dims=(1, 2)))


@given(x=images(), seed=seeds)
def test_with_the_mirror_alone_it_is_the_horizontal_flip(x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), NUMBERS)
    mirrored = GeometricTransformation(quarter_turns=False, **STILL)(x, draw=draw)
    assert torch.equal(mirrored, HorizontalFlip()(x, draw=1 - draw[:, 1:2]))


@given(seed=seeds, height=st.sampled_from((8, 16)), width=st.sampled_from((8, 24)))
def test_whole_moves_reach_an_eighth_and_mirror_at_the_border(seed: int, height: int, width: int) -> None:
    x = normal(seed, 5, 2, height, width)
    draw = uniform(seed, 5, NUMBERS)
    options = STILL | {"translation": 0.125}
    moved = GeometricTransformation(flip=False, quarter_turns=False, **options)(x, draw=draw)
    reach_y, reach_x = height // 8, width // 8
    padded = torch.nn.functional.pad(x, (reach_x, reach_x, reach_y, reach_y), mode="reflect")
    for before, after, row in zip(padded, moved, draw.tolist(), strict=True):
        right, down = round((2 * row[5] - 1) * width / 8), round((2 * row[6] - 1) * height / 8)
        top, left = reach_y - down, reach_x - right
        assert torch.equal(after, before[:, top : top + height, left : left + width])


def test_the_widest_turn_is_a_share_of_a_half_turn_and_counterclockwise() -> None:
    x, draw = normal(0, 1, 2, 5, 5), torch.zeros(1, NUMBERS, dtype=torch.float64)
    draw[:, 13] = 1.0  # the second turn does not happen: its coin is as high as it gets
    augment = GeometricTransformation(flip=False, quarter_turns=False, **STILL | {"rotation": 0.5}, probability=0.5)
    for uniform_number, turns in ((1.0, 1), (0.5, 0), (0.0, -1)):
        draw[:, 10] = uniform_number
        assert_close(augment(x, draw=draw), torch.rot90(x, turns, dims=(2, 3)), rtol=1e-9, atol=1e-9)


def test_half_of_the_numbers_mirror_the_middle_one_too() -> None:
    x, draw = normal(0, 1, 2, 3, 5), torch.zeros(1, NUMBERS)
    draw[:, 1] = 0.5
    assert torch.equal(GeometricTransformation(quarter_turns=False, **STILL)(x, draw=draw), x.flip(-1))


def test_a_strength_above_one_by_rounding_turns_always() -> None:
    x, draw = normal(0, 5, 2, 7, 7), uniform(1, 5, NUMBERS)
    augment = GeometricTransformation()
    assert torch.equal(augment(x, strength=torch.tensor(1 + 1e-6), draw=draw), augment(x, draw=draw))


@given(x=images(), seed=seeds)
def test_without_any_step_it_is_nothing(x: torch.Tensor, seed: int) -> None:
    nothing = GeometricTransformation(flip=False, quarter_turns=False, **STILL)
    assert torch.equal(nothing(x, rng=torch.Generator().manual_seed(seed)), x)


@given(x=images(), seed=seeds)
def test_constants_stay_constant_and_nothing_leaves_the_range(x: torch.Tensor, seed: int) -> None:
    augment, draw = GeometricTransformation(), uniform(seed, len(x), NUMBERS)
    constant = x[:, :, :1, :1].expand_as(x)
    assert_close(augment(constant, draw=draw), constant, rtol=1e-13, atol=0)
    result = augment(x, draw=draw)
    assert result.min() >= x.min() - 1e-12
    assert result.max() <= x.max() + 1e-12


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_at_least_one_turn_happens_with_the_probability(strength: float) -> None:
    count = 20_000
    # A gradient along the rows: any turn but by chance shows in the middle column.
    x = torch.arange(5.0).reshape(1, 1, 1, 5).expand(count, 1, 5, 5)
    options = STILL | {"rotation": 1.0}
    augment = GeometricTransformation(flip=False, quarter_turns=False, **options)
    turned = augment(x, strength=torch.tensor(strength), rng=torch.Generator().manual_seed(0))
    share = (turned - x).abs().flatten(1).amax(1).gt(1e-4).double().mean().item()
    assert share == pytest.approx(strength, abs=4 * math.sqrt(strength * (1 - strength) / count) + 1e-3)


@given(seed=seeds)
def test_the_ends_of_the_draw_are_finite(seed: int) -> None:
    draw = (uniform(seed, 5, NUMBERS) < 0.5).double()
    draw[:, [0, 2, 4, 7, 9, 11, 13, 15]] = 0
    assert GeometricTransformation()(normal(seed, 5, 2, 5, 7), draw=draw).isfinite().all()


def test_autocast_does_not_move_pixels() -> None:
    x, draw = normal(0, 5, 2, 16, 16, dtype=torch.float32), uniform(1, 5, NUMBERS, dtype=torch.float32)
    augment = GeometricTransformation()
    with torch.autocast("cpu", torch.bfloat16):
        half = augment(x, draw=draw)
    assert torch.equal(half, augment(x, draw=draw))


@pytest.mark.parametrize("name", ["translation", "scale", "rotation", "anisotropy", "fractional_translation"])
@pytest.mark.parametrize("value", [-0.1, float("inf"), "1"])
def test_ranges_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must"):
        GeometricTransformation(**{name: value})


@pytest.mark.parametrize("name", ["translation", "rotation"])
def test_shares_end_at_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must lie in 0..1, got 1.1"):
        dataclasses.replace(GeometricTransformation(), **{name: 1.1})


@pytest.mark.parametrize("name", ["flip", "quarter_turns"])
@pytest.mark.parametrize("value", [1, 0.5, "yes", None])
def test_switches_are_true_or_false(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be True or False, got {value!r}"):
        GeometricTransformation(**{name: value})


@given(seed=seeds)
def test_normal_numbers_are_the_inverse_of_the_distribution_function(seed: int) -> None:
    numbers = uniform(seed, 11)
    expected = [NormalDist().inv_cdf(number) for number in numbers.tolist()]
    assert _normal_numbers(numbers).tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_ends_are_those_of_a_draw_in_float32(dtype: torch.dtype) -> None:
    expected = [NormalDist().inv_cdf(2.0**-25), NormalDist().inv_cdf(1 - 2.0**-24)]
    assert _normal_numbers(torch.tensor([0.0, 1.0], dtype=dtype)).tolist() == pytest.approx(expected, rel=1e-4)
