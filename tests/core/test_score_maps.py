"""Scores as one tensor or several maps."""

from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit._core import as_maps, as_matching_maps, mean_over_maps


def test_one_tensor_is_one_map_and_a_sequence_as_many() -> None:
    scores, others = torch.ones(3), torch.ones(2, 1, 5, 7)
    assert as_maps("scores", scores) == (scores,)
    for several in ([scores, others], (scores, others)):
        maps = as_maps("scores", several)
        assert type(maps) is tuple
        assert maps[0] is scores
        assert maps[1] is others


@pytest.mark.parametrize(
    ("scores", "match"),
    [
        (1.0, "real must be a tensor or a sequence of tensors, got float"),
        ([], "real must hold at least one tensor of scores, got an empty sequence"),
        ([1.0], "^real must be a tensor, got float"),
        ([torch.ones(2), 1.0], r"^real\[1\] must be a tensor, got float"),
        ([torch.ones(2), torch.ones(2).int()], r"^real\[1\] must be a floating-point tensor"),
        (torch.ones(()), "^real must have a batch axis"),
        ([torch.ones(0), torch.ones(2)], r"^real\[0\] must not be empty"),
    ],
)
def test_mistakes_are_named(scores: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        as_maps("real", scores)


def test_maps_must_match_those_of_the_other_side() -> None:
    other = as_maps("real", [torch.ones(3), torch.ones(2, 5)])
    same = [torch.zeros(3), torch.zeros(2, 5)]
    assert all(a is b for a, b in zip(as_matching_maps("fake", same, "real", other), same, strict=True))
    with pytest.raises(ValueError, match="fake and real must hold equally many maps, got 1 and 2"):
        as_matching_maps("fake", same[0], "real", other)
    with pytest.raises(ValueError, match=r"fake and real must have the same shape, got \(5, 2\) and \(2, 5\)"):
        as_matching_maps("fake", [same[0], same[1].t()], "real", other)


@given(seed=seeds, sizes=st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, max_size=3))
def test_a_small_map_weighs_as_much_as_a_large_one(seed: int, sizes: list[int]) -> None:
    maps = [normal(seed + index, size, 1, index + 1) for index, size in enumerate(sizes)]
    expected = sum(float(one.numpy().mean()) for one in maps) / len(maps)
    assert mean_over_maps(maps).item() == pytest.approx(expected, rel=1e-12, abs=1e-14)
