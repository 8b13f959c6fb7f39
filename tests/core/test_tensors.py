"""Scores as one tensor or several maps, and the dtype that losses are computed in."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit._core import (
    as_maps,
    as_matching_maps,
    autocast_is_on,
    mean_over_maps,
    unit_rows,
    widen,
    without_autocast,
)


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


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_becomes_float32_and_nothing_becomes_narrower(dtype: torch.dtype, wide: torch.dtype) -> None:
    values = torch.tensor([1.5, -2.0], dtype=dtype)
    assert widen(values).dtype == wide
    assert widen(values).tolist() == [1.5, -2.0]


def test_autocast_is_off_inside_and_on_again_after() -> None:
    weight = torch.ones(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        with without_autocast("cpu"):
            assert (weight @ weight).dtype == torch.float32
        assert (weight @ weight).dtype == torch.bfloat16


def test_without_autocast_nothing_is_entered() -> None:
    context = without_autocast("cpu")
    assert not isinstance(context, torch.autocast)
    with context:
        assert not torch.is_autocast_enabled("cpu")


def test_autocast_is_asked_for_on_every_device_type() -> None:
    assert not autocast_is_on("cpu")
    assert not autocast_is_on("meta"), "torch's own question raises there"
    with torch.autocast("cpu", torch.bfloat16):
        assert autocast_is_on("cpu")
        assert not autocast_is_on("cuda")
    with without_autocast("meta"):
        assert torch.ones(2, device="meta").device.type == "meta"


def test_values_that_are_not_floating_point_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="scores must be a floating-point tensor, got dtype"):
        widen(torch.ones(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="latents must be a tensor, got float"):
        widen(0.5, "latents")  # type: ignore[arg-type]


@given(seed=seeds)
def test_unit_rows_are_rows_divided_by_their_length(seed: int) -> None:
    vectors = normal(seed, 5, 3, scale=7.0)
    lengths = np.array([np.sqrt(np.sum(row**2)) for row in vectors.numpy()])
    torch.testing.assert_close(unit_rows(vectors), torch.from_numpy(vectors.numpy() / lengths[:, None]))
    assert unit_rows(vectors.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e-23, 1e-12, 1.0, 1e19, 1e30, 3e38])
def test_unit_rows_of_any_scale_that_float32_can_hold(scale: float) -> None:
    directions = normal(3, 5, 3)
    directions = directions / directions.abs().amax(dim=1, keepdim=True)
    vectors = (directions * scale).float().requires_grad_()
    wide = vectors.detach().double().requires_grad_()
    lengths = torch.linalg.vector_norm(wide, dim=1, keepdim=True)
    weights = normal(4, 5, 3)
    torch.testing.assert_close(unit_rows(vectors), (wide / lengths).float())
    if scale > 1e-38:  # the gradient is about 1 / scale
        (gradient,) = torch.autograd.grad((unit_rows(vectors) * weights.float()).sum(), vectors)
        (expected,) = torch.autograd.grad((wide / lengths * weights).sum(), wide)
        assert gradient.isfinite().all()
        torch.testing.assert_close(gradient.double() * scale, expected * scale, rtol=1e-4, atol=1e-5)


def test_unit_rows_hold_numbers_of_very_different_sizes() -> None:
    rows = unit_rows(torch.tensor([[1e-30, 3e30, -4e30], [1e-30, 0.0, 0.0]]))
    torch.testing.assert_close(rows, torch.tensor([[0.0, 0.6, -0.8], [1.0, 0.0, 0.0]]))


@given(seed=seeds)
def test_unit_rows_can_be_differentiated_twice(seed: int) -> None:
    vectors = normal(seed, 3, 4, scale=7.0).requires_grad_()
    assert torch.autograd.gradgradcheck(unit_rows, (vectors,))


def test_a_row_of_zeros_stays_zeros_with_a_finite_gradient() -> None:
    vectors = torch.zeros(2, 3, requires_grad=True)
    rows = unit_rows(vectors)
    rows.sum().backward()
    assert torch.equal(rows, torch.zeros(2, 3))
    assert vectors.grad is not None
    assert vectors.grad.abs().max() <= 1.0
