"""Fakes among the real samples: which, how many, and where gradients go."""

import pytest
import torch
from augment.cases import uniform
from hypothesis import given, strategies as st
from support.strategies import normal, sample_pairs, seeds

from gankit.augment import mix_in_fakes

Pair = tuple[torch.Tensor, torch.Tensor]


@given(pair=sample_pairs(), seed=seeds, probability=st.floats(0, 1), as_tensor=st.booleans())
def test_each_sample_is_replaced_where_its_number_is_below_the_probability(
    pair: Pair, seed: int, probability: float, *, as_tensor: bool
) -> None:
    real, fake = pair
    draw = uniform(seed, len(real))
    chance = torch.tensor(probability, dtype=torch.float64) if as_tensor else probability
    mixed = mix_in_fakes(real, fake, chance, draw=draw)
    for i, number in enumerate(draw.tolist()):
        assert torch.equal(mixed[i], fake[i] if number < probability else real[i])


@given(pair=sample_pairs(), seed=seeds)
def test_never_at_zero_always_at_one(pair: Pair, seed: int) -> None:
    real, fake = pair
    rng = torch.Generator().manual_seed(seed)
    assert torch.equal(mix_in_fakes(real, fake, 0.0, rng=rng), real)
    assert torch.equal(mix_in_fakes(real, fake, torch.tensor(1.0), rng=rng), fake)


@given(pair=sample_pairs(), seed=seeds)
def test_the_draw_comes_from_the_generator_alone(pair: Pair, seed: int) -> None:
    real, fake = pair
    state = torch.get_rng_state()
    mixed = mix_in_fakes(real, fake, 0.5, rng=torch.Generator().manual_seed(seed))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(mixed, mix_in_fakes(real, fake, 0.5, draw=uniform(seed, len(real))))


def test_fakes_are_cut_from_their_graph_and_real_samples_are_not() -> None:
    real, fake = normal(0, 3, 2).requires_grad_(), normal(1, 3, 2).requires_grad_()
    mix_in_fakes(real, fake, 0.5, draw=torch.tensor([0.1, 0.9, 0.1])).sum().backward()
    assert fake.grad is None
    assert real.grad is not None
    assert real.grad.tolist() == [[0, 0], [1, 1], [0, 0]]


def test_the_result_has_the_dtype_of_the_real_samples() -> None:
    mixed = mix_in_fakes(torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bfloat16), 1.0)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, torch.ones(2, 3))
    assert mix_in_fakes(torch.zeros(2, 3, dtype=torch.bfloat16), torch.ones(2, 3), 0.5).dtype == torch.bfloat16


def test_compiles_whole_with_a_fresh_draw() -> None:
    torch.compiler.reset()
    compiled = torch.compile(mix_in_fakes, backend="aot_eager", fullgraph=True)
    real, fake, chance = normal(0, 7, 3, 2), normal(1, 7, 3, 2), torch.tensor(0.5)
    torch.manual_seed(5)
    expected = mix_in_fakes(real, fake, chance)
    torch.manual_seed(5)
    assert torch.equal(compiled(real, fake, chance), expected)


def test_compiles_whole_with_a_probability_that_is_another_number_each_time() -> None:
    torch.compiler.reset()
    compiled = torch.compile(mix_in_fakes, backend="aot_eager", fullgraph=True)
    real, fake, draw = normal(0, 7, 3), normal(1, 7, 3), torch.rand(7, generator=torch.Generator().manual_seed(2))
    for chance in (0.1, 0.5, 0.8):
        assert torch.equal(compiled(real, fake, chance, draw=draw), mix_in_fakes(real, fake, chance, draw=draw))


@pytest.mark.parametrize(
    ("real", "fake", "probability", "options", "match"),
    [
        (torch.ones(2, 3), torch.ones(3, 3), 0.5, {}, r"fake and real must have the same shape, got \(3, 3\) and \(2, 3\)"),
        (torch.ones(0, 3), torch.ones(0, 3), 0.5, {}, "real must not be empty"),
        (torch.ones(2, 3).int(), torch.ones(2, 3), 0.5, {}, "real must be a floating-point tensor"),
        (torch.ones(2, 3), torch.ones(2, 3).int(), 0.5, {}, "fake must be a floating-point tensor"),
        (torch.ones(2, 3), torch.ones(2, 3), 1.5, {}, r"probability must lie in 0\.\.1, got 1\.5"),
        (torch.ones(2, 3), torch.ones(2, 3), torch.ones(2), {}, "probability must be a number or a 0-d tensor"),
        (torch.ones(2, 3), torch.ones(2, 3), 0.5, {"draw": torch.ones(3)}, r"draw must have shape \(2,\).*\(3,\)"),
        (torch.ones(2, 3), torch.ones(2, 3), 0.5, {"draw": [0.1, 0.2]}, "draw must be a tensor, got list"),
        (torch.ones(2), torch.ones(2), 0.5, {"draw": -torch.ones(2)}, "draw must hold numbers from 0 to below 1"),
        (torch.ones(2, 3), torch.ones(2, 3), 0.5, {"draw": torch.ones(2, 1)}, r"draw must have shape \(2,\).*\(2, 1\)"),
        (torch.ones(2), torch.ones(2), 0.5, {"draw": torch.ones(2), "rng": torch.Generator()}, "must not both be given"),
    ],
)  # fmt: skip
def test_mistakes_are_named(
    real: torch.Tensor, fake: torch.Tensor, probability: float, options: dict, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        mix_in_fakes(real, fake, probability, **options)
