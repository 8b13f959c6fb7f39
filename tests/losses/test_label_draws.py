"""Constant and uniform labels: ranges, law, draws, forms, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, score_shapes, seeds

from gankit.losses import constant_labels, uniform_labels

ends = st.tuples(st.floats(-2, 2), st.floats(-2, 2)).map(sorted)


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _distance_from_uniform(sample: np.ndarray, low: float, high: float) -> float:
    """Largest distance of the sample's distribution function from the uniform one."""
    ordered = np.sort((sample - low) / (high - low))
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1])))


@given(seed=seeds, shape=score_shapes, value=st.floats(-3, 3))
def test_constant_labels_are_the_value_everywhere(seed: int, shape: tuple[int, ...], value: float) -> None:
    labels = constant_labels(normal(seed, *shape), value)
    assert labels.shape == shape
    assert labels.dtype == torch.float64
    assert (labels == value).all()


@given(seed=seeds, shape=score_shapes, bounds=ends)
def test_uniform_labels_stay_in_their_range_and_follow_the_draw(
    seed: int, shape: tuple[int, ...], bounds: list[float]
) -> None:
    low, high = bounds
    scores = normal(seed, *shape)
    draw = torch.rand(shape, generator=_rng(seed), dtype=torch.float64)
    labels = uniform_labels(scores, low, high, draw=draw)
    assert ((labels >= low) & (labels <= high)).all()
    torch.testing.assert_close(labels.numpy(), low + (high - low) * draw.numpy(), rtol=1e-12, atol=1e-12)
    drawn = uniform_labels(scores, low, high, rng=_rng(seed))
    torch.testing.assert_close(drawn, labels, rtol=0, atol=0)


@pytest.mark.parametrize("bounds", [(0.8, 1.2), (0.0, 0.2), (0.7, 1.0), (0.0, 0.3)])
def test_the_largest_draw_does_not_round_out_of_the_range(bounds: tuple[float, float]) -> None:
    scores = torch.zeros(2)
    labels = uniform_labels(scores, *bounds, draw=torch.tensor([0.0, 1 - 2**-24]))
    assert labels[0] == torch.tensor(bounds[0])
    assert labels[1] <= torch.tensor(bounds[1])


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("bounds", [(0.8, 1.2), (0.0, 0.2)])
def test_the_law_is_uniform(seed: int, bounds: tuple[float, float]) -> None:
    low, high = bounds
    n = 4000
    sample = uniform_labels(torch.zeros(n, dtype=torch.float64), low, high, rng=_rng(seed)).numpy()
    assert abs(sample.mean() - (low + high) / 2) < 6 * (high - low) / np.sqrt(12 * n)
    # Kolmogorov's distance passes 2.69 / sqrt(n) with probability 1e-6.
    assert _distance_from_uniform(sample, low, high) < 2.69 / np.sqrt(n)


def test_noisy_real_and_fake_labels_do_not_meet() -> None:
    scores = torch.zeros(4000)
    assert uniform_labels(scores, 0.8, 1.2).min() > uniform_labels(scores, 0.0, 0.2).max()


def test_each_score_has_its_own_draw() -> None:
    labels = uniform_labels(torch.zeros(5, 1, 7, 7), 0.0, 1.0)
    assert labels.unique().numel() == labels.numel()


@given(seed=seeds)
def test_the_generator_alone_decides(seed: int) -> None:
    scores, state = torch.zeros(11), torch.get_rng_state()
    first, again = (uniform_labels(scores, 0.0, 1.0, rng=_rng(seed)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, uniform_labels(scores, 0.0, 1.0, rng=_rng(seed + 1)))
    assert torch.equal(state, torch.get_rng_state())


def test_without_a_generator_the_global_one_is_drawn_from() -> None:
    scores = torch.zeros(11)
    torch.manual_seed(3)
    labels = uniform_labels(scores, 0.0, 1.0)
    assert torch.equal(labels, uniform_labels(scores, 0.0, 1.0, rng=_rng(3)))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.bfloat16, torch.float32), (torch.float16, torch.float32), (torch.float64, torch.float64)],
)
def test_labels_are_float32_or_wider_whatever_the_draw_is(dtype: torch.dtype, expected: torch.dtype) -> None:
    scores = torch.zeros(3, dtype=dtype, requires_grad=True)
    draw = torch.zeros(3, dtype=torch.float64)
    for labels in (
        constant_labels(scores, 0.9),
        uniform_labels(scores, 0.0, 1.0),
        uniform_labels(scores, 0, 1, draw=draw),
        uniform_labels(scores, 0.0, 1.0, draw=draw.bfloat16()),
    ):
        assert labels.dtype == expected
        assert not labels.requires_grad


def test_several_maps_give_several_labels_from_one_stream() -> None:
    maps = [torch.zeros(3, 1, 5, 5), torch.zeros(3, 1, 2, 2, dtype=torch.float64)]
    constant = constant_labels(maps, 0.9)
    assert isinstance(constant, tuple)
    assert [(one.shape, one.dtype) for one in constant] == [(one.shape, one.dtype) for one in maps]
    uniform = uniform_labels(maps, 0.0, 1.0, rng=_rng(7))
    rng = _rng(7)
    draw = [torch.rand(one.shape, dtype=one.dtype, generator=rng) for one in maps]
    assert isinstance(uniform, tuple)
    torch.testing.assert_close(list(uniform), draw, rtol=0, atol=0)
    given_draw = uniform_labels(maps, 0.0, 1.0, draw=draw)
    torch.testing.assert_close(given_draw, uniform, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: constant_labels(x, float("nan")), "value must be a finite number, got nan"),
        (lambda x: constant_labels(x[:0], 1.0), "scores must not be empty"),
        (lambda x: constant_labels(x.long(), 1.0), "scores must be a floating-point tensor"),
        (lambda x: uniform_labels(x, 0.2, 0.1), "low must be at most high, got 0.2 and 0.1"),
        (lambda x: uniform_labels(x, float("nan"), 0.1), "low must be a finite number"),
        (lambda x: uniform_labels(x, 0.1, float("inf")), "high must be a finite number"),
        (lambda x: uniform_labels(x, 0.0, 1.0, draw=torch.zeros(3, 1)), "draw and scores must have the same shape"),
        (lambda x: uniform_labels([x], 0.0, 1.0, draw=[x, x]), "draw and scores must hold equally many maps"),
        (lambda x: uniform_labels(x, 0.0, 1.0, draw=x + 1), "draw must hold numbers from 0 to below 1"),
        (lambda x: uniform_labels(x, 0.0, 1.0, draw=x, rng=torch.Generator()), "draw and rng must not both be given"),
    ],
)
def test_mistakes_are_named(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call(torch.zeros(3))


def test_one_value_is_a_range_too() -> None:
    assert (uniform_labels(torch.zeros(7), 0.9, 0.9) == torch.tensor(0.9)).all()
