"""Mismatched conditions: never right, uniform over the rest, exact comparison, mistakes."""

from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import seeds

from gankit.losses import _mismatched, mismatched_indices, mismatched_labels

counts = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple).filter(lambda each: prod(each) > 1)


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _draw_labels(seed: int, n: int, each: tuple[int, ...]) -> torch.Tensor:
    rng = _rng(seed)
    return torch.stack([torch.randint(count, (n,), generator=rng) for count in each], dim=1)


def _partners(conditions: np.ndarray, draw: np.ndarray) -> list[int]:
    """For each sample, list those that differ, in the order of their conditions, and take the one at the draw's share."""
    rows = [tuple(np.ravel(row).tolist()) for row in conditions]
    chosen = []
    for own, share in zip(rows, draw.tolist(), strict=True):
        others = sorted((row, index) for index, row in enumerate(rows) if row != own)
        chosen.append(others[int(share * len(others))][1])
    return chosen


@given(seed=seeds, each=counts, n=st.integers(1, 40))
def test_other_labels_are_never_the_own_and_always_classes(seed: int, each: tuple[int, ...], n: int) -> None:
    labels = _draw_labels(seed, n, each)
    other = mismatched_labels(labels, each, rng=_rng(seed + 1))
    assert other.shape == labels.shape
    assert other.dtype == torch.int64
    assert (other != labels).any(dim=1).all()
    assert ((other >= 0) & (other < torch.tensor(each))).all()


@given(each=counts)
def test_every_step_leads_to_another_combination(each: tuple[int, ...]) -> None:
    everything = torch.tensor(list(product(*(range(count) for count in each))))
    for start in everything:
        steps = torch.arange(1, len(everything))
        reached = mismatched_labels(start.expand(len(steps), -1), each, draw=steps)
        own = start.tolist()
        assert sorted(reached.tolist()) == [row for row in everything.tolist() if row != own]


def test_the_last_attribute_runs_fastest() -> None:
    labels = torch.tensor([[0, 1], [1, 2], [2, 2]])
    assert mismatched_labels(labels, (3, 4), draw=torch.tensor([2, 1, 2])).tolist() == [[0, 3], [1, 3], [0, 0]]


@pytest.mark.parametrize("seed", range(3))
def test_all_other_combinations_are_equally_frequent(seed: int) -> None:
    n = 5000
    other = mismatched_labels(torch.tensor([[1, 0]]).expand(n, -1), (3, 2), rng=_rng(seed))
    frequency = torch.bincount(2 * other[:, 0] + other[:, 1], minlength=6)
    assert frequency[2] == 0
    expected = n / 5
    assert ((frequency[[0, 1, 3, 4, 5]] - expected).abs() < 6 * (expected * 4 / 5) ** 0.5).all()


