"""Soft, noisy and flipped labels: values, draws, maps, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, score_shapes, seeds

from gankit.losses import (
    AdaptiveProbability,
    Logistic,
    constant_labels,
    critic_loss,
    flip_labels,
    labeled_loss,
    uniform_labels,
)
from gankit.training import Accumulated, Loss

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


@given(seed=seeds, shape=score_shapes, probability=st.floats(0, 1))
def test_one_coin_a_sample_turns_all_of_its_labels(seed: int, shape: tuple[int, ...], probability: float) -> None:
    labels = torch.rand(shape, generator=_rng(seed), dtype=torch.float64)
    coins = torch.rand(shape[0], generator=_rng(seed + 1), dtype=torch.float64)
    flipped = flip_labels(labels, probability, draw=coins)
    for before, after, coin in zip(labels, flipped, coins.tolist(), strict=True):
        assert torch.equal(after, 1 - before if coin < probability else before)


@given(seed=seeds, n=st.integers(1, 40))
def test_probability_zero_flips_none_and_one_flips_all(seed: int, n: int) -> None:
    labels = torch.rand(n, generator=_rng(seed), dtype=torch.float64)
    for whole in (False, True):
        assert torch.equal(flip_labels(labels, 0, whole_batch=whole, rng=_rng(seed)), labels)
        assert torch.equal(flip_labels(labels, 1, whole_batch=whole, rng=_rng(seed)), 1 - labels)


def test_the_least_and_the_largest_coin_keep_to_the_ends() -> None:
    labels, coins = torch.tensor([0.25, 0.25]), torch.tensor([0.0, 1 - 2**-24])
    assert flip_labels(labels, 0.0, draw=coins).tolist() == [0.25, 0.25]
    assert flip_labels(labels, 1.0, draw=coins).tolist() == [0.75, 0.75]
    assert flip_labels(labels, torch.tensor(0.0), draw=coins).tolist() == [0.25, 0.25]
    assert flip_labels(labels, torch.tensor(1.0), draw=coins).tolist() == [0.75, 0.75]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("probability", [0.1, 0.37, 0.9])
def test_so_many_are_flipped_as_the_probability_says(seed: int, probability: float) -> None:
    n = 4000
    flips = flip_labels(torch.zeros(n), probability, rng=_rng(seed)).sum().item()
    assert abs(flips - n * probability) <= 6 * (n * probability * (1 - probability)) ** 0.5


@pytest.mark.parametrize("seed", range(3))
def test_one_coin_for_the_batch_turns_all_or_none_as_often_as_the_probability_says(seed: int) -> None:
    rng, n, flipped = _rng(seed), 800, 0
    for _ in range(n):
        labels = flip_labels(torch.zeros(5), 0.3, whole_batch=True, rng=rng)
        assert labels.unique().numel() == 1
        flipped += int(labels[0])
    assert abs(flipped - n * 0.3) <= 6 * (n * 0.3 * 0.7) ** 0.5


def test_coins_run_along_the_batch_in_every_map_alike() -> None:
    # As many columns and rows as samples, so that a coin that ran along another axis would pass unseen by shapes alone.
    maps = [torch.zeros(3, 3, 3), torch.full((3, 1), 0.25), torch.ones(3)]
    flipped = flip_labels(maps, 0.5, draw=torch.tensor([0.9, 0.1, 0.9]))
    assert isinstance(flipped, tuple)
    assert [one.reshape(3, -1).unique(dim=1).flatten().tolist() for one in flipped] == [
        [0.0, 1.0, 0.0],
        [0.25, 0.75, 0.25],
        [1.0, 0.0, 1.0],
    ]


def test_one_coin_for_the_batch_serves_maps_of_any_rank() -> None:
    flipped = flip_labels([torch.zeros(3, 1, 2), torch.ones(3)], 0.5, whole_batch=True, draw=torch.tensor(0.4))
    assert [one.unique().tolist() for one in flipped] == [[1.0], [0.0]]


@given(seed=seeds)
def test_the_generator_alone_decides_and_labels_stay(seed: int) -> None:
    labels, state = torch.zeros(64), torch.get_rng_state()
    first, again = (flip_labels(labels, 0.5, rng=_rng(seed)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, flip_labels(labels, 0.5, rng=_rng(seed + 1)))
    assert torch.equal(state, torch.get_rng_state())
    assert (labels == 0).all()
    assert labels._version == 0


def test_coins_are_drawn_in_float32_or_wider() -> None:
    labels = torch.zeros(1000, dtype=torch.bfloat16)
    expected = torch.rand(1000, generator=_rng(5)) < 0.3
    flipped = flip_labels(labels, 0.3, rng=_rng(5))
    assert flipped.dtype == torch.bfloat16
    assert torch.equal(flipped.bool(), expected)


@given(seed=seeds, probability=st.floats(0, 1))
def test_on_average_a_flip_costs_what_smoothing_costs(seed: int, probability: float) -> None:
    scores = normal(seed, 7)
    plain = labeled_loss(Logistic(), scores, constant_labels(scores, 0.0))
    turned = labeled_loss(Logistic(), scores, flip_labels(constant_labels(scores, 0.0), 1))
    smooth = labeled_loss(Logistic(), scores, constant_labels(scores, probability))
    torch.testing.assert_close((1 - probability) * plain + probability * turned, smooth)


@given(seed=seeds)
def test_flipped_fakes_pay_as_real_ones_and_are_counted_once(seed: int) -> None:
    real, fake = normal(seed, 7), normal(seed + 1, 7)
    labels = flip_labels(constant_labels(fake, 0.0), 0.5, rng=_rng(seed))
    own = [Logistic().real(f) if label == 1 else Logistic().fake(f) for f, label in zip(fake, labels, strict=True)]
    expected = Logistic().real(real).mean() + torch.stack(own).mean()
    torch.testing.assert_close(critic_loss(Logistic(), real, fake, fake_labels=labels), expected)


def test_a_probability_that_adapts_is_taken_as_it_is() -> None:
    adaptive = AdaptiveProbability(length=10)
    labels = torch.zeros(4)
    assert torch.equal(flip_labels(labels, adaptive.probability), labels)
    adaptive.update(torch.ones(10))
    assert torch.equal(flip_labels(labels, adaptive.probability), 1 - labels)


def test_it_compiles_with_a_probability_on_the_device() -> None:
    draw = torch.tensor([0.1, 0.6, 0.4])
    torch.compiler.reset()

    def flip(labels: torch.Tensor, probability: torch.Tensor) -> torch.Tensor:
        return flip_labels(labels, probability, draw=draw)

    compiled = torch.compile(flip, backend="aot_eager", fullgraph=True)
    assert compiled(torch.zeros(3), torch.tensor(0.5)).tolist() == [1.0, 0.0, 1.0]


def test_accumulation_refuses_one_coin_for_the_batch_unless_it_is_given() -> None:
    weight = torch.nn.Parameter(torch.ones(()))

    def drawn(labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": weight * flip_labels(labels, 0.5, whole_batch=True).mean()}

    def given_coin(labels: torch.Tensor, coin: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": weight * flip_labels(labels, 0.5, whole_batch=True, draw=coin).mean()}

    labels = torch.zeros(6)
    with pytest.raises(ValueError, match="flip_labels needs the whole batch"):
        Accumulated(2)(Loss(drawn, (weight,)), (labels,))
    Accumulated(1)(Loss(drawn, (weight,)), (labels,))
    given = Accumulated(2)(Loss(given_coin, (weight,)), (labels, torch.tensor(0.2)))
    assert given.costs["loss"] == 1.0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: flip_labels(x, 1.1), r"probability must lie in 0\.\.1, got 1\.1"),
        (lambda x: flip_labels(x, -0.1), r"probability must lie in 0\.\.1, got -0\.1"),
        (lambda x: flip_labels(x, float("nan")), "probability must be a finite number, got nan"),
        (lambda x: flip_labels(x, torch.tensor(1.5)), r"probability must lie in 0\.\.1, got 1\.5"),
        (lambda x: flip_labels(x, torch.tensor(torch.nan)), "probability must be a finite number, got nan"),
        (
            lambda x: flip_labels(x, torch.tensor([0.5])),
            r"0-d floating-point tensor, got shape \(1,\) of torch.float32",
        ),
        (lambda x: flip_labels(x, torch.tensor(1)), r"0-d floating-point tensor, got shape \(\) of torch.int64"),
        (lambda x: flip_labels(x, 0.5, draw=torch.zeros(3, 1)), r"draw must have shape \(3,\), got \(3, 1\)"),
        (
            lambda x: flip_labels(x, 0.5, whole_batch=True, draw=torch.zeros(3)),
            r"draw must have shape \(\), got \(3,\)",
        ),
        (lambda x: flip_labels(x, 0.5, draw=torch.ones(3)), "draw must hold numbers from 0 to below 1"),
        (lambda x: flip_labels(x, 0.5, draw=x, rng=torch.Generator()), "draw and rng must not both be given"),
        (lambda x: flip_labels([x, x[:2]], 0.5), "equally many samples in each map, got 3 and 2 in map 1"),
        (lambda x: flip_labels(x.long(), 0.5), "labels must be a floating-point tensor"),
        (lambda x: flip_labels(x[:0], 0.5), "labels must not be empty"),
    ],
)
def test_mistakes_with_flips_are_named(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call(torch.zeros(3))
