"""Flipped labels: the coin, who throws it, for whom it counts, mistakes; under accumulation."""

from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, score_shapes, seeds

from gankit.losses import AdaptiveProbability, Logistic, constant_labels, critic_loss, flip_labels, labeled_loss
from gankit.training import Accumulated


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
    weight = torch.ones((), requires_grad=True)

    def drawn(labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": weight * flip_labels(labels, 0.5, whole_batch=True).mean()}

    def given_coin(labels: torch.Tensor, coin: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": weight * flip_labels(labels, 0.5, whole_batch=True, draw=coin).mean()}

    labels = torch.zeros(6)
    with pytest.raises(ValueError, match="flip_labels needs the whole batch"):
        Accumulated(2)(drawn, (labels,), None)
    Accumulated(1)(drawn, (labels,), None)
    assert Accumulated(2)(given_coin, (labels, torch.tensor(0.2)), None)["loss"] == 1.0


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
def test_mistakes_are_named(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call(torch.zeros(3))
