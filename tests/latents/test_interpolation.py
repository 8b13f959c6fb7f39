"""Walks between latents: ends, lengths, angles, and the cases without a plane."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds
from torch.testing import assert_close

from gankit.latents import linear_interpolation, spherical_interpolation

Walk = Callable[..., torch.Tensor]
every = pytest.mark.parametrize("walk", [linear_interpolation, spherical_interpolation])
shares = st.floats(0, 1)
features = st.sampled_from((2, 3, 5, 100))


def unit(seed: int, *shape: int) -> torch.Tensor:
    return torch.nn.functional.normalize(normal(seed, *shape), dim=-1)


def angle_between(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return 2 * torch.atan2((first - second).norm(dim=-1), (first + second).norm(dim=-1))


@given(seed=seeds, length=features, share=st.floats(-0.5, 1.5))
def test_the_line_is_a_weighted_mean(seed: int, length: int, share: float) -> None:
    first, second = normal(seed, 3, length), normal(seed + 1, 3, length)
    expected = (1 - share) * first.numpy() + share * second.numpy()
    assert_close(linear_interpolation(first, second, share), torch.from_numpy(expected), rtol=1e-12, atol=1e-12)


@given(seed=seeds, length=features, share=st.floats(-0.5, 1.5))
def test_the_circle_equals_its_formula(seed: int, length: int, share: float) -> None:
    first, second = normal(seed, 3, length), normal(seed + 1, 3, length)
    expected = []
    for a, b in zip(first.numpy(), second.numpy(), strict=True):
        angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        expected.append((np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle))
    walk = spherical_interpolation(first, second, share)
    assert_close(walk, torch.from_numpy(np.stack(expected)), rtol=1e-6, atol=1e-6)


@given(seed=seeds, length=features)
def test_ends(seed: int, length: int) -> None:
    first, second = normal(seed, 3, length), normal(seed + 1, 3, length)
    assert torch.equal(linear_interpolation(first, second, 0), first)
    assert torch.equal(linear_interpolation(first, second, 1), second)
    assert_close(spherical_interpolation(first, second, 0), first, rtol=1e-9, atol=1e-9)
    assert_close(spherical_interpolation(first, second, 1), second, rtol=1e-9, atol=1e-9)


@every
@given(seed=seeds, length=features, share=shares)
def test_walking_back_is_walking_the_rest(walk: Walk, seed: int, length: int, share: float) -> None:
    first, second = normal(seed, 3, length), normal(seed + 1, 3, length)
    assert_close(walk(first, second, share), walk(second, first, 1 - share), rtol=1e-9, atol=1e-9)


@given(seed=seeds, length=features, share=shares, radius=st.sampled_from((1e-3, 1.0, 1e3)))
def test_the_circle_stays_on_its_sphere_at_constant_speed(seed: int, length: int, share: float, radius: float) -> None:
    first, second = radius * unit(seed, 3, length), radius * unit(seed + 1, 3, length)
    point = spherical_interpolation(first, second, share)
    assert_close(point.norm(dim=-1), torch.full((3,), radius, dtype=torch.float64), rtol=1e-7, atol=0)
    whole = angle_between(first / radius, second / radius)
    assert_close(angle_between(first / radius, point / radius), share * whole, rtol=1e-6, atol=1e-7)


def test_the_middle_of_a_right_angle_keeps_the_law_of_normal_latents() -> None:
    first, second = normal(0, 500, 512), normal(1, 500, 512)
    assert spherical_interpolation(first, second, 0.5).std().item() == pytest.approx(1, abs=0.01)
    assert linear_interpolation(first, second, 0.5).std().item() == pytest.approx(0.5**0.5, abs=0.01)


@given(seed=seeds, length=features, share=shares, ratio=st.sampled_from((1.0, 0.5, 3.0)))
def test_parallel_latents_are_joined_by_a_line(seed: int, length: int, share: float, ratio: float) -> None:
    first = normal(seed, 3, length)
    expected = (1 - share + share * ratio) * first
    assert_close(spherical_interpolation(first, ratio * first, share), expected, rtol=1e-12, atol=1e-14)


@given(seed=seeds, share=shares, exponent=st.integers(-14, -1), sign=st.sampled_from((1.0, -1.0)))
def test_nearly_parallel_and_nearly_opposite_latents_keep_their_length(
    seed: int, share: float, exponent: int, sign: float
) -> None:
    first = unit(seed, 3, 5)
    second = torch.nn.functional.normalize(sign * first + 10.0**exponent * unit(seed + 1, 3, 5), dim=-1)
    point = spherical_interpolation(first, second, share)
    assert_close(point.norm(dim=-1), torch.ones(3, dtype=torch.float64), rtol=1e-6, atol=0)
    assert_close(angle_between(first, point), share * angle_between(first, second), rtol=1e-6, atol=1e-6)


@given(seed=seeds, length=features, share=shares, ratio=st.sampled_from((1.0, 0.5, 3.0)))
def test_opposite_latents_turn_half_a_circle(seed: int, length: int, share: float, ratio: float) -> None:
    first = normal(seed, 3, length)
    point = spherical_interpolation(first, -ratio * first, share)
    assert_close(point.norm(dim=-1), (1 - share + share * ratio) * first.norm(dim=-1), rtol=1e-9, atol=0)
    assert_close(
        angle_between(unit(seed, 3, length), point / point.norm(dim=-1, keepdim=True)),
        torch.full((3,), share * math.pi, dtype=torch.float64),
        rtol=1e-6,
        atol=1e-7,
    )
    assert_close(spherical_interpolation(first, -ratio * first, 1.0), -ratio * first, rtol=1e-9, atol=1e-9)


def test_opposite_latents_turn_by_way_of_the_axis_that_they_point_along_least() -> None:
    # The square of the last one's first number is 0 in float32; the number is not.
    first = torch.tensor([[3.0, 0.0, 1.0], [-5.0, 3.0, 4.0], [0.0, -2.0, 0.0], [1.0, 1.0, 1.0], [1e-25, 0.0, 1.0]])
    middle = spherical_interpolation(first, -first, 0.5)
    for start, point, axis in zip(first, middle, (1, 1, 0, 0, 1), strict=True):
        # Perpendicular to the start, of its length, and towards the positive end of that axis.
        assert point @ start == pytest.approx(0, abs=1e-5)
        assert point.norm().item() == pytest.approx(start.norm().item())
        assert point[axis].item() == pytest.approx((start.norm() ** 2 - start[axis] ** 2).sqrt().item(), rel=1e-5)


@given(share=shares)
def test_zeros_count_as_perpendicular(share: float) -> None:
    first, zero = normal(0, 2, 3), torch.zeros(2, 3, dtype=torch.float64)
    assert_close(spherical_interpolation(first, zero, share), math.cos(share * math.pi / 2) * first)
    assert_close(spherical_interpolation(zero, first, share), math.sin(share * math.pi / 2) * first)
    assert torch.equal(spherical_interpolation(zero, zero, share), zero)


@every
@given(seed=seeds)
def test_shares_broadcast(walk: Walk, seed: int) -> None:
    first, second = normal(seed, 3, 5), normal(seed + 1, 3, 5)
    steps = torch.linspace(0, 1, 7, dtype=torch.float64)
    walked = walk(first, second, steps[:, None, None])
    assert walked.shape == (7, 3, 5)
    each = walk(first, second, steps[:3, None])
    assert each.shape == (3, 5)
    for i, share in enumerate(steps.tolist()):
        assert_close(walked[i], walk(first, second, share), rtol=1e-12, atol=1e-14)
        if i < 3:
            assert_close(each[i], walked[i, i], rtol=1e-12, atol=1e-14)
    assert_close(walk(first, second, steps[2]), walked[2], rtol=1e-12, atol=1e-14)
    assert_close(walk(first[0], second[0], steps[:, None]), walked[:, 0], rtol=1e-12, atol=1e-14)


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_dtype_is_the_latents(walk: Walk, dtype: torch.dtype) -> None:
    first, second = normal(0, 3, 100).to(dtype), normal(1, 3, 100).to(dtype)
    result = walk(first, second, torch.full((3, 1), 0.25, dtype=torch.float64))
    assert result.dtype == dtype
    expected = walk(first.double(), second.double(), 0.25)
    assert_close(result.double(), expected, rtol=0, atol=4 * torch.finfo(dtype).eps)


@every
@pytest.mark.parametrize("share", [0.1, torch.tensor(0.1), torch.tensor([[0.1]], dtype=torch.float64)])
def test_a_share_keeps_its_digits_between_latents_of_half_precision(walk: Walk, share: float | torch.Tensor) -> None:
    first, second = 100 * normal(0, 3, 7).to(torch.bfloat16), 100 * normal(1, 3, 7).to(torch.bfloat16)
    # The exact point, rounded once at the end.
    assert torch.equal(walk(first, second, share), walk(first.double(), second.double(), 0.1).to(torch.bfloat16))


@every
def test_the_dtype_of_the_first_is_that_of_both(walk: Walk) -> None:
    first, second = normal(0, 3, 5), normal(1, 3, 5, dtype=torch.float32)
    assert_close(walk(first, second, 0.3), walk(first, second.double(), 0.3))
    assert walk(second, first, 0.3).dtype == torch.float32


@every
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_slopes(walk: Walk, share: float) -> None:
    first, second = normal(0, 3, 5).requires_grad_(), normal(1, 3, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: walk(a, b, share), (first, second))


def test_slopes_are_finite_without_a_plane() -> None:
    for second in (normal(0, 3, 5), -normal(0, 3, 5), torch.zeros(3, 5, dtype=torch.float64)):
        first = normal(0, 3, 5).requires_grad_()
        spherical_interpolation(first, second, 0.3).sum().backward()
        assert first.grad is not None
        assert first.grad.isfinite().all()


def test_small_angles_are_precise_in_float32() -> None:
    # The cosine of this angle rounds to 1 in float32, so an arccos would call the two parallel or be off by much.
    angle = 3e-4
    first, second = torch.tensor([[2.0, 0.0]]), 2 * torch.tensor([[math.cos(angle), math.sin(angle)]])
    for share in (0.25, 0.5, 0.8):
        point = spherical_interpolation(first, second, share)[0].tolist()
        assert point == pytest.approx([2.0, 2 * math.sin(share * angle)], rel=1e-6)


@every
@pytest.mark.parametrize(
    ("first", "second", "share", "match"),
    [
        (torch.ones(2, 3), torch.ones(3, 3), 0.5, r"second and first must have the same shape, got \(3, 3\) and \(2, 3\)"),
        (torch.ones(0, 3), torch.ones(0, 3), 0.5, "first must not be empty"),
        (torch.ones(2, 3).int(), torch.ones(2, 3), 0.5, "first must be a floating-point tensor"),
        (torch.ones(2, 3), torch.ones(2, 3).int(), 0.5, "second must be a floating-point tensor"),
        (torch.ones(2, 3), torch.ones(2, 3), torch.ones(2), r"share must be a number or have a last axis of size 1.*\(2,\)"),
        (torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 3), "share must be a number or have a last axis"),
        (torch.ones(2, 3), torch.ones(2, 3), torch.ones(5, 1), r"share must broadcast against latents of shape \(2, 3\)"),
        (torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 1).int(), "share must be a floating-point tensor"),
        (torch.ones(2, 3), torch.ones(2, 3), "half", "share must be a finite number, got 'half'"),
        (torch.ones(2, 3), torch.ones(2, 3), [0.5], r"share must be a finite number, got \[0.5\]"),
        (torch.ones(2, 3), torch.ones(2, 3), math.nan, "share must be a finite number, got nan"),
    ],
)  # fmt: skip
def test_mistakes_are_named(
    walk: Walk, first: torch.Tensor, second: torch.Tensor, share: float | torch.Tensor, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        walk(first, second, share)


@every
def test_a_share_in_half_precision_loses_no_digits_of_the_rest(walk: Walk) -> None:
    first, second = normal(0, 3, 5), normal(1, 3, 5)
    share = torch.tensor([[1 / 3], [0.1], [0.9]], dtype=torch.bfloat16)
    assert torch.equal(walk(first, second, share), walk(first, second, share.double()))