@given(seed=seeds)
def test_other_labels_follow_the_generator_alone(seed: int) -> None:
    labels, state = torch.zeros(40, dtype=torch.int64), torch.get_rng_state()
    first, again = (mismatched_labels(labels, 11, rng=_rng(seed)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, mismatched_labels(labels, 11, rng=_rng(seed + 1)))
    assert torch.equal(state, torch.get_rng_state())
    steps = torch.randint(1, 11, (40,), generator=_rng(seed))
    assert torch.equal(first, steps)  # from class 0 the step is the class


def test_one_attribute_may_be_flat_or_a_column() -> None:
    draw = torch.tensor([1, 2])
    assert mismatched_labels(torch.tensor([2, 1]), 3, draw=draw).tolist() == [0, 0]
    assert mismatched_labels(torch.tensor([[2], [1]]), (3,), draw=draw).tolist() == [[0], [0]]


def test_many_binary_attributes_have_many_combinations() -> None:
    each = (2,) * 62
    labels = torch.ones(2, 62, dtype=torch.int64)
    other = mismatched_labels(labels, each, draw=torch.tensor([1, 2**62 - 1]))
    assert other.tolist() == [[0] * 62, [1] * 61 + [0]]
    with pytest.raises(ValueError, match=r"must give 2 to 2\^62 combinations"):
        mismatched_labels(torch.ones(2, 63, dtype=torch.int64), (2,) * 63)


def _few(kind: str, seed: int, n: int, width: int) -> torch.Tensor:
    ids = torch.randint(2, (n, width), generator=_rng(seed))
    if kind == "ids":
        return torch.randint(3, (n,), generator=_rng(seed))
    return {"tags": ids.bool(), "bytes": ids.byte(), "vectors": ids * 0.1 - 0.3, "maps": ids.double()[:, :, None]}[kind]


@pytest.mark.parametrize("kind", ["ids", "tags", "bytes", "vectors", "maps"])
@given(seed=seeds, n=st.integers(2, 17), width=st.integers(1, 7))
def test_partners_equal_the_oracle(kind: str, seed: int, n: int, width: int) -> None:
    conditions = _few(kind, seed, n, width)
    conditions[0] = 1 - conditions[1].long()  # at least two different ones
    draw = torch.rand(n, generator=_rng(seed + 1))
    indices = mismatched_indices(conditions, draw=draw)
    assert indices.dtype == torch.int64
    assert indices.tolist() == _partners(conditions.numpy(), draw.numpy())
    assert (conditions[indices] != conditions).reshape(n, -1).any(dim=1).all()


@pytest.mark.parametrize("seed", range(3))
def test_all_samples_that_differ_are_equally_frequent(seed: int) -> None:
    conditions = torch.tensor([1, 0, 1, 2, 0, 1])
    rng, n = _rng(seed), 1500
    table = torch.stack([mismatched_indices(conditions, rng=rng) for _ in range(n)])
    for sample, own in enumerate(conditions):
        frequency = torch.bincount(table[:, sample], minlength=6)
        differ = conditions != own
        share = 1 / int(differ.sum())
        assert (frequency[~differ] == 0).all()
        assert ((frequency[differ] - n * share).abs() < 6 * (n * share * (1 - share)) ** 0.5).all()


@given(seed=seeds)
def test_partners_follow_the_generator_alone(seed: int) -> None:
    conditions, state = torch.arange(20), torch.get_rng_state()
    first, again = (mismatched_indices(conditions, rng=_rng(seed)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, mismatched_indices(conditions, rng=_rng(seed + 1)))
    assert torch.equal(state, torch.get_rng_state())
    draw = torch.rand(20, generator=_rng(seed))
    assert torch.equal(first, mismatched_indices(conditions, draw=draw))


def test_vectors_are_compared_exactly() -> None:
    # Farther apart by less than any sum or product over the vector would keep.
    conditions = torch.full((3, 2400), 0.1)
    conditions[2, 1234] = torch.nextafter(torch.tensor(0.1), torch.tensor(1.0))
    assert mismatched_indices(conditions, rng=_rng(0)).tolist()[:2] == [2, 2]
    large = torch.tensor([2**53, 2**53 + 1, 2**53])
    assert mismatched_indices(large, rng=_rng(0)).tolist()[0] == 1
    # Rows that hold the same numbers in another order are different conditions, and so are sums that agree.
    assert mismatched_indices(torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 2.0]])).tolist() == [1, 0]


def test_two_zeros_are_equal_and_nan_differs_from_all_but_its_own_sample() -> None:
    with pytest.raises(ValueError, match="got the same for all 2 samples"):
        mismatched_indices(torch.tensor([0.0, -0.0]))
    assert mismatched_indices(torch.tensor([torch.nan, torch.nan])).tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_largest_draw_stays_among_those_that_differ(dtype: torch.dtype) -> None:
    n = 4100  # so that 4099 differ, which half precision rounds up
    conditions = torch.arange(n)
    draw = torch.full((n,), 1 - torch.finfo(dtype).eps / 2, dtype=dtype)
    assert (draw < 1).all()
    indices = mismatched_indices(conditions, draw=draw)
    assert indices.max() <= n - 1
    assert (indices != conditions).all()


def test_memory_does_not_grow_with_pairs_times_features() -> None:
    # 2000 samples of 500 features: all pairs of all features would be 2 * 10^9 numbers.
    conditions = torch.randn(2000, 500, generator=_rng(0)).round()
    indices = mismatched_indices(conditions, rng=_rng(1))
    assert (conditions[indices] != conditions).any(dim=1).all()


