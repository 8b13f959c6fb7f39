"""Fixed latents and grids across conditions."""

from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit.latents import across_conditions, fixed_latents

numbers = st.integers(0, 2**63)


def philox(seed: int, number: int, features: int) -> np.ndarray:
    """Philox4x64-10 from its paper, in whole numbers of Python: words of block after block, the counter raised first."""
    words: list[int] = []
    mask, counter = 2**64 - 1, (number << 64)
    while len(words) < features:
        counter += 1
        c = [(counter >> (64 * k)) & mask for k in range(4)]
        k = [seed & mask, seed >> 64]
        for _ in range(10):
            left, right = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
            c = [(right >> 64) ^ c[1] ^ k[0], right & mask, (left >> 64) ^ c[3] ^ k[1], left & mask]
            k = [(k[0] + 0x9E3779B97F4A7C15) & mask, (k[1] + 0xBB67AE8584CAA73B) & mask]
        words += c
    return np.array(words[:features], dtype=np.uint64)


@given(seed=st.integers(0, 2**128 - 1), number=numbers, features=st.integers(1, 11))
def test_equals_the_published_generator_and_the_inverse_normal(seed: int, number: int, features: int) -> None:
    inverse = NormalDist().inv_cdf
    expected = [inverse(((int(word) >> 12) + 0.5) / 2**52) for word in philox(seed, number, features)]
    latent = fixed_latents(1, features, seed=seed, first=number, dtype=torch.float64)
    torch.testing.assert_close(latent[0], torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


@given(seed=seeds, count=st.integers(1, 20), cut=st.integers(1, 19), features=st.integers(1, 7))
def test_does_not_depend_on_the_size_of_batches_or_of_the_set(seed: int, count: int, cut: int, features: int) -> None:
    whole = fixed_latents(20, features, seed=seed)
    assert torch.equal(whole[:count], fixed_latents(count, features, seed=seed))
    parts = fixed_latents(cut, features, seed=seed), fixed_latents(20 - cut, features, seed=seed, first=cut)
    assert torch.equal(whole, torch.cat(parts))
    assert torch.equal(whole, fixed_latents(20, features + 2, seed=seed)[:, :features])


@given(seed=seeds, other=seeds)
def test_latents_and_seeds_differ(seed: int, other: int) -> None:
    latents = fixed_latents(20, 7, seed=seed)
    assert len(set(latents.flatten().tolist())) == 140
    assert torch.equal(latents, fixed_latents(20, 7, seed=other)) == (seed == other)


def test_no_random_state_is_read_or_moved() -> None:
    before = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    first = fixed_latents(3, 5, seed=3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert str(np.random.get_state()) == before[1]  # noqa: NPY002
    torch.manual_seed(9)
    assert torch.equal(fixed_latents(3, 5, seed=3), first)


def test_is_standard_normal() -> None:
    latents = fixed_latents(2000, 500, seed=0, dtype=torch.float64).flatten()
    assert latents.mean().item() == pytest.approx(0, abs=4e-3)
    assert latents.std().item() == pytest.approx(1, abs=4e-3)
    uniform = torch.special.ndtr(latents).sort().values
    even = (torch.arange(len(uniform), dtype=torch.float64) + 0.5) / len(uniform)
    assert (uniform - even).abs().max() < 2 / len(uniform) ** 0.5  # Kolmogorov and Smirnov: p about 0.0007


def test_neighbors_are_uncorrelated() -> None:
    latents = fixed_latents(20_000, 5, seed=0, dtype=torch.float64)
    assert (latents[1:] * latents[:-1]).mean(0).abs().max() < 4 / 20_000**0.5
    assert (latents[:, 1:] * latents[:, :-1]).mean(0).abs().max() < 4 / 20_000**0.5


@given(seed=seeds, scale=st.sampled_from((0.0, 0.5, 3.0)))
def test_scale_multiplies(seed: int, scale: float) -> None:
    plain = fixed_latents(3, 5, seed=seed, dtype=torch.float64)
    assert torch.equal(fixed_latents(3, 5, seed=seed, scale=scale, dtype=torch.float64), scale * plain)


def test_the_ends_are_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ends:
        def __init__(self, **options: int) -> None:
            pass

        def random_raw(self, features: int) -> np.ndarray:
            return np.array([0, 2**64 - 1], dtype=np.uint64)

    monkeypatch.setattr(np.random, "Philox", Ends)
    latents = fixed_latents(1, 2, seed=0, dtype=torch.float64)
    assert latents.tolist() == [[pytest.approx(-8.2095, abs=1e-4), pytest.approx(8.2095, abs=1e-4)]]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"seed": 1.0}, "seed must be a whole number, got 1.0"),
        ({"seed": 2**128}, r"seed must be below 2\*\*128"),
        ({"seed": 0, "first": -1}, "first must be at least 0, got -1"),
        ({"seed": 0, "first": 2**64 - 1}, r"first \+ count must be at most 2\*\*64"),
    ],
)
def test_mistakes_are_named(options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        fixed_latents(2, 3, **options)


def test_the_last_latent_of_all_can_be_drawn() -> None:
    assert fixed_latents(1, 3, seed=2**128 - 1, first=2**64 - 1).isfinite().all()


sizes = st.integers(1, 7)


@given(seed=seeds, rows=sizes, columns=sizes, length=sizes, shape=st.sampled_from([(), (2,), (2, 3)]))
def test_every_latent_meets_every_condition_row_by_row(
    seed: int, rows: int, columns: int, length: int, shape: tuple[int, ...]
) -> None:
    latents, conditions = normal(seed, columns, length), normal(seed + 1, rows, *shape)
    paired, repeated = across_conditions(latents, conditions)
    assert paired.shape == (rows * columns, length)
    assert repeated.shape == (rows * columns, *shape)
    for row in range(rows):
        for column in range(columns):
            assert torch.equal(paired[row * columns + column], latents[column])
            assert torch.equal(repeated[row * columns + column], conditions[row])


def test_class_ids_stay_whole_numbers() -> None:
    _, labels = across_conditions(torch.zeros(2, 3), torch.tensor([[4, 1], [0, 2]]))
    assert labels.tolist() == [[4, 1], [4, 1], [0, 2], [0, 2]]
    assert labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("latents", "conditions", "match"),
    [
        (torch.zeros(0, 3), torch.zeros(2), "latents must not be empty"),
        (torch.zeros(2, 3).int(), torch.zeros(2), "latents must be a floating-point tensor"),
        (torch.zeros(2, 3), torch.zeros(0), "conditions must not be empty"),
        (torch.zeros(2, 3), torch.tensor(3), "conditions must have a batch axis"),
        (torch.zeros(2, 3), [3, 5], "conditions must be a tensor, got list"),
    ],
)
def test_mistakes_with_conditions_are_named(latents: torch.Tensor, conditions: torch.Tensor, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        across_conditions(latents, conditions)