def test_both_compile_and_equal_conditions_are_then_refused_by_the_device() -> None:
    labels, steps, draw = torch.tensor([[0, 1], [2, 0], [1, 1]]), torch.tensor([1, 5, 3]), torch.tensor([0.1, 0.9, 0.5])

    def run(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return mismatched_labels(values, (3, 2), draw=steps), mismatched_indices(values, draw=draw)

    torch.compiler.reset()
    compiled = torch.compile(run, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(labels), run(labels), rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="conditions must hold at least two different ones"):
        compiled(torch.zeros_like(labels))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: mismatched_labels(x, 1), "num_classes must give 2 to 2.62 combinations, got 1, which gives 1"),
        (lambda x: mismatched_labels(x, (1, 1)), r"got \(1, 1\), which gives 1"),
        (lambda x: mismatched_labels(x, 0), "num_classes must be at least 1, got 0"),
        (lambda x: mismatched_labels(x, 2), r"labels must lie in 0\.\.1 for attribute 0, got 0\.\.2"),
        (lambda x: mismatched_labels(x - 1, 3), r"labels must lie in 0\.\.2 for attribute 0, got -1\.\.1"),
        (lambda x: mismatched_labels(torch.stack([x, x], 1), (3, 2)), r"0\.\.1 for attribute 1, got 0\.\.2"),
        (lambda x: mismatched_labels(x.float(), 3), "labels must be an int64 tensor of class ids, got torch.float32"),
        (lambda x: mismatched_labels(x.tolist(), 3), "labels must be an int64 tensor of class ids, got list"),
        (lambda x: mismatched_labels(x[:0], 3), "labels must not be empty"),
        (lambda x: mismatched_labels(x, (3, 2)), r"one column for each of 2 attributes, got \(3,\)"),
        (lambda x: mismatched_labels(x[:, None, None], 3), r"one column for each of 1 attributes, got \(3, 1, 1\)"),
        (lambda x: mismatched_labels(x, 3, draw=torch.tensor([1, 2, 3])), r"draw must lie in 1\.\.2, got 1\.\.3"),
        (lambda x: mismatched_labels(x, 3, draw=torch.tensor([1, 2, 0])), r"draw must lie in 1\.\.2, got 0\.\.2"),
        (lambda x: mismatched_labels(x, 3, draw=torch.ones(3)), "draw must be int64 of shape"),
        (lambda x: mismatched_labels(x, 3, draw=x[:2] + 1), r"int64 of shape \(3,\), got torch.int64 of shape \(2,\)"),
        (lambda x: mismatched_labels(x, 3, draw=x, rng=_rng(0)), "draw and rng must not both be given"),
        (lambda x: mismatched_indices(x[:1]), "must hold at least two different ones, got the same for all 1 samples"),
        (lambda x: mismatched_indices(x * 0), "must hold at least two different ones, got the same for all 3 samples"),
        (lambda x: mismatched_indices(x[:0]), "conditions must not be empty"),
        (lambda x: mismatched_indices(x[0]), "conditions must have a batch axis"),
        (lambda x: mismatched_indices(x.tolist()), "conditions must be a tensor, got list"),
        (lambda x: mismatched_indices(x, draw=torch.zeros(2)), r"draw must have shape \(3,\), got \(2,\)"),
        (lambda x: mismatched_indices(x, draw=torch.ones(3)), "draw must hold numbers from 0 to below 1"),
        (lambda x: mismatched_indices(x, draw=torch.zeros(3), rng=_rng(0)), "draw and rng must not both be given"),
    ],
)
def test_mistakes_are_named(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call(torch.tensor([0, 1, 2]))


def test_the_most_combinations_fit_whole_numbers() -> None:
    last = torch.tensor([[2**31 - 1, 2**31 - 1]])
    other = mismatched_labels(last, (2**31, 2**31), draw=torch.tensor([2**62 - 1]))
    assert other.tolist() == [[2**31 - 1, 2**31 - 2]]


def test_on_a_device_the_device_itself_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mismatched, "values_are_readable", lambda _: False)
    with pytest.raises(RuntimeError, match="conditions must hold at least two different ones"):
        mismatched_indices(torch.zeros(3))
